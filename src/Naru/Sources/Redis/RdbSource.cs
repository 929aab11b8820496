using System.Globalization;
using System.Text;
using Naru.Core.Files;
using Naru.Redis;

namespace Naru.Sources.Redis;

/// <summary>A file that Redis saved: its tables are patterns of keys, all of the moment of the file.</summary>
internal sealed class RdbSource(IFileSystem files, string path, RedisFilePlace place) : ISourceServer
{
    /// <summary>What is looked at to tell what there is: in a second or so.</summary>
    private const int SampledKeysMax = 300_000;
    private const long SampledBytesMax = 256L << 20;

    public Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken)
    {
        SortedSet<int> databases = [];
        Sample(
            reader =>
            {
                databases.Add(reader.Database);
                return true;
            },
            null,
            cancellationToken);
        return Task.FromResult<IReadOnlyList<string>>(
            [.. databases.Select(static each => each.ToString(CultureInfo.InvariantCulture))]);
    }

    public Task<IReadOnlyList<SourceTableSize>> TablesAsync(CancellationToken cancellationToken)
    {
        RedisPrefixes prefixes = new();
        double part = Sample(
            static _ => true,
            (reader, bytes) =>
            {
                if (RdbSnapshot.IsIn(place, reader.Database))
                {
                    prefixes.Add(reader.Key, bytes);
                }
            },
            cancellationToken);
        return Task.FromResult(prefixes.Tables(prefixes.Keys / part));
    }

    public Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken)
    {
        RedisFieldNames met = new();
        RedisValue value = new();
        byte[] pattern = Encoding.UTF8.GetBytes(table.Name);
        Sample(
            reader =>
            {
                if (RdbSnapshot.IsIn(place, reader.Database) && RedisPattern.Matches(pattern, reader.Key))
                {
                    reader.Read(value, 0);
                    Meet(value, met);
                }

                return met.Hashes < RedisFieldNames.HashesMax;
            },
            null,
            cancellationToken);
        return Task.FromResult<SourceTable?>(RedisColumns.Table(table, options, met));
    }

    public Task<ISourceSnapshot> BeginAsync(int sessions, CancellationToken cancellationToken) =>
        Task.FromResult<ISourceSnapshot>(new RdbSnapshot(Open(), path, place));

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static void Meet(RedisValue value, RedisFieldNames met)
    {
        if (value.Shape == RedisShape.Hash)
        {
            met.Begin();
            for (int i = 0; i < value.Parts; i += 2)
            {
                met.Add(value[i]);
            }
        }
    }

    private IFile Open()
    {
        try
        {
            return files.Open(path, FileOpen.Read);
        }
        catch (StorageException exception)
        {
            throw new SourceException(
                $"{exception.Message}; see `path` of the source, and that Naru's user may read the file",
                inner: exception);
        }
    }

    /// <summary>Looks at the keys at the begin of the file; gives which part of it that was.</summary>
    /// <param name="key">Before the value; false ends it.</param>
    /// <param name="size">Behind the value: how many bytes key and value have in the file.</param>
    /// <param name="cancellationToken">Ends it.</param>
    private double Sample(
        Func<RdbReader, bool> key, Action<RdbReader, long>? size, CancellationToken cancellationToken)
    {
        using IFile file = Open();
        long length = file.Length;
        try
        {
            RdbReader reader = new(file, length);
            for (int keys = 0; keys < SampledKeysMax && reader.Position < SampledBytesMax; keys++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                long before = reader.Position;
                if (!reader.Next())
                {
                    return 1;
                }

                if (!key(reader))
                {
                    break;
                }

                reader.Skip();
                size?.Invoke(reader, reader.Position - before);
            }

            return (double)reader.Position / length;
        }
        catch (RdbException exception)
        {
            throw RdbSnapshot.Damaged(path, exception);
        }
    }
}
