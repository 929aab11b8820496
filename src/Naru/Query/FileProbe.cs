using System.Collections.Immutable;
using System.Text.Json;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>What a worker could not do with files of others.</summary>
internal sealed class FileProbeException(RunFailed failed) : Exception(failed.Message)
{
    public RunFailed Failed { get; } = failed;
}

/// <summary>
/// Statements of the server itself on files of others, run where nobody's bytes can do harm: in a worker that sees
/// these files and nothing else. No gate: the text is ours.
/// </summary>
internal sealed class FileProbe(QueryPools pools, TimeProvider time)
{
    private const string Owner = "the server";

    /// <summary>The rows of a small answer.</summary>
    /// <param name="files">All that it may read.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="FileProbeException">The files are not what the statement takes them for.</exception>
    /// <exception cref="QueryException">There is no worker.</exception>
    public Task<IReadOnlyList<JsonElement>> AskAsync(
        string statement, IReadOnlyList<string> files, CancellationToken cancellationToken) =>
        AskAsync(new FileQuestion(statement, files) { Format = ResultFormat.Ndjson }, cancellationToken);

    /// <summary>The same of a question for lines of JSON.</summary>
    public async Task<IReadOnlyList<JsonElement>> AskAsync(FileQuestion question, CancellationToken cancellationToken)
    {
        using MemoryStream lines = new();
        await RunAsync(
            question,
            piece => lines.Write(piece.Span),
            cancellationToken).ConfigureAwait(false);
        List<JsonElement> rows = [];
        foreach (string line in System.Text.Encoding.UTF8.GetString(lines.ToArray()).Split(
            '\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using JsonDocument row = JsonDocument.Parse(line);
            rows.Add(row.RootElement.Clone());
        }

        return rows;
    }

    /// <summary>Gives the answer piece by piece.</summary>
    public async Task<RunFinished> RunAsync(
        FileQuestion question, Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken)
    {
        WorkerPool pool = pools[PoolName.Etl];
        using PoolMemory.Reservation memory = await pool.Memory
            .ReserveAsync(MemoryEstimate.Least(pool.Options), cancellationToken).ConfigureAwait(false);
        WorkerProcess worker = await pool.AcquireAsync(Owner, cancellationToken).ConfigureAwait(false);
        try
        {
            await using WorkerStopper stopper = new(worker, time, cancellationToken);
            await worker.SendAsync(
                FrameKind.Run, Request(pool.Options, question), WorkerJson.Default.RunRequest, CancellationToken.None)
                .ConfigureAwait(false);
            while (true)
            {
                WorkerFrame frame = await worker.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                switch (frame.Kind)
                {
                    case FrameKind.Data:
                        take(frame.Payload);
                        break;
                    case FrameKind.Finished:
                        cancellationToken.ThrowIfCancellationRequested();
                        RunFinished finished = JsonSerializer.Deserialize(
                            frame.Payload.Span, WorkerJson.Default.RunFinished)!;
                        if (finished.File is not null)
                        {
                            await question.TakeFile(finished.File).ConfigureAwait(false);
                        }

                        return finished;
                    case FrameKind.Failed:
                        cancellationToken.ThrowIfCancellationRequested();
                        throw new FileProbeException(
                            JsonSerializer.Deserialize(frame.Payload.Span, WorkerJson.Default.RunFailed)!);
                }
            }
        }
        catch (WorkerEndedException) when (cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(cancellationToken);
        }
        finally
        {
            await pool.ReleaseAsync(worker).ConfigureAwait(false);
        }
    }

    private static RunRequest Request(PoolOptions options, FileQuestion question) => new()
    {
        Sql = question.Sql,
        Format = question.Format,
        GuardFormulas = false,
        SearchPath = ["main"],
        Files = [],
        Folders = [],
        Outside = question.Files,
        Setup = question.Setup,
        Threads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount,
        MemoryBytes = options.MemoryBytes,
        SpillBytesMax = options.SpillBytesMax,
    };
}

/// <summary>What is asked of files of others.</summary>
/// <param name="Sql">One statement.</param>
/// <param name="Files">All that it may read.</param>
internal sealed record FileQuestion(string Sql, IReadOnlyList<string> Files)
{
    public required ResultFormat Format { get; init; }

    public ImmutableArray<SetupStatement> Setup { get; init; } = [];

    /// <summary>Takes a result that is a file, in the worker's folder, before the worker is used again.</summary>
    public Func<string, Task> TakeFile { get; init; } = static _ => Task.CompletedTask;
}
