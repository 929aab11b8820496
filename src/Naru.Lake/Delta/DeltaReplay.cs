using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Lake.Delta;

/// <summary>
/// Applies log entries, or a checkpoint, to a version (PROTOCOL.md, "Action Reconciliation": the newest action of each
/// path, application and kind wins; actions of one entry have no order). Throws <see cref="StorageException"/> with
/// <see cref="StorageFault.Corrupt"/>, naming file and line.
/// </summary>
internal sealed class DeltaReplay
{
    private readonly ImmutableSortedDictionary<string, DeltaFile>.Builder _files;
    private readonly ImmutableSortedDictionary<string, DeltaTombstone>.Builder _tombstones;
    private readonly ImmutableSortedDictionary<string, long>.Builder _txns;
    private readonly List<DeltaFile> _adds = [];
    private readonly List<DeltaTombstone> _removes = [];
    private DeltaMetadata? _metadata;
    private bool _hasProtocol;
    private long _rows;
    private long _bytes;
    private long _version = -1;
    private long _timestamp;

    /// <summary>Goes on from a version, or from nothing.</summary>
    public DeltaReplay(DeltaVersion? start)
    {
        _files = (start?.FilesByPath ?? Empty<DeltaFile>()).ToBuilder();
        _tombstones = (start?.Tombstones ?? Empty<DeltaTombstone>()).ToBuilder();
        _txns = (start?.Txns ?? Empty<long>()).ToBuilder();
        _metadata = start?.Metadata;
        _hasProtocol = start is not null;
        _rows = start?.Rows ?? 0;
        _bytes = start?.Bytes ?? 0;
        _version = start?.Version ?? -1;
        _timestamp = start?.Timestamp ?? 0;
    }

    public long Version => _version;

    /// <summary>Applies the entry of the next version.</summary>
    public void ApplyEntry(long version, ReadOnlyMemory<byte> entry, string path)
    {
        Invariant.Hold(version == _version + 1);
        if (DeltaEntry.FindDamage(entry.Span) is string damage)
        {
            throw Corrupt("log entry", path, damage);
        }

        ApplyLines(version, entry, path, "log entry");
    }

    /// <summary>Starts from a checkpoint of this version.</summary>
    public void ApplyCheckpoint(long version, ReadOnlyMemory<byte> actions, string path)
    {
        Invariant.Hold(_version == -1);
        ApplyLines(version, actions, path, "checkpoint");
    }

    public DeltaVersion Finish()
    {
        Invariant.Hold(_metadata is not null && _version >= 0);
        return new DeltaVersion(_version, _metadata)
        {
            Timestamp = _timestamp,
            FilesByPath = _files.ToImmutable(),
            Tombstones = _tombstones.ToImmutable(),
            Txns = _txns.ToImmutable(),
            Rows = _rows,
            Bytes = _bytes,
        };
    }

    public static StorageException Corrupt(string kind, string path, string what) =>
        new(StorageFault.Corrupt, $"{kind} '{path}' is damaged: {what}; restore it from a backup");

    private static ImmutableSortedDictionary<string, T> Empty<T>() =>
        ImmutableSortedDictionary.Create<string, T>(StringComparer.Ordinal);

    private void ApplyLines(long version, ReadOnlyMemory<byte> lines, string path, string kind)
    {
        // Actions of one entry have no order, but a file's partition values are read by the columns of its metaData.
        _adds.Clear();
        _removes.Clear();
        ForEachLine(lines, path, kind, metadataPass: true);
        if (_metadata is null || !_hasProtocol)
        {
            throw Corrupt(kind, path, "it should hold the table's first protocol and metaData, and does not");
        }

        ForEachLine(lines, path, kind, metadataPass: false);
        _version = version;
        foreach (DeltaTombstone tombstone in _removes)
        {
            if (_files.TryGetValue(tombstone.Path, out DeltaFile? file))
            {
                Count(file, -1);
                _files.Remove(tombstone.Path);

                // One copy of the strings in memory: tombstones live for days.
                _tombstones[file.Path] = tombstone with { Path = file.Path, PartitionValues = file.PartitionValues };
                continue;
            }

            _tombstones[tombstone.Path] = tombstone;
        }

        foreach (DeltaFile file in _adds)
        {
            if (_files.TryGetValue(file.Path, out DeltaFile? replaced))
            {
                Count(replaced, -1);
            }

            Count(file, 1);
            _files[file.Path] = file;
            _tombstones.Remove(file.Path);
        }

        Invariant.Hold(_rows >= 0 && _bytes >= 0);
    }

    private void ForEachLine(ReadOnlyMemory<byte> lines, string path, string kind, bool metadataPass)
    {
        int line = 0;
        while (!lines.IsEmpty)
        {
            line++;
            int end = lines.Span.IndexOf((byte)'\n');
            ReadOnlyMemory<byte> text = end < 0 ? lines : lines[..end];
            lines = end < 0 ? default : lines[(end + 1)..];
            if (text.Span.TrimEnd(" \r\t"u8).IsEmpty)
            {
                continue;
            }

            try
            {
                ApplyLine(text.Span, metadataPass);
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
            {
                throw Corrupt(kind, path, $"line {line} is no Delta action ({error.Message.TrimEnd('.')})");
            }
        }
    }

    private void ApplyLine(ReadOnlySpan<byte> line, bool metadataPass)
    {
        Utf8JsonReader reader = new(line);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException("a line holds no JSON object");
        }

        while (DeltaActionReader.NextProperty(ref reader, out string action))
        {
            if (reader.TokenType == JsonTokenType.Null)
            {
                continue;
            }

            bool isMetadata = action is "protocol" or "metaData";
            if (reader.TokenType != JsonTokenType.StartObject || isMetadata != metadataPass)
            {
                reader.Skip();
                continue;
            }

            ApplyAction(ref reader, action);
        }

        // A torn line has no end.
        if (reader.TokenType != JsonTokenType.EndObject || reader.BytesConsumed < line.TrimEnd(" \r\t"u8).Length)
        {
            throw new JsonException("a line does not end where its JSON object ends");
        }
    }

    private void ApplyAction(ref Utf8JsonReader reader, string action)
    {
        switch (action)
        {
            case "protocol":
                DeltaActionReader.CheckProtocol(ref reader);
                _hasProtocol = true;
                break;
            case "metaData":
                _metadata = DeltaActionReader.ReadMetadata(ref reader);
                break;
            case "txn":
                (string appId, long version) = DeltaActionReader.ReadTxn(ref reader);
                _txns[appId] = version;
                break;
            case "add":
                _adds.Add(DeltaActionReader.ReadAdd(ref reader, _metadata!.PartitionColumns));
                break;
            case "remove":
                _removes.Add(DeltaActionReader.ReadRemove(ref reader, _metadata!.PartitionColumns));
                break;
            case "commitInfo":
                ReadCommitInfo(ref reader);
                break;
            default:
                reader.Skip();
                break;
        }
    }

    private void ReadCommitInfo(ref Utf8JsonReader reader)
    {
        while (DeltaActionReader.NextProperty(ref reader, out string name))
        {
            switch (name)
            {
                case "timestamp" when reader.TokenType == JsonTokenType.Number:
                    _timestamp = reader.GetInt64();
                    break;
                case "naruVersion" when reader.GetInt64() != _version + 1:
                    throw new JsonException($"the entry of version {reader.GetInt64()} stands in its place");
                default:
                    reader.Skip();
                    break;
            }
        }
    }

    private void Count(DeltaFile file, int sign)
    {
        _rows += sign * Math.Max(file.Rows, 0);
        _bytes += sign * file.Bytes;
    }
}
