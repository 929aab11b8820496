using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using Naru.Core;
using Naru.Lake.Catalog;
using Naru.Lake.DuckDb;
using Naru.Query.Functions.Scalars;
using Naru.Query.Gate;
using Naru.Query.Results;
using Naru.Query.Sandbox;

namespace Naru.Query.Worker;

/// <summary>One statement, from its own confinement to its last row. Runs on the session's thread.</summary>
internal sealed class QueryRun(WorkerChannel channel, WorkerSetup setup, TimeZoneInfo zone, RunRequest request)
{
    /// <summary>A frame goes out when it holds so much: large enough to cost nothing, small enough to flow.</summary>
    private const int FlushBytes = 128 * 1024;

    /// <summary>Name of a Parquet result in the spill folder.</summary>
    private const string ParquetResult = "result.parquet";

    private const string WorkbookResult = "result.xlsx";

    /// <summary>What took so long gets its plan into the history; planning again is nothing beside it.</summary>
    private static readonly TimeSpan WorthAPlan = TimeSpan.FromMilliseconds(500);

    private const int PlanCharsMax = 64 * 1024;

    private readonly OutputBuffer _output = new();

    /// <summary>Name in the spill folder of a result that is a file.</summary>
    public static string FileOf(ResultFormat format) =>
        format == ResultFormat.Xlsx ? WorkbookResult : ParquetResult;

    /// <summary>What is left to tell when all rows are out.</summary>
    public RunFinished Run(DuckDbConnection connection, Func<bool> cancelled)
    {
        long started = Stopwatch.GetTimestamp();
        if (setup.Confined)
        {
            ConfineThread();
        }

        IpCountries.Use(request.IpCountries ?? []);
        Prepare(connection);
        double prepared = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        if (cancelled())
        {
            throw new DuckDbException(DuckDbErrorKind.Interrupt, "cancelled");
        }

        started = Stopwatch.GetTimestamp();
        RunFinished finished = new()
        {
            Rows = 0, Truncated = false, SetupMilliseconds = prepared, RunMilliseconds = 0,
        };
        try
        {
            finished = request.Format == ResultFormat.Parquet
                ? WriteParquet(connection, finished)
                : WriteText(connection, finished, cancelled);
        }
        catch (Exception exception) when (exception is DuckDbException or UserTextException && ExactValues.Find(
            exception as DuckDbException ?? ((UserTextException)exception).Cause,
            (file, column, value) => LineOf(connection, file, column, value)) is { } inexact)
        {
            throw inexact;
        }

        TimeSpan ran = Stopwatch.GetElapsedTime(started);
        return finished with
        {
            RunMilliseconds = ran.TotalMilliseconds,
            Plan = ran >= WorthAPlan ? Plan(connection) : null,
        };
    }

    /// <summary>
    /// Nothing but the program, this query's files and the spill folder, for this thread and its children.
    /// </summary>
    private void ConfineThread()
    {
        using Landlock rules = Landlock.Create();
        foreach (string folder in WorkerProgram.Locate().Folders)
        {
            rules.TryAllow(folder, PathAccess.Run);
        }

        foreach (string path in request.Files)
        {
            rules.TryAllow(path, PathAccess.ReadFile);
        }

        foreach (string path in request.Folders)
        {
            rules.TryAllow(path, PathAccess.Read);
        }

        foreach (string path in request.Outside)
        {
            rules.TryAllowExactly(path, PathAccess.ReadFile);
        }

        rules.TryAllow(setup.SpillFolder, PathAccess.Spill);
        rules.RestrictThread();
    }

    private void Prepare(DuckDbConnection connection)
    {
        connection.Execute(Settings());
        foreach (SetupStatement statement in request.Setup)
        {
            Prepare(connection, statement);
        }

        string path = string.Join(',', request.SearchPath.Select(
            static schema => SqlIdentifier.Quote(schema)));
        connection.Execute($"SET search_path = {Literal(path)}; SET GLOBAL lock_configuration = true;");
    }

    private static void Prepare(DuckDbConnection connection, SetupStatement statement)
    {
        try
        {
            connection.Execute(statement.Read is { } read ? WithFiles(connection, statement.Sql, read) : statement.Sql);
        }
        catch (DuckDbException) when (statement.Otherwise is not null)
        {
            try
            {
                connection.Execute(statement.Otherwise);
            }
            catch (DuckDbException) when (statement.RuledTable is not null)
            {
                throw new RuleException(statement.RuledTable);
            }
        }
        catch (DuckDbException) when (statement.RuledTable is not null)
        {
            throw new RuleException(statement.RuledTable);
        }
    }

    private long? LineOf(DuckDbConnection connection, string file, string column, string value) =>
        request.Setup.Select(static statement => statement.Read).OfType<FileRead>()
            .Where(read => read.Files.Contains(file))
            .Select(read => new FileReader(connection).LineOf(read, file, column, value)).FirstOrDefault();

