using System.Buffers;
using System.Collections.Immutable;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Lake.Delta;

/// <summary>
/// Checkpoints and log cleaning; never needed for correctness, never in a commit's way. A checkpoint is read back and
/// compared before it gets its name. The log is cleaned up to the last but one checkpoint that this process knows to be
/// good, so that one that rots can always be got round.
/// </summary>
public sealed partial class DeltaTable
{
    private readonly Lock _checkpointGate = new();

    /// <summary>Checkpoints that this process wrote and knows to be durable.</summary>
    private readonly SortedSet<long> _goodCheckpoints = [];
    private readonly Dictionary<long, string> _checkpointHashes = [];

    /// <summary>Milliseconds of entries, as far as they were looked at. Under the checkpoint gate.</summary>
    private readonly Dictionary<long, long> _entryTimes = [];
    private LastCheckpoint? _hint;
    private long _lastCheckpoint;

    /// <summary>Whether enough commits were made since the last checkpoint.</summary>
    public bool IsCheckpointDue => _options.Checkpoints is not null
        && _current.Version - Volatile.Read(ref _lastCheckpoint) >= _options.CheckpointIntervalCommits;

    /// <summary>
    /// Writes a checkpoint of <see cref="Current"/> and cleans the log before the last but one. Takes as long as the
    /// table is large; commits go on meanwhile. Throws <see cref="StorageException"/>, which leaves the table as it
    /// was.
    /// </summary>
    public void WriteCheckpoint()
    {
        Invariant.Hold(_options.Checkpoints is not null);
        lock (_checkpointGate)
        {
            DeltaVersion version = _current;
            if (_goodCheckpoints.Contains(version.Version))
            {
                return;
            }

            string path = _log.CheckpointPath(version.Version);
            ReadOnlyMemory<byte> actions = DeltaEntry.WriteState(version, OldestTombstone());
            string writing = path + DeltaPaths.TemporarySuffix;
            try
            {
                SealedFile file = WriteCheckpointFile(version, actions, writing);
                _checkpointHashes[version.Version] = file.ContentHash;
                PublishCheckpoint(version, writing, actions.Span.Count((byte)'\n'), file);
                _goodCheckpoints.Add(version.Version);
                Volatile.Write(ref _lastCheckpoint, version.Version);
            }
            catch (StorageException)
            {
                FileContents.DeleteQuietly(_files, writing);
                throw;
            }

            CleanLog();
        }

        ForgetTombstones();
    }

    /// <summary>
    /// The hash is durable before the checkpoint has its name, so no checkpoint of ours is without one.
    /// </summary>
    private void PublishCheckpoint(DeltaVersion version, string writing, int actions, SealedFile file)
    {
        if (_hint is not null)
        {
            _log.WriteLastCheckpoint(LastCheckpointJson(_hint));
        }

        _log.Place(writing, _log.CheckpointPath(version.Version));
        LastCheckpoint hint = new(version.Version, actions, file.Bytes, version.FilesByPath.Count);
        _log.WriteLastCheckpoint(LastCheckpointJson(hint));
        _hint = hint;
    }

    private SealedFile WriteCheckpointFile(DeltaVersion version, ReadOnlyMemory<byte> actions, string path)
    {
        IDeltaCheckpointFormat format = _options.Checkpoints!;
        string actionsPath = FileContents.WriteTemporary(_files, path + ".actions", actions.Span);
        try
        {
            _files.Delete(path);
            format.Write(_files, actionsPath, path);
        }
        finally
        {
            FileContents.DeleteQuietly(_files, actionsPath);
        }

        SealedFile file = FileContents.Seal(_files, path);
        DeltaReplay replay = new(null);
        replay.ApplyCheckpoint(version.Version, format.Read(_files, path), path);
        if (!IsSameState(replay.Finish(), version))
        {
            throw DeltaReplay.Corrupt("checkpoint", path, "it read back differently from what was written to it");
        }

        return file;
    }

    /// <summary>Tombstones are left out: old ones are not written.</summary>
    private static bool IsSameState(DeltaVersion read, DeltaVersion written) =>
        read.Version == written.Version
        && (read.Rows, read.Bytes) == (written.Rows, written.Bytes)
        && read.Metadata.Id == written.Metadata.Id
        && read.Schema.Equals(written.Schema)
        && read.PartitionColumns.SequenceEqual(written.PartitionColumns)
        && read.Txns.SequenceEqual(written.Txns)
        && read.Files.SequenceEqual(written.Files);

    private ReadOnlySpan<byte> LastCheckpointJson(LastCheckpoint hint)
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter writer = new(buffer, DeltaJson.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteNumber("version"u8, hint.Version);
            writer.WriteNumber("size"u8, hint.Actions);
            writer.WriteNumber("sizeInBytes"u8, hint.Bytes);
            writer.WriteNumber("numOfAddFiles"u8, hint.Files);
            writer.WriteStartObject("tags"u8);
            foreach ((long checkpoint, string hash) in _checkpointHashes.OrderBy(static pair => pair.Key))
            {
                writer.WriteString(DeltaLog.HashTag(checkpoint), hash);
            }

            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan;
    }

    /// <summary>
    /// Deletes entries and checkpoints that no opening can need: all before a checkpoint K, where K is at most the last
    /// but one good checkpoint and every entry before K is older than the log's retention.
    /// </summary>
    private void CleanLog()
    {
        if (_goodCheckpoints.Count < 2)
        {
            return;
        }

        long limit = _goodCheckpoints.Reverse().ElementAt(1);
        long cutoff = Now() - (long)_options.LogRetention.TotalMilliseconds;
        (List<long> entries, List<long> checkpoints, _) = _log.List();
        foreach (long version in entries)
        {
            if (version >= limit || EntryTime(version) > cutoff)
            {
                limit = Math.Min(limit, version);
                break;
            }
        }

        long kept = checkpoints.Where(version => version <= limit && _goodCheckpoints.Contains(version))
            .DefaultIfEmpty(-1).Max();
        foreach (long version in checkpoints.Where(version => version < kept))
        {
            _files.Delete(_log.CheckpointPath(version));
            _goodCheckpoints.Remove(version);
            _checkpointHashes.Remove(version);
        }

        // Oldest first: a crash half way leaves no gap behind a checkpoint.
        foreach (long version in entries.TakeWhile(version => version < kept))
        {
            Invariant.Hold(version < _current.Version);
            _files.Delete(_log.EntryPath(version));
            _entryTimes.Remove(version);
        }
    }

    /// <summary>When an entry was committed, in Unix milliseconds; 0 where its writer did not say.</summary>
    private long EntryTime(long version)
    {
        if (!_entryTimes.TryGetValue(version, out long time))
        {
            time = DeltaEntry.Timestamp(_log.ReadEntry(version));
            _entryTimes[version] = time;
        }

        return time;
    }

    private long OldestTombstone() => Now() - (long)_options.TombstoneRetention.TotalMilliseconds;

    /// <summary>
    /// Tombstones past their retention leave memory too; what still lies on disk is swept as unreferenced.
    /// </summary>
    private void ForgetTombstones()
    {
        lock (_gate)
        {
            long oldest = OldestTombstone();
            ImmutableSortedDictionary<string, DeltaTombstone> tombstones = _current.Tombstones;
            ImmutableSortedDictionary<string, DeltaTombstone> kept = tombstones.RemoveRange(
                tombstones.Values.Where(each => each.DeletionTime < oldest).Select(static each => each.Path));
            if (kept.Count < tombstones.Count)
            {
                _current = _current.WithTombstones(kept);
            }
        }
    }
}
