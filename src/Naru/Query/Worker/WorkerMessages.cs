using System.Text.Json.Serialization;
using Naru.Lake.DuckDb;
using Naru.Query.Sandbox;

namespace Naru.Query.Worker;

/// <summary>What a worker is told once, before it confines itself.</summary>
internal sealed record WorkerSetup
{
    /// <summary>RLIMIT_DATA.</summary>
    public required long DataBytesMax { get; init; }

    /// <summary>RLIMIT_FSIZE.</summary>
    public required long FileBytesMax { get; init; }

    /// <summary>False only on a kernel without Landlock, for trusted SQL.</summary>
    public required bool Confined { get; init; }

    /// <summary>Of the worker process, 0 to 19.</summary>
    public int Niceness { get; init; }

    /// <summary>The worker's own folder; no other process uses it.</summary>
    public required string SpillFolder { get; init; }

    /// <summary>Lake and tail: what it may read and must not be able to write.</summary>
    public required IReadOnlyList<string> Readable { get; init; }

    /// <summary>What the server found when it checked the native library.</summary>
    public required string LibraryStamp { get; init; }

    /// <summary>IANA name of the project's zone.</summary>
    public required string ZoneName { get; init; }

    /// <summary>Folders of files of others: to read, where no link leads away from their paths.</summary>
    public IReadOnlyList<string> Outside { get; init; } = [];
}

/// <param name="DuckDbVersion">Of the library that the worker loaded.</param>
/// <param name="Refusals">What <see cref="ConfinementProof"/> tried, with the error; empty for an unconfined
/// one.</param>
internal sealed record WorkerReady(string DuckDbVersion, IReadOnlyDictionary<string, int> Refusals);

/// <summary>How rows are written. Persisted nowhere.</summary>
internal enum ResultFormat
{
    Json,
    Ndjson,
    Csv,
    Parquet,

    /// <summary>Rows of Trino's protocol; see <see cref="Results.TrinoResultWriter"/>.</summary>
    Trino,

    /// <summary>A workbook; see <see cref="Results.WorkbookWriter"/>.</summary>
    Xlsx,
}

/// <summary>One statement that the gate has let through, and all that it may touch.</summary>
internal sealed record RunRequest
{
    /// <summary>The statement is <see cref="Prefix"/>, a line break, this.</summary>
    public required string Sql { get; init; }

    /// <summary>What the statement was written in; its words are DuckDB's by now.</summary>
    public SqlDialect Dialect { get; init; }

    /// <summary>`EXPLAIN` or `EXPLAIN ANALYZE`, or empty.</summary>
    public string Prefix { get; init; } = "";

    public required ResultFormat Format { get; init; }

    /// <summary>CSV: cells that a spreadsheet would take for a formula are quoted with an apostrophe.</summary>
    public bool GuardFormulas { get; init; } = true;

    public long? RowsMax { get; init; }

    /// <summary>Trino: times have all their digits and say so in their types, as newer clients expect.</summary>
    public bool PreciseTimes { get; init; }

    /// <summary>Schemas in which unqualified names are looked up, first to last.</summary>
    public IReadOnlyList<string> SearchPath { get; init; } = Gate.ReadableTables.SearchPath;

    /// <summary>Files and folders that this query may read: its Landlock layer and DuckDB's allowed paths.</summary>
    public required IReadOnlyList<string> Files { get; init; }

    public required IReadOnlyList<string> Folders { get; init; }

    /// <summary>Files of others: what they stand in may change, so no link is followed on the way to them.</summary>
    public IReadOnlyList<string> Outside { get; init; } = [];

    /// <summary>Statements that make the schemas and views; run before the configuration is locked.</summary>
    public required IReadOnlyList<SetupStatement> Setup { get; init; }

    /// <summary>What ip_country looks addresses up in, when it is called.</summary>
    public byte[]? IpCountries { get; init; }

    public required int Threads { get; init; }

    public required long MemoryBytes { get; init; }

