using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Naru.Access;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Lake.DuckDb;
using Naru.Models;
using Naru.Query;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Exports;

/// <summary>One attempt that somebody wants.</summary>
internal sealed record ExportOrder
{
    public required ExportDefinition Export { get; init; }

    public required Interval Interval { get; init; }

    /// <summary>Unix microseconds.</summary>
    public required long Started { get; init; }

    public required long Attempt { get; init; }

    public required string Run { get; init; }

    public required string By { get; init; }

    public string Target { get; init; } = ExportDefinition.DefaultTarget;

    /// <summary>From 0 to 1.</summary>
    public double? Sample { get; init; }

    public bool Force { get; init; }
}

/// <summary>Asks an export's query.</summary>
internal interface IExportQuery
{
    /// <summary>Writes the rows of an interval as Parquet.</summary>
    /// <exception cref="QueryException">It failed.</exception>
    /// <exception cref="FillException">The owner may not ask.</exception>
    Task WriteAsync(
        ExportDefinition export, Interval interval, ResultFile result, CancellationToken cancellationToken);
}

/// <summary>The way of every query, with the rights that the owner has now.</summary>
internal sealed class ExportQuery(QueryService queries, ExportReader readers, IntervalCalendar calendar) : IExportQuery
{
    public Task WriteAsync(
        ExportDefinition export, Interval interval, ResultFile result, CancellationToken cancellationToken)
    {
        Principal owner = readers.Of(export)
            ?? throw new FillException($"the owner \"{export.Owner}\" is no user who may ask now");
        return queries.RunAsync(
            new QueryRequest
            {
                Sql = export.Text.Bind(export.Name, interval, calendar),
                Principal = owner,
                Format = ResultFormat.Parquet,
                Pool = PoolName.Etl,
                Timeout = export.Timeout,
            },
            result,
            cancellationToken);
    }
}

/// <summary>What attempts are made with.</summary>
/// <param name="Query">Gives the rows.</param>
/// <param name="Kinds">Of targets.</param>
/// <param name="Tools">Of targets.</param>
/// <param name="Calendar">Of the project's zone.</param>
/// <param name="Folder">`data/exports`.</param>
/// <param name="History">Takes what went out.</param>
internal sealed record ExportSenderParts(
    IExportQuery Query,
    TargetKinds Kinds,
    TargetTools Tools,
    IntervalCalendar Calendar,
    string Folder,
    IExportHistory History);

/// <summary>
/// Makes one attempt: asks the query, which reads the lake and runs no model, hands the rows to the target, and keeps
/// what did not fit.
/// </summary>
internal sealed class ExportSender(ExportSenderParts parts)
{
    private static readonly TimeSpan LongestSend = TimeSpan.FromHours(1);

    /// <summary>What is kept of an export and a target has one writer.</summary>
    private readonly ConcurrentDictionary<(string Export, string Target), SemaphoreSlim> _turns = new();
    private int _named;

    private IFileSystem Files => parts.Tools.Files;