    /// <summary>The statement with what reads the files; they have every column that it names.</summary>
    private static string WithFiles(DuckDbConnection connection, string sql, FileRead read)
    {
        string files = new FileReader(connection).Sql(read);
        if (read.Columns.Count == 0)
        {
            return sql.Replace(FileRead.Mark, files, StringComparison.Ordinal);
        }

        string names = string.Join(", ", read.Columns.Select(static column => SqlIdentifier.Quote(column.Name)));
        try
        {
            connection.Execute($"CREATE TEMP VIEW _naru_files AS SELECT {names} FROM {files}; DROP VIEW _naru_files");
        }
        catch (DuckDbException exception) when (exception.Subtype == "COLUMN_NOT_FOUND")
        {
            throw new FilesException(read.Table, $"no file has the column \"{exception.Name}\"");
        }

        return sql.Replace(FileRead.Mark, files, StringComparison.Ordinal);
    }

    private string Settings()
    {
        StringBuilder sql = new();
        sql.Append(CultureInfo.InvariantCulture, $"SET GLOBAL memory_limit = '{request.MemoryBytes}B';");
        sql.Append(CultureInfo.InvariantCulture, $"SET GLOBAL threads = {request.Threads};");
        sql.Append(CultureInfo.InvariantCulture, $"SET GLOBAL max_temp_directory_size = '{request.SpillBytesMax}B';");
        sql.Append(CultureInfo.InvariantCulture, $"SET TimeZone = {Literal(setup.ZoneName)};");

        // Planning time grows with the cube of an expression's depth: 240 terms take 0.5 s, 990 half a minute.
        sql.Append("SET GLOBAL max_expression_depth = 250;");

        // `ORDER BY … LIMIT 100` reads the other columns of 100 rows only; the default stops at 50.
        sql.Append("SET GLOBAL late_materialization_max_rows = 1000;");
        AppendList(sql, "allowed_directories", request.Folders);
        AppendList(
            sql,
            "allowed_paths",
            [.. request.Files, .. request.Outside, Path.Combine(setup.SpillFolder, ParquetResult)]);
        sql.Append("SET GLOBAL enable_external_access = false;");
        return sql.ToString();
    }

    private static void AppendList(StringBuilder sql, string setting, IReadOnlyList<string> values)
    {
        if (values.Count > 0)
        {
            sql.Append("SET GLOBAL ").Append(setting).Append(" = [");
            sql.AppendJoin(',', values.Select(Literal)).Append("];");
        }
    }

    private static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    private RunFinished WriteText(DuckDbConnection connection, RunFinished finished, Func<bool> cancelled)
    {
        long started = Stopwatch.GetTimestamp();
        string before = request.Prefix.Length == 0 ? "" : request.Prefix + "\n";
        using DuckDbResult result = OnUserText(before, () => connection.Stream(before + request.Sql));
        ImmutableArray<DuckDbColumn> shown =
            [.. result.Columns.Select(static column => column with { Name = OwnAggregates.AsWritten(column.Name) })];
        RefuseUnwritable(shown);
        ResultColumn[] columns = [.. shown.Select(Described)];
        channel.Write(FrameKind.Columns, columns, WorkerJson.Default.IReadOnlyListResultColumn);

        ZoneClock clock = new(zone);
        string? file = request.Format == ResultFormat.Xlsx
            ? Path.Combine(setup.SpillFolder, FileOf(request.Format)) : null;
        using WorkbookResultWriter? book = file is null ? null : new WorkbookResultWriter(_output, clock, file);
        ResultWriter writer = book ?? ResultWriter.Create(request, _output, clock);
        writer.Begin(shown);
        DuckDbVector[] vectors = new DuckDbVector[result.Columns.Length];
        long rows = 0;
        bool truncated = false;
        DuckDbChunk? Next() => OnUserText(before, () => result.TryNext(out DuckDbChunk? next) ? next : null);
        while (!truncated && Next() is DuckDbChunk chunk)
        {
            if (cancelled())
            {
                throw new DuckDbException(DuckDbErrorKind.Interrupt, "cancelled");
            }

            for (int i = 0; i < vectors.Length; i++)
            {
                vectors[i] = chunk[i];
            }

            long room = (request.RowsMax ?? long.MaxValue) - rows;
            int count = (int)Math.Min(chunk.RowCount, room);
            truncated = count < chunk.RowCount;
            for (int row = 0; row < count; row++)
            {
                writer.WriteRow(vectors, row);
                FlushWhen(FlushBytes);
            }

            rows += count;
        }

        // The answer itself tells how long it took.
        finished = finished with
        {
            Rows = rows,
            Truncated = truncated,
            File = file,
            RunMilliseconds = Stopwatch.GetElapsedTime(started).TotalMilliseconds,
        };
        writer.End(finished);
        FlushWhen(1);
        return finished;
    }

