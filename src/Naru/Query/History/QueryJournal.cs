using System.Text.Json;
using Naru.Core.Files;

namespace Naru.Query.History;

/// <summary>
/// Ended queries that the lake does not have yet, one JSON line each: `data/state/queries.ndjson`. Not synced, so that
/// a query costs no wait for the disk: the end of the process loses nothing, the end of the machine the last seconds.
/// </summary>
internal sealed class QueryJournal
{
    private readonly IFileSystem _files;
    private readonly string _path;
    private long _length;

    public QueryJournal(IFileSystem files, string folder)
    {
        files.CreateDirectory(folder);
        _files = files;
        _path = $"{folder}/queries.ndjson";
    }

    /// <summary>The rows of an earlier process that are behind this number.</summary>
    public List<QueryRow> Read(long after)
    {
        List<QueryRow> rows = [];
        byte[] bytes = WholeFile.Read(_files, _path, int.MaxValue) ?? [];
        int start = 0;
        while (bytes.AsSpan(start).IndexOf((byte)'\n') is >= 0 and int length)
        {
            try
            {
                QueryRow row = JsonSerializer.Deserialize(bytes.AsSpan(start, length), HistoryJson.Default.QueryRow)!;
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

    public void Append(QueryRow row)
    {
        byte[] line = [.. JsonSerializer.SerializeToUtf8Bytes(row, HistoryJson.Default.QueryRow), (byte)'\n'];
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