    public required long SpillBytesMax { get; init; }
}

/// <summary>A statement, and what to run instead when it fails (files that lack a column), if anything.</summary>
internal sealed record SetupStatement(string Sql, string? Otherwise = null)
{
    /// <summary>The table whose view has a row filter or masks in it: its failure is theirs.</summary>
    public string? RuledTable { get; init; }

    /// <summary>What stands for <see cref="FileRead.Mark"/> in the statement.</summary>
    public FileRead? Read { get; init; }
}

/// <param name="Name">As the statement gives it.</param>
/// <param name="Type">In the words of the format's reader: DuckDB's, or Trino's.</param>
/// <param name="Signature">Trino: the type again, as JSON for drivers.</param>
internal sealed record ResultColumn(string Name, string Type, string? Signature = null);

/// <summary>What a query has used so far, as the worker's process sees it.</summary>
/// <param name="CpuMilliseconds">Of all threads, user and system.</param>
/// <param name="ReadBytes">By read calls: also what the page cache answered.</param>
/// <param name="PeakBytes">Most resident memory of the process, its idle share included.</param>
internal sealed record WorkerUsage(double CpuMilliseconds, long ReadBytes, long PeakBytes)
{
    public static readonly WorkerUsage None = new(0, 0, 0);
}

internal sealed record RunFinished
{
    public required long Rows { get; init; }

    /// <summary>There were more rows than <see cref="RunRequest.RowsMax"/>.</summary>
    public required bool Truncated { get; init; }

    public required double SetupMilliseconds { get; init; }

    public required double RunMilliseconds { get; init; }

    /// <summary>How it was carried out; null for queries that were quick.</summary>
    public string? Plan { get; init; }

    /// <summary>With Parquet and workbooks: the file in the spill folder that the server sends and deletes.</summary>
    public string? File { get; init; }
}

/// <summary>DuckDB's own words; the server puts them into its error shape.</summary>
internal sealed record RunFailed
{
    /// <summary>
    /// <see cref="Kind"/> of a row filter or mask that its table does not fit; the name is the table's.
    /// </summary>
    public const string RuleKind = "rule";

    /// <summary><see cref="Kind"/> of an answer that no workbook holds.</summary>
    public const string WorkbookKind = "workbook";

    /// <summary><see cref="Kind"/> of files of others that are not as their table says; the name is the table's.
    /// </summary>
    public const string FilesKind = "files";

    /// <summary>Name of a DuckDbErrorKind, or one of those above.</summary>
    public required string Kind { get; init; }

    public required string Message { get; init; }

    /// <summary>Where, as a byte of the statement as told (<see cref="RunRequest.Sql"/>); null where unknown.</summary>
    public int? Offset { get; init; }

    /// <summary>`COLUMN_NOT_FOUND`, `NO_MATCHING_FUNCTION`, …</summary>
    public string? Subtype { get; init; }

    /// <summary>The name that was not found, and near ones.</summary>
    public string? Name { get; init; }

    public IReadOnlyList<string> Candidates { get; init; } = [];

    /// <param name="exception">What the engine said.</param>
    /// <param name="offset">Bytes from the start of the user's text.</param>
    public static RunFailed Of(DuckDbException exception, int? offset) => new()
    {
        Kind = exception.Kind.ToString(),
        Message = exception.Message,
        Offset = offset,
        Subtype = exception.Subtype,
        Name = exception.Name,
        Candidates = exception.Candidates,
    };
}

[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(WorkerGrants))]
[JsonSerializable(typeof(WorkerSetup))]
[JsonSerializable(typeof(WorkerReady))]
[JsonSerializable(typeof(RunRequest))]
[JsonSerializable(typeof(IReadOnlyList<ResultColumn>))]
[JsonSerializable(typeof(RunFinished))]
[JsonSerializable(typeof(RunFailed))]
[JsonSerializable(typeof(WorkerUsage))]
internal sealed partial class WorkerJson : JsonSerializerContext;