    /// <exception cref="FillException">It cannot be done, and why.</exception>
    /// <exception cref="QueryException">The query failed.</exception>
    public async Task<ExportEnd> SendAsync(ExportOrder order, CancellationToken cancellationToken)
    {
        ExportEnd end = new() { Order = order, Interval = parts.Calendar.Name(order.Interval) };
        SemaphoreSlim turn = _turns.GetOrAdd((order.Export.Name, order.Target), static _ => new SemaphoreSlim(1));
        await turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            end = await AttemptAsync(order, end, cancellationToken).ConfigureAwait(false);
            return end;
        }
        catch (Exception exception) when (exception is not InvariantException)
        {
            end = end with
            {
                Error = exception switch
                {
                    OperationCanceledException => "it was cancelled",
                    QueryException query => query.Error.ToString(),
                    _ => exception.Message,
                },
            };
            throw;
        }
        finally
        {
            turn.Release();
            parts.History.Add(end);
        }
    }

    /// <summary>Where is kept what an export's target holds.</summary>
    public ExportState StateOf(ExportDefinition export, string target)
    {
        byte[] place = SHA256.HashData(Encoding.UTF8.GetBytes(export.Targets[target].Fingerprint));
        return new ExportState(
            Files, $"{parts.Folder}/{export.Name}/{target}-{Convert.ToHexStringLower(place)[..12]}");
    }

    private async Task<ExportEnd> AttemptAsync(ExportOrder order, ExportEnd end, CancellationToken cancellationToken)
    {
        if (!order.Export.Targets.TryGetValue(order.Target, out TargetDefinition? target))
        {
            throw new FillException($"export {order.Export.Name} has no target \"{order.Target}\"");
        }

        string scratch = $"{parts.Folder}/scratch";
        Files.CreateDirectory(scratch);
        using ResultFile result = new(string.Create(
            CultureInfo.InvariantCulture, $"{scratch}/{Interlocked.Increment(ref _named)}.parquet"));
        await parts.Query.WriteAsync(order.Export, order.Interval, result, cancellationToken).ConfigureAwait(false);
        ExportState state = StateOf(order.Export, order.Target);
        string columns = await Task.Run(() => ColumnsOf(result.Path), cancellationToken).ConfigureAwait(false);
        using ExportRows rows = await Task.Run(
            () => new ExportRows(new ExportRowsSource
            {
                Answer = result.Path,
                Interval = end.Interval,
                Key = order.Export.Key,
                KeepsBadRows = order.Export.KeepsBadRows,
                Sample = order.Sample,
                BadBefore = order.Export.IsWhole ? null : state.FindBad(columns),
                Scratch = scratch,
            }),
            cancellationToken).ConfigureAwait(false);
        ExportJob job = new()
        {
            Export = order.Export,
            Interval = end.Interval,
            First = order.Interval.First,
            Started = order.Started,
            Run = order.Run,
            Force = order.Force,
            Rows = rows,
            Kept = state,
        };
        IExportTarget open = parts.Kinds.Find(target.Kind)!.Open(target, parts.Tools);
        await using (open.ConfigureAwait(false))
        {
            ExportTally tally = await SendAsync(open, job, cancellationToken).ConfigureAwait(false);
            end = end with
            {
                Tally = tally,
                Failed = rows.Rejected,
                Reasons = string.Join("; ", rows.Reasons),
                Hash = rows.Hash,
            };
        }

        state.Settle(rows, job.Token, columns, Now());
        return end with { IsDone = true, EndedAt = Now() };
    }

    /// <summary>On a thread of its own: rows come out of files while they go out. A target that hangs is given up.
    /// </summary>
    private async Task<ExportTally> SendAsync(IExportTarget target, ExportJob job, CancellationToken cancellationToken)
    {
        TimeSpan longest = job.Export.Timeout ?? LongestSend;
        using CancellationTokenSource deadline = new(longest, parts.Tools.Time);
        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(
            cancellationToken, deadline.Token);
        try
        {
            return await Task.Run(() => target.SendAsync(job, stop.Token), stop.Token).ConfigureAwait(false);
        }
        catch (Exception exception) when (
            exception is OperationCanceledException or FillException
            && deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new FillException(
                $"the target did not take it within {DurationText.Format(longest)}; `timeout` gives it longer");
        }
    }

    /// <summary>Tells rows of other columns apart, whose bad rows cannot be sent together.</summary>
    private static string ColumnsOf(string result)
    {
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory(new KeyValuePair<string, string>("threads", "1"));
        using DuckDbConnection connection = database.Connect();
        string path = result.Replace("'", "''", StringComparison.Ordinal);
        using DuckDbResult described = connection.Materialize($"DESCRIBE SELECT * FROM read_parquet('{path}')");
        StringBuilder text = new();
        while (described.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                text.Append(CultureInfo.InvariantCulture, $"{chunk[0].StringAt(row)} {chunk[1].StringAt(row)}\n");
            }
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())))[..12];
    }

    private long Now() =>
        (parts.Tools.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}

/// <summary>How an attempt ended.</summary>
internal sealed record ExportEnd
{
    public required ExportOrder Order { get; init; }

    public required string Interval { get; init; }

    public bool IsDone { get; init; }

    public ExportTally Tally { get; init; } = new(0, 0, 0, 0, 0);

    public long Failed { get; init; }

    /// <summary>Why the first of them do not fit.</summary>
    public string Reasons { get; init; } = "";

    public string Hash { get; init; } = "";

    /// <summary>What is to be told of it although it is done.</summary>
    public string Warning => Failed == 0 ? ""
        : string.Create(CultureInfo.InvariantCulture, $"{Failed} rows do not fit: {Reasons}");

    public string Error { get; init; } = "";

    /// <summary>Unix microseconds; 0 when it failed.</summary>
    public long EndedAt { get; init; }
}

internal interface IExportHistory
{
    void Add(ExportEnd end);
}
