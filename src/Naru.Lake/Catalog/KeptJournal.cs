using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Lake.Catalog;

/// <summary>A row of a table that is kept (<see cref="IKeptTable"/>).</summary>
public interface IKeptRow
{
    /// <summary>From 1, in the order in which rows were made.</summary>
    long Number { get; }

    /// <summary>About what it takes while it waits for the lake.</summary>
    long Bytes { get; }
}

/// <summary>
/// Rows that the lake does not have yet, one JSON line each: `data/state/NAME.ndjson`. Not synced, so that a row costs
/// no wait for the disk: the end of the process loses nothing, the end of the machine the last seconds.
/// </summary>
public sealed class KeptJournal<TRow>
    where TRow : class, IKeptRow
{
    private readonly IFileSystem _files;
    private readonly JsonTypeInfo<TRow> _type;
    private readonly string _path;
    private long _length;

    public KeptJournal(IFileSystem files, string folder, string name, JsonTypeInfo<TRow> type)
    {
        files.CreateDirectory(folder);
        _files = files;
        _type = type;
        _path = $"{folder}/{name}.ndjson";
    }

    /// <summary>The rows of an earlier process that are behind this number.</summary>
    public IReadOnlyList<TRow> Read(long after)
    {
        List<TRow> rows = [];
        byte[] bytes = WholeFile.Read(_files, _path, int.MaxValue) ?? [];
        int start = 0;
        while (bytes.AsSpan(start).IndexOf((byte)'\n') is >= 0 and int length)
        {
            try
            {
                TRow row = JsonSerializer.Deserialize(bytes.AsSpan(start, length), _type)!;
                if (row.Number > after)
                {
                    rows.Add(row);
                }
            }
            catch (JsonException)
            {
                // A machine that went down left holes; the other lines are good.
            }

            start += length + 1;
        }

        _length = start;
        return rows;
    }

    public void Append(TRow row)
    {
        Invariant.Hold(row.Number > 0);
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(row, _type), (byte)'\n'];
        using IFile file = Open();
        file.Write(line, _length);
        _length += line.Length;
    }

    /// <summary>All its rows are in the lake.</summary>
    public void Clear()
    {
        if (_length > 0)
        {
            // Not cut to nothing: a backup that is being copied has its bytes under another name.
            _files.Delete(_path);
            _length = 0;
        }
    }

    private IFile Open()
    {
        try
        {
            return _files.Open(_path, FileOpen.Existing);
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.NotFound)
        {
            IFile file = _files.Open(_path, FileOpen.CreateNew);
            _files.MakePrivate(_path);
            return file;
        }
    }
}
