using System.Globalization;
using System.Text.Json;
using Naru.Core.Files;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;

namespace Naru.Sim.Delta;

/// <summary>
/// Checks every action of every entry and checkpoint of a Delta table against the protocol's text (delta-io/delta,
/// PROTOCOL.md: "Delta Log Entries", "Checkpoints", "Actions", "Action Reconciliation", "Per-file Statistics",
/// "Partition Value Serialization", "Schema Serialization Format", "Last Checkpoint File Schema"), and what Naru
/// promises besides: paths never come back, txns only grow, entries and files have their checksums. Shares no reading
/// code with the table, but for getting at the JSON of a Parquet checkpoint.
/// </summary>
public sealed class DeltaValidator
{
    /// <summary>
    /// Begins the one problem that a crash may leave: of entries before a checkpoint some are deleted.
    /// </summary>
    public const string NotContiguous = "versions are not contiguous";

    /// <summary>How addresses of files on other disks begin.</summary>
    internal const string Elsewhere = "file:///";

    private const int VersionDigits = 20;
    private readonly IFileSystem _files;
    private readonly string _directory;
    private readonly IDeltaCheckpointFormat _checkpoints;
    private readonly Func<string, long>? _countRows;
    private readonly List<string> _problems = [];

    private DeltaValidator(
        IFileSystem files, string directory, IDeltaCheckpointFormat checkpoints, Func<string, long>? countRows)
    {
        _files = files;
        _directory = directory;
        _checkpoints = checkpoints;
        _countRows = countRows;
    }

    private string Log => _directory + "/_delta_log";

    /// <summary>
    /// Every table below a folder of a local disk, rows counted in each file; problems name table and file.
    /// </summary>
    public static IReadOnlyList<string> ValidateAll(string directory) =>
        [.. Directory.EnumerateDirectories(directory, "_delta_log", SearchOption.AllDirectories)
            .Order(StringComparer.Ordinal)
            .SelectMany(log => Validate(Path.GetDirectoryName(log)!))];

    /// <summary>One table on a local disk.</summary>
    public static IReadOnlyList<string> Validate(string tableDirectory)
    {
        using ParquetCheckpointFormat checkpoints = new();
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        return Validate(new PosixFileSystem(), tableDirectory, checkpoints, path => CountRows(connection, path));
    }

    /// <summary>One table on any file system; rows are not counted when <paramref name="countRows"/> is null.</summary>
    public static IReadOnlyList<string> Validate(
        IFileSystem files, string tableDirectory, IDeltaCheckpointFormat checkpoints, Func<string, long>? countRows)
    {
        DeltaValidator validator = new(files, tableDirectory, checkpoints, countRows);
        validator.Run();
        return validator._problems;
    }

    private static long CountRows(DuckDbConnection connection, string path)
    {
        string literal = path.Replace("'", "''", StringComparison.Ordinal);
        using DuckDbResult result = connection.Materialize(
            $"SELECT num_rows::BIGINT FROM parquet_file_metadata('{literal}')");
        return result.TryNext(out DuckDbChunk? chunk) ? chunk[0].Values<long>()[0] : -1;
    }

    private void Run()
    {
        List<long> entries = Versions(".json");
        List<long> checkpoints = Versions(".checkpoint.parquet");
        if (entries.Count == 0)
        {
            Problem(Log, "there is no log entry");
            return;
        }

        for (int i = entries.Count - 1; i > 0; i--)
        {
            if (entries[i] != entries[i - 1] + 1)
            {
                Problem(Log, $"{NotContiguous}: {entries[i - 1]} is followed by {entries[i]}");
                entries.RemoveRange(0, i);
                break;
            }
        }

        Dictionary<long, DeltaState> states = Replay(entries, checkpoints);
        foreach (long version in checkpoints)
        {
            CheckCheckpoint(version, states);
        }

        CheckLastCheckpoint(checkpoints);
        if (states.TryGetValue(entries[^1], out DeltaState? last))
        {
            CheckFiles(last);
        }
    }

    private List<long> Versions(string suffix) =>
        [.. _files.List(Log)
            .Where(name => name.Length == VersionDigits + suffix.Length
                && name.EndsWith(suffix, StringComparison.Ordinal)
                && name.Take(VersionDigits).All(char.IsAsciiDigit))
            .Select(name => long.Parse(name.AsSpan(0, VersionDigits), CultureInfo.InvariantCulture))
            .Order()];

    private string NameOf(long version, string suffix) =>
        string.Create(CultureInfo.InvariantCulture, $"{Log}/{version:d20}{suffix}");

