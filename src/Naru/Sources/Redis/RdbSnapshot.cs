using System.Globalization;
using System.Text;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Redis;

namespace Naru.Sources.Redis;

/// <summary>An open RDB file: it stays what it is, also when Redis puts a newer one in its place.</summary>
internal sealed class RdbSnapshot : ISourceSnapshot
{
    /// <summary>How often it is looked whether a read is to end.</summary>
    private const int KeysBetweenLooks = 1_024;

    private readonly IFile _file;
    private readonly long _length;
    private readonly string _path;
    private readonly RedisFilePlace _place;

    public RdbSnapshot(IFile file, string path, RedisFilePlace place)
    {
        (_file, _length, _path, _place) = (file, file.Length, path, place);
        Point = string.Create(
            CultureInfo.InvariantCulture, $"{path}, opened at {TimeProvider.System.GetUtcNow():yyyy-MM-ddTHH:mm:ssZ}");
    }

    public string Point { get; }

    public bool IsConsistent => true;

    public static bool IsIn(RedisFilePlace place, int database) => place.Database.Length == 0
        || place.Database == database.ToString(CultureInfo.InvariantCulture);

    public static SourceException Damaged(string path, RdbException exception) => new(
        $"{path}: {exception.Message}; see that the file is whole (`redis-check-rdb` checks it, too)",
        inner: exception);

    public Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken) =>
        Task.FromResult<SourceTable?>(RedisColumns.Table(table, options));

    public Task<IReadOnlyList<SourceChunk>> SplitAsync(
        SourceTable table, long rowsPerChunk, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<SourceChunk>>([SourceChunk.Whole]);

    public Task<string?> GreatestAsync(
        SourceTable table, SourceColumn column, CancellationToken cancellationToken) =>
        throw new SourceException("Redis cannot tell what changed; take `cursor` out");

    public async Task ReadAsync(SourceRead read, IRowSink sink, CancellationToken cancellationToken)
    {
        ColumnBatch? batch = sink.Begin();
        try
        {
            RedisRows rows = new(read.Columns);
            Keys keys = new(new RdbReader(_file, _length), Encoding.UTF8.GetBytes(read.Table.Name.Name), _place);
            RedisValue value = new();
            int count = 0;
            long bytes = 0;
            while (keys.Next(cancellationToken))
            {
                keys.Reader.Read(value, keys.Now);
                bytes += rows.Append(
                    batch, new RedisKeyRow(keys.Reader.Database, keys.Reader.Key, keys.Reader.ExpiresAt), value);
                count++;
                if (sink.IsFull(count, bytes))
                {
                    ColumnBatch full = batch;
                    batch = null;
                    batch = await sink.TakeAsync(full, count, cancellationToken).ConfigureAwait(false);
                    (count, bytes) = (0, 0);
                }
            }

            rows.Tell(sink);
            ColumnBatch last = batch;
            batch = null;
            await sink.EndAsync(last, count, cancellationToken).ConfigureAwait(false);
        }
        catch (RdbException exception)
        {
            throw Damaged(_path, exception);
        }
        catch (StorageException exception)
        {
            throw new SourceException(exception.Message, passes: true, exception);
        }
        finally
        {
            batch?.Dispose();
        }
    }

    public ValueTask DisposeAsync()
    {
        _file.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>The keys of one table.</summary>
    private sealed class Keys(RdbReader reader, byte[] pattern, RedisFilePlace place)
    {
        private long _seen;

        public RdbReader Reader => reader;

        /// <summary>
        /// When the file was saved: what had expired then is not there. A file of an old Redis does not say when; then
        /// nothing counts as expired, for the same file gives the same rows whenever it is read.
        /// </summary>
        public long Now => reader.SavedAt * 1_000 ?? long.MinValue;

        public bool Next(CancellationToken cancellationToken)
        {
            while (reader.Next())
            {
                if (_seen++ % KeysBetweenLooks == 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                }

                if (IsIn(place, reader.Database) && !(reader.ExpiresAt <= Now)
                    && RedisPattern.Matches(pattern, reader.Key))
                {
                    return true;
                }
            }

            return false;
        }
    }
}
