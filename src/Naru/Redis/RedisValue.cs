using System.Buffers.Text;
using System.Globalization;
using Naru.Core;

namespace Naru.Redis;

/// <summary>What a key holds.</summary>
internal enum RedisShape
{
    String,
    List,
    Set,
    Hash,
    SortedSet,
    Stream,

    /// <summary>A type of a module, which only the module can read.</summary>
    Module,
}

/// <summary>
/// The value of one key in parts, whichever way it came: a string is one, a list or a set one each, a hash a field and
/// its value, a sorted set its members with scores, a stream fields and values by entry. Filled again for the next key.
/// A value that is too large is counted and not kept.
/// </summary>
internal sealed class RedisValue
{
    /// <summary>A larger one has no place in a cell.</summary>
    public const int BytesMax = 32 << 20;

    private const int PartBytes = 16;
    private const int BytesKept = 1 << 20;
    private const int NumberBytesMax = 20;

    private readonly List<(int Start, int Length)> _parts = [];
    private readonly List<double> _scores = [];
    private readonly List<RedisEntry> _entries = [];
    private byte[] _bytes = new byte[4 << 10];
    private int _used;

    public RedisShape Shape { get; private set; }

    /// <summary>Of a module's type: its name.</summary>
    public string Module { get; private set; } = "";

    /// <summary>Fields, members, entries; a string has none.</summary>
    public long Elements { get; private set; }

    /// <summary>Of all parts.</summary>
    public long Bytes { get; private set; }

    /// <summary>False for one that was too large: its parts are not there.</summary>
    public bool IsKept { get; private set; }

    public int Parts => _parts.Count;

    public IReadOnlyList<double> Scores => _scores;

    public IReadOnlyList<RedisEntry> Entries => _entries;

    public ReadOnlySpan<byte> this[int part] => _bytes.AsSpan(_parts[part].Start, _parts[part].Length);

    public void Begin(RedisShape shape, string module = "")
    {
        Forget();
        Shape = shape;
        Module = module;
        Elements = 0;
        Bytes = 0;
        IsKept = true;
    }

    public void AddString(scoped ReadOnlySpan<byte> text) => Add(text);

    /// <summary>Of a list or a set.</summary>
    public void AddElement(scoped RedisItem item)
    {
        Elements++;
        Add(item);
    }

    public void AddField(scoped RedisItem field, scoped RedisItem value)
    {
        Elements++;
        Add(field);
        Add(value);
    }

    public void AddScored(scoped RedisItem member, double score)
    {
        Elements++;
        Add(member);
        if (IsKept)
        {
            _scores.Add(score);
        }
    }

    /// <summary>Begins an entry of a stream; what <see cref="AddEntryField"/> adds is its.</summary>
    public void AddEntry(ulong milliseconds, ulong sequence)
    {
        Elements++;
        if (IsKept)
        {
            _entries.Add(new RedisEntry(milliseconds, sequence, _parts.Count));
        }
    }

    public void AddEntryField(scoped RedisItem field, scoped RedisItem value)
    {
        Add(field);
        Add(value);
    }

    /// <summary>One that was too large to be read.</summary>
    public void AddSkipped(long bytes)
    {
        Bytes += bytes;
        IsKept = false;
        Forget();
    }

    /// <summary>How many elements there are, where nothing of them is read.</summary>
    public void AddCounted(long elements) => Elements = elements;

    /// <summary>Parts of an entry: from its first to the next one's.</summary>
    public (int First, int End) PartsOf(int entry) => (
        _entries[entry].FirstPart, entry + 1 < _entries.Count ? _entries[entry + 1].FirstPart : _parts.Count);

    /// <summary>A score as Redis writes it.</summary>
    public static bool TryScore(ReadOnlySpan<byte> text, out double score)
    {
        if (text.SequenceEqual("inf"u8) || text.SequenceEqual("-inf"u8))
        {
            score = text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return true;
        }

        return double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out score);
    }

    private void Add(scoped RedisItem item)
    {
        if (item.IsSkipped)
        {
            AddSkipped(item.SkippedBytes);
            return;
        }

        if (!item.IsNumber)
        {
            Add(item.Text);
            return;
        }

        Span<byte> digits = stackalloc byte[NumberBytesMax];
        bool fits = Utf8Formatter.TryFormat(item.Number, digits, out int length);
        Invariant.Hold(fits);
        Add(digits[..length]);
    }

    private void Add(scoped ReadOnlySpan<byte> text)
    {
        Bytes += text.Length;
        if (!IsKept)
        {
            return;
        }

        if ((long)_used + text.Length + ((long)_parts.Count * PartBytes) > BytesMax)
        {
            IsKept = false;
            Forget();
            return;
        }

        if (text.Length > _bytes.Length - _used)
        {
            Array.Resize(ref _bytes, Math.Max(_used + text.Length, _bytes.Length * 2));
        }

        text.CopyTo(_bytes.AsSpan(_used));
        _parts.Add((_used, text.Length));
        _used += text.Length;
    }

    private void Forget()
    {
        _parts.Clear();
        _scores.Clear();
        _entries.Clear();
        _used = 0;
        if (_bytes.Length > BytesKept)
        {
            _bytes = new byte[BytesKept];
        }

        // One huge value must not hold its lists for ever.
        if (_parts.Capacity > BytesKept / PartBytes)
        {
            _parts.TrimExcess();
            _scores.TrimExcess();
            _entries.TrimExcess();
        }
    }
}

/// <param name="Milliseconds">The first half of the entry's id.</param>
/// <param name="Sequence">The second.</param>
/// <param name="FirstPart">Where its fields and values begin.</param>
internal readonly record struct RedisEntry(ulong Milliseconds, ulong Sequence, int FirstPart);

/// <summary>
/// A text of a value, or a number that stands for its decimal digits; or how long one is that was passed over.
/// </summary>
internal readonly ref struct RedisItem
{
    private RedisItem(ReadOnlySpan<byte> text, long number, bool isNumber, long skipped)
    {
        Text = text;
        Number = number;
        IsNumber = isNumber;
        SkippedBytes = skipped;
    }

    public ReadOnlySpan<byte> Text { get; }

    public long Number { get; }

    public bool IsNumber { get; }

    /// <summary>-1 for one that is there.</summary>
    public long SkippedBytes { get; }

    public bool IsSkipped => SkippedBytes >= 0;

    public static implicit operator RedisItem(ReadOnlySpan<byte> text) => new(text, 0, false, -1);

    public static RedisItem Of(long number) => new([], number, true, -1);

    public static RedisItem Skipped(long bytes) => new([], 0, false, bytes);
}
