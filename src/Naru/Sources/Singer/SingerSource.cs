using System.Runtime.CompilerServices;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Naru.Lake.Columns;

namespace Naru.Sources.Singer;

/// <summary>One tap. Its tables are the streams of its discovery.</summary>
internal sealed class SingerSource(SingerJob job) : ISourceServer
{
    public Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    public async Task<IReadOnlyList<SourceTableSize>> TablesAsync(CancellationToken cancellationToken)
    {
        SingerCatalog catalog = await SingerRun.DiscoverAsync(job, cancellationToken).ConfigureAwait(false);
        return
        [
            .. catalog.Streams.OrderBy(static stream => stream.Id, StringComparer.Ordinal).Select(static stream =>
                new SourceTableSize(new SourceTableName("", stream.Id), IsView: false, Rows: null, Bytes: null)),
        ];
    }

    public async Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken) => Describe(
        await SingerRun.DiscoverAsync(job, cancellationToken).ConfigureAwait(false), table);

    public Task<ISourceSnapshot> BeginAsync(int sessions, CancellationToken cancellationToken) =>
        Task.FromResult<ISourceSnapshot>(new SingerSnapshot(job));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public static SourceTable? Describe(SingerCatalog catalog, SourceTableName table) =>
        catalog.Find(table.Name) is not { } stream ? null : new SourceTable
        {
            Name = table, Columns = stream.Columns, Key = stream.Key,
        };
}

/// <summary>
/// Runs of a tap, a stream each, one after the other. There is no point in time: a tap gives what it meets while it
/// runs.
/// </summary>
internal sealed class SingerSnapshot(SingerJob job) : ISourceSnapshot
{
    private readonly SemaphoreSlim _one = new(1, 1);
    private readonly ConcurrentDictionary<SourceTableName, SourceReached> _reached = new();
    private SingerCatalog? _catalog;

    public string Point => $"a run of {job.Name}";

    public bool IsConsistent => true;

    public async Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken) =>
        SingerSource.Describe(await CatalogAsync(cancellationToken).ConfigureAwait(false), table);

    /// <summary>A run is one.</summary>
    public Task<IReadOnlyList<SourceChunk>> SplitAsync(
        SourceTable table, long rowsPerChunk, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<SourceChunk>>([SourceChunk.Whole]);

    public Task<string?> GreatestAsync(
        SourceTable table, SourceColumn column, CancellationToken cancellationToken) =>
        throw new SourceException($"{job.Name} cannot be asked for the greatest {column.Name}");

    public SourceReached? Reached(SourceTable table) => _reached.GetValueOrDefault(table.Name);

    public async Task ReadAsync(SourceRead read, IRowSink sink, CancellationToken cancellationToken)
    {
        SingerCatalog catalog = await CatalogAsync(cancellationToken).ConfigureAwait(false);
        SingerStream stream = catalog.Find(read.Table.Name.Name)
            ?? throw new SourceException($"{job.Name} has no stream {read.Table.Name}");
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _reached.TryRemove(read.Table.Name, out _);
            if (await SingerRun.ReadAsync(job, (catalog, stream), read, sink, cancellationToken)
                .ConfigureAwait(false) is { } reached)
            {
                _reached[read.Table.Name] = reached;
            }
        }
        finally
        {
            _one.Release();
        }
    }

    public ValueTask DisposeAsync()
    {
        _one.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<SingerCatalog> CatalogAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return _catalog ??= await SingerRun.DiscoverAsync(job, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _one.Release();
        }
    }
}

/// <summary>Where a table's last run ended. Kept with what was seen of the table.</summary>
/// <param name="State">The value of the last STATE.</param>
/// <param name="Version">Of the table, where the tap counts them.</param>
internal sealed record SingerPosition(JsonElement State, long? Version);

/// <summary>One run of a tap, from its start to its end, which is waited for no longer than its time.</summary>
internal static class SingerRun
{
    private const int CatalogBytesMax = 64 << 20;
    private static readonly TimeSpan DiscoveryMax = TimeSpan.FromMinutes(10);

