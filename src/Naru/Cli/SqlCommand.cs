using System.CommandLine;
using Naru.Cli.Sql;
using Naru.Query;
using Naru.Query.Worker;
using Spectre.Console;
using ByteStream = System.IO.Stream;

namespace Naru.Cli;

/// <summary>`naru sql "SELECT …"`: asks a running server, or a project at rest.</summary>
internal static class SqlCommand
{
    private const string TableFormat = "table";

    /// <summary>A table is held in memory to be drawn; the other formats stream.</summary>
    private const long TableRowsMax = 10_000;

    public static Command Create()
    {
        SqlOptions options = new();
        Command command = new(
            "sql",
            "Ask in SQL. Example: naru sql \"SELECT ad_id, count(*) FROM kr_shop.ad_click GROUP BY 1\" --format csv");
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            SqlRun? run = options.Read(parsed);
            return run is null ? ExitCode.Usage : await RunAsync(run, cancellationToken).ConfigureAwait(false);
        });
        return command;
    }

    private static async Task<int> RunAsync(SqlRun run, CancellationToken cancellationToken)
    {
        try
        {
            await using IQueryTarget target = await QueryTargets
                .OpenAsync(run.Server, run.Project, run.Key, cancellationToken)
                .ConfigureAwait(false);
            if (target.Notice is string notice)
            {
                await Console.Error.WriteLineAsync(notice).ConfigureAwait(false);
            }

            if (run.Sql is not null)
            {
                return await AskAsync(target, run, cancellationToken).ConfigureAwait(false);
            }

            Task<int> One(string sql, CancellationToken stop) => AskAsync(target, run with { Sql = sql }, stop);
            return await SqlShell.RunAsync(One, cancellationToken).ConfigureAwait(false);
        }
        catch (QueryException exception)
        {
            await Console.Error.WriteAsync(Cli.Sql.ErrorText.Of(exception.Error, "")).ConfigureAwait(false);
            return ExitCode.Failed;
        }
    }

    private static async Task<int> AskAsync(IQueryTarget target, SqlRun run, CancellationToken cancellationToken)
    {
        try
        {
            if (run.Format == TableFormat)
            {
                await DrawAsync(target, run, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                await WriteAsync(target, run, cancellationToken).ConfigureAwait(false);
            }

            return ExitCode.Done;
        }
        catch (QueryException exception)
        {
            await Console.Error.WriteAsync(Cli.Sql.ErrorText.Of(exception.Error, run.Sql!)).ConfigureAwait(false);
            return ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("stopped").ConfigureAwait(false);
            return ExitCode.Failed;
        }
        catch (IOException exception)
        {
            await Console.Error.WriteLineAsync($"error: {exception.Message}").ConfigureAwait(false);
            return ExitCode.Failed;
        }
    }

    private static async Task DrawAsync(IQueryTarget target, SqlRun run, CancellationToken cancellationToken)
    {
        using MemoryStream json = new();
        QueryAsk ask = Ask(run, ResultFormat.Json) with { RowsMax = run.RowsMax ?? TableRowsMax };
        await target.AskAsync(ask, json, cancellationToken).ConfigureAwait(false);
        AnswerTable table = AnswerTable.Read(json.ToArray());
        if (Console.IsOutputRedirected || run.Output is not null)
        {
            await using ByteStream output = OpenOutput(run);
            await output.WriteAsync(System.Text.Encoding.UTF8.GetBytes(table.Plain()), cancellationToken)
                .ConfigureAwait(false);
            return;
        }

        table.Draw(AnsiConsole.Console);
        await Console.Error.WriteLineAsync(table.Summary).ConfigureAwait(false);
    }

    private static async Task WriteAsync(IQueryTarget target, SqlRun run, CancellationToken cancellationToken)
    {
        ResultFormat format = run.Format switch
        {
            "csv" => ResultFormat.Csv,
            "json" => ResultFormat.Json,
            "ndjson" => ResultFormat.Ndjson,
            "xlsx" => ResultFormat.Xlsx,
            _ => ResultFormat.Parquet,
        };
        try
        {
            await using ByteStream output = OpenOutput(run);
            await target.AskAsync(Ask(run, format), output, cancellationToken).ConfigureAwait(false);
        }
        catch when (run.Output is not null)
        {
            // Half an answer must not be taken for a whole one.
            DeleteOutput(run.Output);
            throw;
        }
    }

    /// <summary>A file may be opened in a spreadsheet, so its cells are guarded; a pipe goes to a program.</summary>
    private static QueryAsk Ask(SqlRun run, ResultFormat format) => new()
    {
        Sql = run.Sql!,
        Format = format,
        Dialect = run.Dialect,
        Raw = run.Raw || run.Output is null,
        RowsMax = run.RowsMax,
        Timeout = run.Timeout,
    };

#pragma warning disable RS0030 // The user's own output file is not the platform's data.
    private static ByteStream OpenOutput(SqlRun run) => run.Output is null
        ? Console.OpenStandardOutput()
        : new FileStream(run.Output, FileMode.Create, FileAccess.Write);

    private static void DeleteOutput(string path) => File.Delete(path);
#pragma warning restore RS0030
}
