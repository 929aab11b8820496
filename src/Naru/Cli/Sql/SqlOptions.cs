using System.CommandLine;
using Naru.Core.Text;
using Naru.Query;

namespace Naru.Cli.Sql;

/// <summary>
/// What `naru sql` was told; <see cref="Sql"/> is null when it is to read statements from the terminal.
/// </summary>
internal sealed record SqlRun
{
    public required string? Sql { get; init; }

    /// <summary>table, csv, json, ndjson, xlsx or parquet.</summary>
    public required string Format { get; init; }

    public SqlDialect Dialect { get; init; } = SqlDialect.Naru;

    public string? Output { get; init; }

    public string? Server { get; init; }

    public string? Project { get; init; }

    public string? Key { get; init; }

    public bool Raw { get; init; }

    public long? RowsMax { get; init; }

    public TimeSpan? Timeout { get; init; }
}

/// <summary>The options of `naru sql`.</summary>
internal sealed class SqlOptions
{
    private static readonly string[] Formats = ["table", "csv", "json", "ndjson", "xlsx", "parquet"];

    private readonly Argument<string?> _sql = new("SQL")
    {
        Description = "the statement; without it, --file, standard input, or a prompt",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private readonly Option<string?> _format = new("--format")
    {
        Description = "table, csv, json, ndjson, xlsx or parquet; default: table on a terminal, else csv",
        HelpName = "FORMAT",
    };

    private readonly Option<string?> _dialect = new("--dialect")
    {
        Description = "what functions and operators mean: naru (the default) or trino",
        HelpName = "DIALECT",
    };

    private readonly Option<string?> _file = new("--file")
    {
        Description = "read the statement from a file",
        HelpName = "F.sql",
    };

    private readonly Option<string?> _output = new("--output")
    {
        Description = "write the answer to a file",
        HelpName = "FILE",
    };

    private readonly Option<bool> _json = new("--json") { Description = "the same as --format json" };
    private readonly Option<bool> _raw = new("--raw")
    {
        Description = "with --output: csv without the apostrophe before formulas",
    };

    private readonly Option<long?> _rows = new("--max-rows") { Description = "at most so many rows", HelpName = "N" };
    private readonly Option<string?> _timeout = new("--timeout")
    {
        Description = "time the query may take",
        HelpName = "10m",
    };

    private readonly ServerOptions _common = new();

    public void AddTo(Command command)
    {
        command.Arguments.Add(_sql);
        Option[] options = [_format, _dialect, _file, _output, _json, _raw, _rows, _timeout];
        foreach (Option option in options)
        {
            command.Options.Add(option);
        }

        _common.AddServerTo(command);
    }

    /// <summary>Null after a wrong use was told.</summary>
    public SqlRun? Read(ParseResult parsed)
    {
        string? sql = parsed.GetValue(_sql);
        string? file = parsed.GetValue(_file);
        string? output = parsed.GetValue(_output);
        string format = parsed.GetValue(_json)
            ? "json"
            : parsed.GetValue(_format) ?? FormatOf(output) ?? (Console.IsOutputRedirected ? "csv" : "table");
        TimeSpan timeout = default;
        SqlDialect dialect = SqlDialect.Naru;
        string? mistake =
            sql is not null && file is not null ? "the statement is given twice: as an argument and by --file"
            : !Formats.Contains(format) ? $"there is no format \"{format}\": {string.Join(", ", Formats)}"
            : format is "parquet" or "xlsx" && output is null && !Console.IsOutputRedirected
                ? $"{format} is no text for a terminal: give --output FILE"
            : parsed.GetValue(_dialect) is string named && !SqlDialects.TryParse(named, out dialect)
                ? $"there is no dialect \"{named}\": {SqlDialects.Names}"
            : parsed.GetValue(_timeout) is string text && !DurationText.TryParse(text, out timeout)
                ? $"--timeout is \"{text}\": write it as 30s or 10m"
            : null;
        if (mistake is not null)
        {
            Console.Error.WriteLine(mistake);
            return null;
        }

        return TryReadStatement(sql, file, out string? statement) ? new SqlRun
        {
            Sql = statement,
            Format = format,
            Dialect = dialect,
            Output = output,
            Server = _common.Server(parsed),
            Project = _common.Project(parsed),
            Key = _common.Key(parsed),
            Raw = parsed.GetValue(_raw),
            RowsMax = parsed.GetValue(_rows),
            Timeout = timeout == default ? null : timeout,
        }
        : null;
    }

    private static string? FormatOf(string? output) => Path.GetExtension(output)?.ToLowerInvariant() switch
    {
        ".csv" => "csv",
        ".json" => "json",
        ".ndjson" or ".jsonl" => "ndjson",
        ".parquet" => "parquet",
        ".xlsx" => "xlsx",
        _ => null,
    };

    /// <summary>The argument, the file, standard input when it is piped, or null for a prompt.</summary>
    private static bool TryReadStatement(string? sql, string? file, out string? statement)
    {
        statement = sql;
        if (file is not null)
        {
#pragma warning disable RS0030 // The user's own file is not the platform's data.
            if (!File.Exists(file))
            {
                Console.Error.WriteLine($"there is no file \"{file}\"");
                return false;
            }

            statement = File.ReadAllText(file);
#pragma warning restore RS0030
        }
        else if (sql is null && Console.IsInputRedirected)
        {
            statement = Console.In.ReadToEnd();
        }

        return true;
    }
}