    private ResultColumn Described(DuckDbColumn column)
    {
        if (request.Format != ResultFormat.Trino)
        {
            return new ResultColumn(column.Name, TypeText.Of(column.Type));
        }

        TrinoType type = TrinoType.Of(column.Type, request.PreciseTimes);
        return new ResultColumn(column.Name, type.Name, type.Signature());
    }

    private RunFinished WriteParquet(DuckDbConnection connection, RunFinished finished)
    {
        Invariant.Hold(request.Prefix.Length == 0);
        string file = Path.Combine(setup.SpillFolder, ParquetResult);
        string limit = request.RowsMax is long most
            ? string.Create(CultureInfo.InvariantCulture, $" LIMIT {most}")
            : "";
        (string columns, string names) = ColumnsAsKept(connection);
        bool wraps = limit.Length > 0 || columns != "*" || names.Length > 0;
        string before = wraps ? $"COPY (SELECT {columns} FROM (\n" : "COPY (\n";
        string after = wraps ? $"\n){names}{limit})" : "\n)";
        string sql = $"{before}{request.Sql}{after} TO {Literal(file)} "
            + "(FORMAT parquet, COMPRESSION zstd, USE_TMP_FILE false)";
        using DuckDbResult result = OnUserText(before, () => connection.Materialize(sql));
        long count = result.TryNext(out DuckDbChunk? chunk) ? chunk[0].Values<long>()[0] : 0;
        return finished with { Rows = count, File = file };
    }

    /// <summary>
    /// Parquet has no integer of 128 bits, and DuckDB would write one as DOUBLE, which loses digits: it goes out as
    /// DECIMAL(38,0). And columns are named as the answer's are in every other form: ` AS t("…", …)`.
    /// </summary>
    private (string Columns, string Names) ColumnsAsKept(DuckDbConnection connection)
    {
        string before = "DESCRIBE ";
        using DuckDbResult described = OnUserText(before, () => connection.Materialize(before + request.Sql));
        List<string> columns = [];
        List<string> names = [];
        bool wide = false;
        while (described.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                string name = OwnAggregates.AsWritten(chunk[0].StringAt(row));
                string quoted = SqlIdentifier.Quote(name);
                string place = string.Create(CultureInfo.InvariantCulture, $"#{names.Count + 1}");
                bool isWide = chunk[1].StringAt(row) is "HUGEINT" or "UHUGEINT";
                wide |= isWide;
                names.Add(quoted);
                columns.Add(isWide ? $"CAST({place} AS DECIMAL(38,0)) AS {quoted}" : $"{place} AS {quoted}");
            }
        }

        bool named = OwnAggregates.AreIn(request.Sql);
        return (wide ? string.Join(", ", columns) : "*", named && !wide ? $" AS t({string.Join(", ", names)})" : "");
    }

    private string? Plan(DuckDbConnection connection)
    {
        if (request.Prefix.Length > 0)
        {
            return null;
        }

        try
        {
            using DuckDbResult explained = connection.Materialize("EXPLAIN " + request.Sql);
            string? plan = explained.TryNext(out DuckDbChunk? chunk) ? chunk[1].StringAt(0) : null;
            return plan?.Length > PlanCharsMax ? plan[..PlanCharsMax] : plan;
        }
        catch (DuckDbException)
        {
            // The rows are out; what is missing is a note on them (EXPLAIN does not take SHOW, for one).
            return null;
        }
    }

    /// <summary>Positions are told in the user's text, not in what was put before it.</summary>
    private static T OnUserText<T>(string before, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (DuckDbException exception)
        {
            throw new UserTextException(exception, exception.PositionBytes - before.Length);
        }
    }

    private void RefuseUnwritable(ImmutableArray<DuckDbColumn> columns)
    {
        foreach (DuckDbColumn column in columns)
        {
            if (!(request.Format == ResultFormat.Trino ? TrinoType.IsWritable(column.Type)
                : TypeText.IsWritable(column.Type)))
            {
                throw new DuckDbException(
                    DuckDbErrorKind.NotImplemented,
                    $"column \"{column.Name}\" has type {TypeText.Of(column.Type)}, which has no text form here; "
                    + "cast it to VARCHAR");
            }
        }
    }

    private void FlushWhen(int bytes)
    {
        if (_output.Length >= bytes)
        {
            channel.Write(FrameKind.Data, _output.Written);
            _output.Clear();
        }
    }
}

/// <summary>A fault in the user's own statement, with its place in that.</summary>
internal sealed class UserTextException(DuckDbException cause, int? offset) : Exception(cause.Message, cause)
{
    public DuckDbException Cause { get; } = cause;

    public int? Offset { get; } = offset;
}

/// <summary>A table's row filter or masks do not bind. What they say is not for the caller.</summary>
internal sealed class RuleException(string table) : Exception("a rule does not fit its table")
{
    public string Table { get; } = table;
}
