using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core;
using Naru.Lake.Columns;
using Naru.Stream.Aggregate;

namespace Naru.Server.Live;

/// <summary>
/// What one aggregate's windows said at one moment, in the columns of the select list. Blocks that did not change are
/// shared with the views before; memory is native, so that a view is rented and given back. Safe for all threads.
/// </summary>
internal sealed class LiveView
{
    private readonly AggregatePlan _plan;
    private readonly ImmutableDictionary<long, int> _revisions;
    private int _renters = 1;

    public LiveView(LiveRows rows, ImmutableArray<LiveViewBlock> blocks, long readAt)
    {
        Status = rows.Status;
        Blocks = blocks;
        ReadAt = readAt;
        _revisions = rows.Revisions;
        _plan = rows.Status.Plan;
    }

    public LiveStatus Status { get; }

    /// <summary>In order of windows. The view's own.</summary>
    public ImmutableArray<LiveViewBlock> Blocks { get; }

    /// <summary>Timestamp of the monotonic clock.</summary>
    public long ReadAt { get; }

    /// <summary>How the window of a row stands.</summary>
    public LiveWindowState StateOf(LiveViewBlock block, int row)
    {
        bool isFinal = block.Block.IsFinal;
        int revision = isFinal && !_revisions.IsEmpty
            ? _revisions.GetValueOrDefault(WindowIds.OfOutputs(_plan).Of(block.Rows, row)) : 0;
        return new LiveWindowState(isFinal, revision);
    }

    /// <summary>False when its memory is given back already.</summary>
    public bool TryRent()
    {
        while (true)
        {
            int renters = Volatile.Read(ref _renters);
            if (renters == 0)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref _renters, renters + 1, renters) == renters)
            {
                return true;
            }
        }
    }

    public void Return()
    {
        int renters = Interlocked.Decrement(ref _renters);
        Invariant.Hold(renters >= 0);
        if (renters == 0)
        {
            foreach (LiveViewBlock block in Blocks)
            {
                block.Return();
            }
        }
    }
}

/// <summary>Rows of one <see cref="LiveBlock"/>, owned by all views that hold it.</summary>
internal sealed class LiveViewBlock
{
    private readonly int[] _keys;
    private readonly Lazy<LiveKeyIndex> _index;
    private int _views = 1;

    /// <param name="block">What the stream says of it.</param>
    /// <param name="rows">Rows in the columns of the select list; the block's own from here.</param>
    /// <param name="keys">Positions of all group keys among the columns, or none where one is not selected.</param>
    public LiveViewBlock(LiveBlock block, ColumnBatch rows, int[] keys)
    {
        Block = block;
        Rows = rows;
        _keys = keys;
        _index = new Lazy<LiveKeyIndex>(() => new LiveKeyIndex(rows, _keys));
    }

    public LiveBlock Block { get; }

    public ColumnBatch Rows { get; }

    /// <summary>Made when a key is asked for first, once for all who ask.</summary>
    public LiveKeyIndex Index => _index.Value;

    /// <summary>For another view; only while one that holds it is rented.</summary>
    public LiveViewBlock Share()
    {
        Invariant.Hold(Interlocked.Increment(ref _views) > 1);
        return this;
    }

    public void Return()
    {
        if (Interlocked.Decrement(ref _views) == 0)
        {
            Rows.Dispose();
        }
    }
}

/// <summary>Rows by all their keys: chains of rows by hash.</summary>
internal sealed class LiveKeyIndex
{
    private readonly ColumnBatch _rows;
    private readonly int[] _keys;
    private readonly int[] _heads;
    private readonly int[] _next;

    public LiveKeyIndex(ColumnBatch rows, int[] keys)
    {
        _rows = rows;
        _keys = keys;
        _heads = new int[(int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Math.Max(16, rows.RowCount))];
        _next = new int[rows.RowCount];
        Array.Fill(_heads, -1);
        for (int row = rows.RowCount - 1; row >= 0; row--)
        {
            HashCode hash = default;
            foreach (int key in keys)
            {
                if (!rows.Columns[key].IsNull(row))
                {
                    LiveKeys.AddTo(ref hash, rows.Columns[key], row);
                }
            }

            ref int head = ref _heads[hash.ToHashCode() & (_heads.Length - 1)];
            _next[row] = head;
            head = row;
        }
    }

    /// <summary>Rows of a key, in order; `forms` are its values in the order of the keys.</summary>
    public void Find(ReadOnlySpan<byte[]> forms, List<int> rows)
    {
        HashCode hash = default;
        foreach (byte[] form in forms)
        {
            hash.AddBytes(form);
        }

        int row = _heads[hash.ToHashCode() & (_heads.Length - 1)];
        for (; row >= 0; row = _next[row])
        {
            bool same = true;
            for (int i = 0; i < _keys.Length && same; i++)
            {
                same = LiveKeys.Is(_rows.Columns[_keys[i]], row, forms[i]);
            }

            if (same)
            {
                rows.Add(row);
            }
        }
    }
}
