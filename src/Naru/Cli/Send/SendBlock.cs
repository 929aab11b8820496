namespace Naru.Cli.Send;

/// <summary>Consecutive lines of a file, sent as one request.</summary>
internal sealed class SendBlock
{
    /// <summary>Position among the run's blocks, from 0.</summary>
    public required int Number { get; init; }

    /// <summary>Line of the file that the body begins with, from 0. For CSV: row behind the header.</summary>
    public required long FirstLine { get; init; }

    /// <summary>One event a line.</summary>
    public required ReadOnlyMemory<byte> Body { get; init; }

    /// <summary>Lines that are not blank.</summary>
    public required int Events { get; init; }

    /// <summary>Where the file goes on behind this block.</summary>
    public required FilePlace End { get; init; }
}

/// <summary>A place between two lines of a file.</summary>
/// <param name="Line">Lines before it.</param>
/// <param name="Offset">Bytes before it, decompressed.</param>
internal readonly record struct FilePlace(long Line, long Offset);

/// <summary>Cuts a file into blocks, front to back.</summary>
internal abstract class BlockSource(int linesMax)
{
    /// <summary>Bytes at which a block is full, whatever its lines.</summary>
    private const int BlockBytesMax = 512 << 10;

    /// <summary>Positions are 32 bits to the server: beyond these the batch gets another name.</summary>
    public const int GroupLines = 1_000_000_000;

    private int _number;

    /// <summary>Lines and bytes read so far.</summary>
    public FilePlace Place { get; protected set; }

    /// <summary>What a person should know of the file; told once at the end.</summary>
    public List<string> Notes { get; } = [];

    /// <summary>Goes on at a place where an earlier run stopped.</summary>
    public abstract void SkipTo(FilePlace place);

    /// <summary>Null at the end of the file.</summary>
    public SendBlock? Next()
    {
        MemoryStream body = new();
        long first = Place.Line;
        int events = 0;
        while (Place.Line - first < linesMax && body.Length < BlockBytesMax
            && first / GroupLines == Place.Line / GroupLines && Append(body, out bool blank))
        {
            events += blank ? 0 : 1;
        }

        if (Place.Line == first)
        {
            return null;
        }

        return new SendBlock
        {
            Number = _number++,
            FirstLine = first,
            Body = body.GetBuffer().AsMemory(0, (int)body.Length),
            Events = events,
            End = Place,
        };
    }

    /// <summary>Adds the next line with its line end; false at the end of the file.</summary>
    protected abstract bool Append(MemoryStream body, out bool blank);
}

/// <summary>NDJSON: lines as they are.</summary>
internal sealed class LineBlocks(ByteWindow window, int linesMax) : BlockSource(linesMax)
{
    /// <summary>
    /// Past this a line is too large for any server: what is behind it is not sent, the server keeps its head.
    /// </summary>
    private const int LineBytesMax = 2 << 20;

    public override void SkipTo(FilePlace place)
    {
        window.SkipTo(place.Offset);
        Place = place;
    }

    protected override bool Append(MemoryStream body, out bool blank)
    {
        int searched = 0;
        int length;
        while (true)
        {
            int found = window.Bytes[searched..].IndexOf((byte)'\n');
            length = found < 0 ? window.Bytes.Length : searched + found + 1;
            searched = length;
            if (found >= 0 || !window.Read())
            {
                break;
            }
        }

        ReadOnlySpan<byte> line = window.Bytes[..length];
        blank = line.Trim(" \t\r\n"u8).IsEmpty;
        body.Write(line[..Math.Min(length, LineBytesMax)]);
        if (length > 0 && (length > LineBytesMax || line[^1] != (byte)'\n'))
        {
            body.Write("\n"u8);
        }

        window.Take(length);
        Place = length > 0 ? new FilePlace(Place.Line + 1, window.Offset) : Place;
        return length > 0;
    }
}
