using System.Buffers;
using Naru.Core;

namespace Naru.Query.Trino;

/// <summary>
/// Rows of one answer, in rented pieces. Whoever writes it to a client holds it, for its query may let go of it at the
/// same time; the last to let go gives the pieces back.
/// </summary>
internal sealed class ResultPage
{
    private readonly List<ArraySegment<byte>> _pieces = [];
    private int _holders = 1;

    public long Bytes { get; private set; }

    public bool IsEmpty => Bytes == 0;

    /// <summary>Each row begins with a comma; the first of all is to be left out.</summary>
    public IReadOnlyList<ArraySegment<byte>> Pieces => _pieces;

    /// <summary>Before the page is given to anyone.</summary>
    public void Append(ReadOnlySpan<byte> rows)
    {
        byte[] piece = ArrayPool<byte>.Shared.Rent(rows.Length);
        rows.CopyTo(piece);
        _pieces.Add(new ArraySegment<byte>(piece, 0, rows.Length));
        Bytes += rows.Length;
    }

    /// <summary>By one who knows that the page is still held.</summary>
    public void Hold()
    {
        int holders = Interlocked.Increment(ref _holders);
        Invariant.Hold(holders > 1);
    }

    public void LetGo()
    {
        int holders = Interlocked.Decrement(ref _holders);
        Invariant.Hold(holders >= 0);
        if (holders == 0)
        {
            foreach (ArraySegment<byte> piece in _pieces)
            {
                ArrayPool<byte>.Shared.Return(piece.Array!);
            }

            _pieces.Clear();
        }
    }
}
