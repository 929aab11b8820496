using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;

namespace Naru.Sources;

/// <summary>How a table with a cursor is read this time.</summary>
/// <param name="Column">The cursor.</param>
/// <param name="Key">The table's key in the lake, with `_shard`.</param>
/// <param name="Signature">What the cursor's values are of: another cursor or other columns begin anew.</param>
/// <param name="Greatest">The cursor's greatest value now, by shard.</param>
internal sealed record CursorStep(
    SourceColumn Column,
    ImmutableArray<string> Key,
    string Signature,
    ImmutableSortedDictionary<string, string> Greatest)
{
    /// <summary>Where to read from, by shard.</summary>
    public ImmutableSortedDictionary<string, string> From { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Files of the snapshot before, which what is read is put into; null to read all.</summary>
    public ImmutableArray<string>? Base { get; init; }

    /// <summary>Unix microseconds: when all was read last; 0 where this run reads all.</summary>
    public long FullAt { get; init; }
}

/// <summary>
/// Decides whether what changed since the snapshot before is enough. It is not when there is none, when it is not of
/// the same columns, or when all was read too long ago: rows that were deleted are only missed then.
/// </summary>
internal sealed class CursorPlan(SourceDefinition source, SnapshotDefinition snapshot, SnapshotParts parts)
{
    /// <summary>In the place of a cursor, for a kind that keeps where it was by itself.</summary>
    private static readonly SourceColumn OwnState = new()
    {
        Name = "state", ServerType = "", Type = ColumnType.String,
    };

    /// <summary>The table's key in the lake, with `_shard`; null where it has none, or not all of it is read.</summary>
    public static ImmutableArray<string>? KeyOf(SourceDefinition source, ShapeVerdict shape)
    {
        List<string> names = [];
        foreach (string column in shape.Tables[0].Key)
        {
            int at = shape.Choice.Columns.ToList().FindIndex(each => each.Name == column);
            if (at < 0)
            {
                return null;
            }

            names.Add(shape.Choice.Names[at]);
        }

        return names.Count == 0 ? null : [.. names, .. source.IsSharded ? [SourceNames.Shard] : Array.Empty<string>()];
    }

    public async Task<CursorStep> MakeAsync(
        ImmutableArray<ISourceSnapshot> shards,
        ShapeVerdict shape,
        Interval interval,
        CancellationToken cancellationToken)
    {
        CursorStep step = new(
            HasCursor ? Cursor(shape) : OwnState,
            Key(shape),
            Signature(shape),
            ImmutableSortedDictionary<string, string>.Empty);
        for (int i = 0; HasCursor && i < shards.Length; i++)
        {
            string? greatest = await shards[i].GreatestAsync(shape.Tables[i], step.Column, cancellationToken)
                .ConfigureAwait(false);
            if (greatest is not null)
            {
                step = step with { Greatest = step.Greatest.Add(source.Shards[i].Name, greatest) };
            }
        }

        SeenTable? seen = shape.Before.Table;
        bool goesOn = seen is not null && shape.Changes.IsEmpty && seen.CursorOf == step.Signature
            && seen.Interval < interval.First && seen.FullAt > Now() - Micros(snapshot.FullEvery)
            && source.Shards.All(shard => seen.Cursor.ContainsKey(shard.Name));
        if (!goesOn)
        {
            return step;
        }

        ImmutableArray<string> files = parts.Tables.PathsOf(snapshot.Fills!.Value, interval.Kind, seen!.Interval);
        return files.IsEmpty ? step : step with
        {
            Base = files,
            From = seen.Cursor,
            FullAt = seen.FullAt,

            // A shard whose rows are all gone has no greatest value; the one before holds on.
            Greatest = seen.Cursor.SetItems(step.Greatest),
        };
    }

    private bool HasCursor => snapshot.Cursor.Length > 0;

    private SourceColumn Cursor(ShapeVerdict shape) =>
        shape.Tables[0].Columns.FirstOrDefault(column => column.Name == snapshot.Cursor)
        ?? throw new SourceException(
            $"{snapshot.ServerTable} has no column {snapshot.Cursor} any more, which is its `cursor`");

    private ImmutableArray<string> Key(ShapeVerdict shape)
    {
        if (KeyOf(source, shape) is { } key)
        {
            return key;
        }

        string word = HasCursor ? "cursor" : "state";
        string? unread = shape.Tables[0].Key.FirstOrDefault(column =>
            shape.Choice.Columns.All(each => each.Name != column));
        throw new SourceException(unread is null
            ? $"{snapshot.ServerTable} has no primary key, so changed rows cannot take the place of what they were; "
                + $"take `{word}` out, and all is read each time"
            : $"{snapshot.ServerTable} has the key column {unread}, which is not read: with a `{word}` it must be");
    }

    private string Signature(ShapeVerdict shape)
    {
        string columns = string.Join(',', shape.Choice.Columns.Select(static column =>
            $"{column.Name} {column.Type.Sql} {column.Form}"));
        byte[] text = System.Text.Encoding.UTF8.GetBytes($"{snapshot.ServerTable}\n{snapshot.Cursor}\n{columns}");
        return Convert.ToHexStringLower(SHA256.HashData(text))[..16];
    }

    private long Now() => (parts.Time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    private static long Micros(TimeSpan span) => span.Ticks / TimeSpan.TicksPerMicrosecond;
}

/// <summary>Files that are read once and gone; their names are in the order in which they were begun.</summary>
internal sealed class ScratchFiles(IFileSystem files, string folder) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<string> _paths = [];

    public DeltaFile Write(Func<string, TableFileInfo> write)
    {
        files.CreateDirectory(folder);
        string path;
        lock (_gate)
        {
            path = string.Create(
                CultureInfo.InvariantCulture,
                $"{folder}/{_paths.Count:d6}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}.parquet");
            _paths.Add(path);
        }

        TableFileInfo info = write(path);
        return new DeltaFile
        {
            Path = path, PartitionValues = [], Bytes = info.Bytes, Rows = info.Rows, ModificationTime = 0,
        };
    }

    public void Dispose()
    {
        foreach (string path in _paths)
        {
            files.Delete(path);
        }
    }
}
