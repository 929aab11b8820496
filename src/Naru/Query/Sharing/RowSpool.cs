using Naru.Core;
using Naru.Core.Files;

namespace Naru.Query.Sharing;

/// <summary>
/// Rows of one run that wait for a slow client, in a file of the spill folder: written and read in order, each piece
/// once. The file is scratch: it is never synced, and the folder is emptied at every start.
/// </summary>
internal sealed class RowSpool : IDisposable
{
    private readonly IFileSystem _files;
    private readonly IFile _file;
    private readonly Queue<(long Offset, int Length)> _pieces = new();
    private long _end;

    /// <exception cref="StorageException">It cannot be made.</exception>
    public RowSpool(IFileSystem files, string folder, string name)
    {
        _files = files;
        files.CreateDirectory(folder);
        _file = files.Open($"{folder}/{name}", FileOpen.CreateNew);
        files.MakePrivate(_file.Path);
    }

    public bool IsEmpty => _pieces.Count == 0;

    /// <summary>On the disk, read or not.</summary>
    public long Bytes => _end;

    /// <summary>By the one who writes; <see cref="Add"/> then makes it readable.</summary>
    /// <exception cref="StorageException">The disk takes no more.</exception>
    public void Write(ReadOnlySpan<byte> rows) => _file.Write(rows, _end);

    /// <summary>What was just written may be read.</summary>
    public void Add(int length)
    {
        _pieces.Enqueue((_end, length));
        _end += length;
    }

    public (long Offset, int Length) Next() => _pieces.Dequeue();

    /// <summary>By the one who reads.</summary>
    public void Read((long Offset, int Length) piece, Span<byte> rows)
    {
        int read = _file.Read(rows[..piece.Length], piece.Offset);
        Invariant.Hold(read == piece.Length);
    }

    public void Dispose()
    {
        _file.Dispose();
        _files.Delete(_file.Path);
    }
}
