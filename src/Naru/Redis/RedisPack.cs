using System.Buffers.Binary;

namespace Naru.Redis;

/// <summary>How Redis packs small collections into one string.</summary>
internal enum RedisPackForm
{
    Ziplist,
    Listpack,
    Intset,
    Zipmap,
}

/// <summary>A packed collection is not what it should be.</summary>
/// <param name="at">Which of its bytes.</param>
internal sealed class RedisPackException(int at) : Exception
{
    public int At => at;
}

/// <summary>
/// Reads the elements of a packed collection, one after another; trusts none of its lengths. Formats: Redis's
/// ziplist.c, listpack.c, intset.c, zipmap.c.
/// </summary>
internal ref struct RedisPack
{
    private const byte End = 0xff;
    private const byte BigLength = 0xfe;
    private const int ZiplistHead = 10;
    private const int ListpackHead = 6;
    private const int IntsetHead = 8;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly RedisPackForm _form;
    private readonly int _width;
    private int _at;
    private bool _isValue;

    public RedisPack(RedisPackForm form, ReadOnlySpan<byte> bytes)
    {
        _form = form;
        _bytes = bytes;
        int head = form switch
        {
            RedisPackForm.Ziplist => ZiplistHead,
            RedisPackForm.Listpack => ListpackHead,
            RedisPackForm.Intset => IntsetHead,
            _ => 1,
        };
        Need(head + (form == RedisPackForm.Intset ? 0 : 1));
        _at = head;
        uint first = form == RedisPackForm.Zipmap ? 0 : BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        if (form is RedisPackForm.Ziplist or RedisPackForm.Listpack && first != bytes.Length)
        {
            _at = 0;
            throw Broken();
        }

        if (form == RedisPackForm.Intset)
        {
            _width = (int)first;
            uint count = BinaryPrimitives.ReadUInt32LittleEndian(bytes[sizeof(uint)..]);
            if (first is not (sizeof(short) or sizeof(int) or sizeof(long))
                || IntsetHead + ((long)first * count) != bytes.Length)
            {
                _at = 0;
                throw Broken();
            }
        }
    }

    /// <summary>False behind the last one.</summary>
    public bool TryNext(out RedisItem item)
    {
        item = default;
        if (_form == RedisPackForm.Intset)
        {
            if (_at == _bytes.Length)
            {
                return false;
            }

            item = RedisItem.Of(Integer(_width));
            return true;
        }

        Need(1);
        if (_bytes[_at] == End)
        {
            return _at == _bytes.Length - 1 ? false : throw Broken();
        }

        item = _form switch
        {
            RedisPackForm.Ziplist => ZiplistEntry(),
            RedisPackForm.Listpack => ListpackEntry(),
            _ => ZipmapEntry(),
        };
        return true;
    }

    /// <summary>One that must be there.</summary>
    public RedisItem Next() => TryNext(out RedisItem item) ? item : throw Broken();

    /// <summary>One that must be there and be a number.</summary>
    public long NextNumber()
    {
        RedisItem item = Next();
        return item.IsNumber ? item.Number : throw Broken();
    }

    public readonly RedisPackException Broken() => new(_at);

    private RedisItem ZiplistEntry()
    {
        // How long the entry before is: for readers that go backwards.
        _at += _bytes[_at] == BigLength ? 1 + sizeof(uint) : 1;
        Need(1);
        byte head = _bytes[_at++];
        switch (head >> 6)
        {
            case 0:
                return Text(head & 0x3f);
            case 1:
                Need(1);
                return Text(((head & 0x3f) << 8) | _bytes[_at++]);
            case 2:
                Need(sizeof(uint));
                uint length = BinaryPrimitives.ReadUInt32BigEndian(_bytes[_at..]);
                _at += sizeof(uint);
                return Text(length);
            default:
                return RedisItem.Of(head switch
                {
                    0xc0 => Integer(2),
                    0xd0 => Integer(4),
                    0xe0 => Integer(8),
                    0xf0 => Integer(3),
                    0xfe => Integer(1),
                    >= 0xf1 and <= 0xfd => head - 0xf1,
                    _ => throw Broken(),
                });
        }
    }

    private RedisItem ListpackEntry()
    {
        int start = _at;
        byte head = _bytes[_at++];
        RedisItem item;
        if (head < 0x80)
        {
            item = RedisItem.Of(head);
        }
        else if (head < 0xc0)
        {
            item = Text(head & 0x3f);
        }
        else if (head < 0xe0)
        {
            Need(1);
            int number = ((head & 0x1f) << 8) | _bytes[_at++];
            item = RedisItem.Of(number >= 1 << 12 ? number - (1 << 13) : number);
        }
        else if (head < 0xf0)
        {
            Need(1);
            item = Text(((head & 0x0f) << 8) | _bytes[_at++]);
        }
        else if (head == 0xf0)
        {
            Need(sizeof(uint));
            uint length = BinaryPrimitives.ReadUInt32LittleEndian(_bytes[_at..]);
            _at += sizeof(uint);
            item = Text(length);
        }
        else
        {
            item = RedisItem.Of(head switch
            {
                0xf1 => Integer(2),
                0xf2 => Integer(3),
                0xf3 => Integer(4),
                0xf4 => Integer(8),
                _ => throw Broken(),
            });
        }

        // How long this entry is, for readers that go backwards: 7 bits a byte.
        _at += (_at - start) switch
        {
            <= 127 => 1,
            < 16_383 => 2,
            < 2_097_151 => 3,
            < 268_435_455 => 4,
            _ => 5,
        };
        return item;
    }

    private RedisItem ZipmapEntry()
    {
        long length = _bytes[_at++];
        if (length == BigLength)
        {
            Need(sizeof(uint));
            length = BinaryPrimitives.ReadUInt32LittleEndian(_bytes[_at..]);
            _at += sizeof(uint);
        }

        int unused = 0;
        if (_isValue)
        {
            Need(1);
            unused = _bytes[_at++];
        }

        _isValue = !_isValue;
        RedisItem item = Text(length);
        Need(unused);
        _at += unused;
        return item;
    }

    private RedisItem Text(long length)
    {
        Need(length);
        ReadOnlySpan<byte> text = _bytes.Slice(_at, (int)length);
        _at += (int)length;
        return text;
    }

    private long Integer(int width)
    {
        Need(width);
        ulong number = 0;
        for (int i = 0; i < width; i++)
        {
            number |= (ulong)_bytes[_at + i] << (8 * i);
        }

        _at += width;
        int unused = 64 - (8 * width);
        return (long)(number << unused) >> unused;
    }

    private readonly void Need(long bytes)
    {
        if (bytes > _bytes.Length - (long)_at)
        {
            throw Broken();
        }
    }
}
