using System.Globalization;
using System.Security.Cryptography;
using Naru.Core.Hashing;
using Naru.Lake.Columns;

namespace Naru.Sources.Redis;

/// <summary>
/// Keys of a server that runs, as they are when SCAN meets them: every key that is there all the time is met, those
/// that come or go meanwhile may be. Each key with its value is of one moment, unless the value is large.
/// </summary>
internal sealed class RedisSnapshot(RedisSource source, IReadOnlyList<(int Database, long Keys)> databases)
    : ISourceSnapshot
{
    public string Point { get; } = string.Create(
        CultureInfo.InvariantCulture, $"SCAN from {TimeProvider.System.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ} on");

    public bool IsConsistent => false;

    public Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken) =>
        Task.FromResult<SourceTable?>(RedisColumns.Table(table, options));

    /// <summary>A database each: the server has one thread, so several sessions gain nothing within one.</summary>
    public Task<IReadOnlyList<SourceChunk>> SplitAsync(
        SourceTable table, long rowsPerChunk, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<SourceChunk>>([.. databases.Select(static each =>
        {
            string number = each.Database.ToString(CultureInfo.InvariantCulture);
            return new SourceChunk($"database {number}", number);
        })]);

    public Task<string?> GreatestAsync(
        SourceTable table, SourceColumn column, CancellationToken cancellationToken) =>
        throw new SourceException("Redis cannot tell what changed; take `cursor` out");

    public async Task ReadAsync(SourceRead read, IRowSink sink, CancellationToken cancellationToken)
    {
        int database = int.Parse(read.Chunk.Condition, CultureInfo.InvariantCulture);
        ColumnBatch? batch = sink.Begin();
        try
        {
            await using RedisSession session = await source.OpenAsync(cancellationToken).ConfigureAwait(false);
            await session.SelectAsync(database, cancellationToken).ConfigureAwait(false);
            RedisRows rows = new(read.Columns);
            RedisFetcher fetcher = new(session, rows.NeedsValues);
            SeenTexts seen = new();
            (string cursor, int count, long bytes) = ("0", 0, 0);
            do
            {
                (cursor, List<byte[]> keys) = await session.ScanAsync(cursor, read.Table.Name.Name, cancellationToken)
                    .ConfigureAwait(false);
                keys.RemoveAll(key => !seen.IsNew(key));
                await foreach (FetchedKey key in fetcher.FetchAsync(keys, cancellationToken).ConfigureAwait(false))
                {
                    bytes += rows.Append(batch, new RedisKeyRow(database, key.Key, key.ExpiresAt), key.Value);
                    count++;
                    if (sink.IsFull(count, bytes))
                    {
                        ColumnBatch full = batch;
                        batch = null;
                        batch = await sink.TakeAsync(full, count, cancellationToken).ConfigureAwait(false);
                        (count, bytes) = (0, 0);
                    }
                }
            }
            while (cursor != "0");

            rows.Tell(sink);
            ColumnBatch last = batch;
            batch = null;
            await sink.EndAsync(last, count, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            batch?.Dispose();
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}

/// <summary>
/// Tells what was met before: SCAN may give a key again when the server makes its table smaller. Sixteen bytes of each
/// are kept, of which no two texts have the same: the hash's key is drawn anew each time.
/// </summary>
internal sealed class SeenTexts
{
    private readonly HashSet<UInt128> _seen = [];
    private readonly SipHash128 _hash;

    public SeenTexts()
    {
        ReadOnlySpan<byte> key = RandomNumberGenerator.GetBytes(2 * sizeof(ulong));
        _hash = new SipHash128(BitConverter.ToUInt64(key), BitConverter.ToUInt64(key[sizeof(ulong)..]));
    }

    public bool IsNew(ReadOnlySpan<byte> text)
    {
        (ulong first, ulong second) = _hash.Finish(text);
        return _seen.Add(new UInt128(first, second));
    }
}