    public static async Task<SingerCatalog> DiscoverAsync(SingerJob job, CancellationToken cancellationToken)
    {
        TimeSpan most = job.Timeout < DiscoveryMax ? job.Timeout : DiscoveryMax;
        return await WithinAsync(job, most, async stop =>
        {
            SingerProcess process = SingerProcess.Start(job, ["--discover"], []);
            await using ConfiguredAsyncDisposable ended = process.ConfigureAwait(false);
            using MemoryStream text = new();
            byte[] buffer = new byte[64 << 10];
            for (int read = 1; read > 0;)
            {
                read = await process.Output.ReadAsync(buffer, stop).ConfigureAwait(false);
                text.Write(buffer, 0, read);
                if (text.Length > CatalogBytesMax)
                {
                    throw new SourceException(string.Create(
                        CultureInfo.InvariantCulture, $"{job.Name} --discover gave more than {CatalogBytesMax} bytes"));
                }
            }

            await process.EndAsync(stop).ConfigureAwait(false);
            return SingerCatalog.Parse(job, text.ToArray());
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Null where the tap told no state.</summary>
    public static Task<SourceReached?> ReadAsync(
        SingerJob job,
        (SingerCatalog Catalog, SingerStream Stream) of,
        SourceRead read,
        IRowSink sink,
        CancellationToken cancellationToken) => WithinAsync(job, job.Timeout, async stop =>
        {
            SingerTableOptions options = read.Table.Options as SingerTableOptions ?? new SingerTableOptions();
            SingerPosition? from = read.From is null ? null
                : JsonSerializer.Deserialize(read.From.Value, SingerJson.Default.SingerPosition);
            byte[] catalog = of.Catalog.Choose(of.Stream, Properties(of.Stream, read), options);
            List<(string, byte[])> files = [("--catalog", catalog)];
            if (from is not null)
            {
                files.Add(("--state", Encoding.UTF8.GetBytes(from.State.GetRawText())));
            }

            SingerProcess process = SingerProcess.Start(job, [], files);
            await using ConfiguredAsyncDisposable ended = process.ConfigureAwait(false);
            SingerReader reader = new(job, of.Stream, read);
            await FillAsync(process, (job, reader), sink, stop).ConfigureAwait(false);
            job.Tell(process.Said());
            if (reader.State is null)
            {
                return null;
            }

            using JsonDocument state = JsonDocument.Parse(reader.State);
            return new SourceReached(
                JsonSerializer.Serialize(
                    new SingerPosition(state.RootElement, reader.Version ?? from?.Version),
                    SingerJson.Default.SingerPosition),
                from is not null && reader.Version is not null && reader.Version != from.Version);
        }, cancellationToken);

    private static async Task FillAsync(
        SingerProcess process, (SingerJob Job, SingerReader Reader) with, IRowSink sink, CancellationToken stop)
    {
        SingerLines lines = new(process.Output);
        ColumnBatch? batch = sink.Begin();
        try
        {
            int rows = 0;
            long bytes = 0;
            while (await lines.NextAsync(with.Job, stop).ConfigureAwait(false))
            {
                bytes += lines.Line.Length;
                if (!with.Reader.Take(lines.Line, batch, rows))
                {
                    continue;
                }

                rows++;
                if (sink.IsFull(rows, bytes))
                {
                    ColumnBatch full = batch;
                    batch = null;
                    batch = await sink.TakeAsync(full, rows, stop).ConfigureAwait(false);
                    (rows, bytes) = (0, 0);
                }
            }

            // How it ended says more than where it broke off.
            await process.EndAsync(stop).ConfigureAwait(false);
            if (lines.IsTorn)
            {
                throw new SourceException($"{with.Job.Name} ended in the middle of a line{process.Said()}");
            }

            with.Reader.End();
            ColumnBatch last = batch;
            batch = null;
            await sink.EndAsync(last, rows, stop).ConfigureAwait(false);
        }
        catch
        {
            batch?.Dispose();
            throw;
        }
    }

    /// <summary>Those that are read, and the key, without which some taps cannot go on.</summary>
    private static HashSet<string> Properties(SingerStream stream, SourceRead read) =>
        [.. read.Columns.Select(static column => column.Name), .. stream.Key];

    private static async Task<T> WithinAsync<T>(
        SingerJob job, TimeSpan most, Func<CancellationToken, Task<T>> run, CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = new(most);
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(
            cancellationToken, limit.Token);
        try
        {
            return await run(both.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException exception)
            when (limit.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new SourceException(
                $"{job.Name} did not end within {Core.Text.DurationText.Format(most)}, and was ended; see `timeout` of "
                + "the source",
                passes: false,
                exception);
        }
        catch (IOException exception)
        {
            throw new SourceException($"{job.Name} cannot be read: {exception.Message}", passes: false, exception);
        }
    }
}

/// <summary>The lines of a stream, each as a whole, of bounded length.</summary>
internal sealed class SingerLines(System.IO.Stream stream)
{
    private const int FirstBytes = 64 << 10;
    private const int LineBytesMax = 64 << 20;

    private byte[] _buffer = new byte[FirstBytes];
    private int _start;
    private int _end;
    private int _searched;
    private long _line;

    /// <summary>Without its end; until the next call.</summary>
    public ReadOnlyMemory<byte> Line { get; private set; }

    /// <summary>The last line had no end.</summary>
    public bool IsTorn { get; private set; }

    public async ValueTask<bool> NextAsync(SingerJob job, CancellationToken cancellationToken)
    {
        while (true)
        {
            int at = _buffer.AsSpan(_searched, _end - _searched).IndexOf((byte)'\n');
            if (at >= 0)
            {
                Line = _buffer.AsMemory(_start, _searched + at - _start);
                _start = _searched = _searched + at + 1;
                _line++;
                return true;
            }

            _searched = _end;
            Make(job);
            int read = await stream.ReadAsync(_buffer.AsMemory(_end), cancellationToken).ConfigureAwait(false);
            if (read == 0)
            {
                IsTorn = _end > _start;
                return false;
            }

            _end += read;
        }
    }

    /// <summary>Makes room behind what is there.</summary>
    private void Make(SingerJob job)
    {
        if (_end < _buffer.Length)
        {
            return;
        }

        int length = _end - _start;
        if (length >= LineBytesMax)
        {
            throw new SourceException(string.Create(
                CultureInfo.InvariantCulture, $"line {_line + 1} of {job.Name} has more than {LineBytesMax} bytes"));
        }

        byte[] to = length > _buffer.Length / 2 ? new byte[_buffer.Length * 2] : _buffer;
        _buffer.AsSpan(_start, length).CopyTo(to);
        _buffer = to;
        (_searched, _start, _end) = (_searched - _start, 0, length);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SingerPosition))]
[JsonSerializable(typeof(string))]
internal sealed partial class SingerJson : JsonSerializerContext;
