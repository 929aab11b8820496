using System.Text;

namespace Naru.Cli.Sql;

/// <summary>A prompt: a statement ends with a semicolon or an empty line; `\d` lists tables, `\q` ends.</summary>
internal static class SqlShell
{
    public static async Task<int> RunAsync(
        Func<string, CancellationToken, Task<int>> askAsync, CancellationToken cancellationToken)
    {
        await Console.Error.WriteLineAsync("end a statement with ; — \\d lists tables, \\q ends").ConfigureAwait(false);
        StringBuilder statement = new();
        while (!cancellationToken.IsCancellationRequested)
        {
            await Console.Error.WriteAsync(statement.Length == 0 ? "naru> " : "   -> ").ConfigureAwait(false);
            string? line = await Console.In.ReadLineAsync(cancellationToken).ConfigureAwait(false);
            string word = line?.Trim() ?? "\\q";
            if (statement.Length == 0 && word is "\\q" or "exit" or "quit")
            {
                break;
            }

            if (statement.Length == 0 && word == "\\d")
            {
                await askAsync("SHOW TABLES", cancellationToken).ConfigureAwait(false);
                continue;
            }

            statement.Append(line).Append('\n');
            bool ended = word.Length == 0 || word.EndsWith(';');
            if (ended && !string.IsNullOrWhiteSpace(statement.ToString()))
            {
                await askAsync(statement.ToString().TrimEnd(), cancellationToken).ConfigureAwait(false);
            }

            if (ended)
            {
                statement.Clear();
            }
        }

        return ExitCode.Done;
    }
}
