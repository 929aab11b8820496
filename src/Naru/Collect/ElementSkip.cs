namespace Naru.Collect;

/// <summary>
/// Finds the end of an array's element without keeping it: strings and brackets only, over any number of chunks. What
/// is not in a string or brackets ends before a comma or the array's bracket.
/// </summary>
internal sealed class ElementSkip
{
    private int _depth;
    private bool _inString;
    private bool _escaped;

    public bool IsDone { get; private set; }

    /// <summary>Bytes taken; all of them until the element is done.</summary>
    public int Take(ReadOnlySpan<byte> bytes)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            if (_inString)
            {
                TakeInString(bytes[i]);
                continue;
            }

            switch (bytes[i])
            {
                case (byte)'"':
                    _inString = true;
                    break;
                case (byte)'{' or (byte)'[':
                    _depth++;
                    break;
                case (byte)'}' or (byte)']' when _depth > 0:
                    _depth--;
                    break;
                case (byte)',' or (byte)']' when _depth == 0:
                    IsDone = true;
                    return i;
            }
        }

        return bytes.Length;
    }

    private void TakeInString(byte next)
    {
        if (_escaped)
        {
            _escaped = false;
        }
        else if (next == (byte)'\\')
        {
            _escaped = true;
        }
        else if (next == (byte)'"')
        {
            _inString = false;
        }
    }
}