    /// <summary>
    /// The state after each entry, from version 0, or from the checkpoint that covers the cleaned entries.
    /// </summary>
    private Dictionary<long, DeltaState> Replay(List<long> entries, List<long> checkpoints)
    {
        Dictionary<long, DeltaState> states = [];
        DeltaState state = new(_problems);
        long first = entries[0];
        if (first > 0)
        {
            // "Metadata cleanup MUST provide a checkpoint for the oldest kept table version".
            long start = checkpoints.Find(version => version >= first - 1);
            if (!checkpoints.Contains(start) || start < first - 1)
            {
                Problem(Log, $"entries before {first} are gone, and no checkpoint covers them");
                return states;
            }

            state = ReadCheckpoint(start);
            states[start] = state.Copy();
            first = start + 1;
        }

        foreach (long version in entries.Where(version => version >= first))
        {
            string path = NameOf(version, ".json");
            byte[] bytes = Read(path);
            List<JsonElement> lines = ParseLines(path, bytes);
            state.Apply(path, version, lines, isCheckpoint: false);
            DeltaEntryRules.CheckChecksum(path, version, bytes, lines, _problems);
            states[version] = state.Copy();
        }

        return states;
    }

    private DeltaState ReadCheckpoint(long version)
    {
        string path = NameOf(version, ".checkpoint.parquet");
        DeltaState state = new(_problems);
        try
        {
            List<JsonElement> lines = ParseLines(path, _checkpoints.Read(_files, path).ToArray());
            state.Apply(path, version, [.. lines.Select(DeltaEntryRules.WithoutNulls)], isCheckpoint: true);
        }
        catch (StorageException error) when (error.Fault == StorageFault.Corrupt)
        {
            Problem(path, error.Message);
        }

        return state;
    }

    private void CheckCheckpoint(long version, Dictionary<long, DeltaState> states)
    {
        DeltaState read = ReadCheckpoint(version);
        if (states.TryGetValue(version, out DeltaState? replayed))
        {
            read.CheckIsReplayOf(replayed, NameOf(version, ".checkpoint.parquet"));
        }
    }

    private void CheckLastCheckpoint(List<long> checkpoints)
    {
        string path = Log + "/_last_checkpoint";
        if (!_files.FileExists(path))
        {
            return;
        }

        JsonElement hint = ParseLines(path, Read(path)).FirstOrDefault();
        if (hint.ValueKind != JsonValueKind.Object || !hint.TryGetProperty("version", out JsonElement version)
            || !hint.TryGetProperty("size", out JsonElement size))
        {
            Problem(path, "it lacks version or size");
            return;
        }

        if (!checkpoints.Contains(version.GetInt64()))
        {
            Problem(path, $"it names version {version.GetInt64()}, of which there is no checkpoint");
            return;
        }

        string checkpoint = NameOf(version.GetInt64(), ".checkpoint.parquet");
        DeltaState state = ReadCheckpoint(version.GetInt64());
        Expect(path, "size", size.GetInt64(), state.Actions);
        if (hint.TryGetProperty("numOfAddFiles", out JsonElement adds))
        {
            Expect(path, "numOfAddFiles", adds.GetInt64(), state.Adds.Count);
        }

        if (hint.TryGetProperty("sizeInBytes", out JsonElement bytes))
        {
            Expect(path, "sizeInBytes", bytes.GetInt64(), Read(checkpoint).Length);
        }
    }

    private void CheckFiles(DeltaState state)
    {
        foreach ((string name, JsonElement add) in state.Adds)
        {
            string path = name.StartsWith(Elsewhere, StringComparison.Ordinal)
                ? name[(Elsewhere.Length - 1)..] : $"{_directory}/{name}";
            if (!_files.FileExists(path))
            {
                Problem(path, "an add names it, and it is not there");
                continue;
            }

            byte[] bytes = Read(path);
            Expect(path, "size", add.GetProperty("size").GetInt64(), bytes.Length);
            if (add.TryGetProperty("tags", out JsonElement tags)
                && tags.TryGetProperty("naru.contentHash", out JsonElement hash))
            {
                string actual = "sha256:"
                    + Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));
                if (hash.GetString() != actual)
                {
                    Problem(path, $"its content is not the one whose hash is {hash.GetString()}");
                }
            }

            if (_countRows is not null && DeltaEntryRules.RowsOf(add) is long rows)
            {
                Expect(path, "rows", rows, _countRows(path));
            }
        }
    }

    private List<JsonElement> ParseLines(string path, byte[] bytes)
    {
        List<JsonElement> lines = [];
        JsonDocumentOptions options = new() { AllowDuplicateProperties = false };
        int number = 0;
        foreach (Range range in bytes.AsSpan().Split((byte)'\n'))
        {
            number++;
            (int start, int length) = range.GetOffsetAndLength(bytes.Length);
            if (length == 0)
            {
                continue;
            }

            try
            {
                using JsonDocument document = JsonDocument.Parse(bytes.AsMemory(start, length), options);
                lines.Add(document.RootElement.Clone());
            }
            catch (JsonException error)
            {
                Problem(path, $"line {number} is no JSON: {error.Message}");
            }
        }

        return lines;
    }

    private byte[] Read(string path)
    {
        using IFile file = _files.Open(path, FileOpen.Read);
        byte[] bytes = new byte[file.Length];
        int read = file.Read(bytes, 0);
        return read == bytes.Length ? bytes : bytes[..read];
    }

    private void Expect(string path, string what, long said, long actual)
    {
        if (said != actual)
        {
            Problem(path, $"{what} is {actual}, the log says {said}");
        }
    }

    private void Problem(string path, string what) => _problems.Add($"{path}: {what}");
}
