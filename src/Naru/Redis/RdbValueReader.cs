using System.Buffers.Binary;
using System.Globalization;

namespace Naru.Redis;

/// <summary>Reads the value of one key of an RDB file in whichever of its forms it is.</summary>
internal sealed class RdbValueReader(RdbInput input)
{
    private const int StreamIdBytes = 16;
    private const string ModuleLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    private const int ModuleNameLength = 9;
    private const int ModuleVersionBits = 10;

    private readonly RdbText _first = new();
    private readonly RdbText _second = new();
    private readonly List<RdbText> _fields = [];
    private RdbType _type;

    /// <summary>How the value is kept in the file.</summary>
    public string Encoding => _type switch
    {
        RdbType.String => "string",
        RdbType.List => "list",
        RdbType.Set or RdbType.Hash or RdbType.HashMetadata or RdbType.HashMetadataOld => "hashtable",
        RdbType.SortedSet or RdbType.SortedSet2 => "skiplist",
        RdbType.HashZipmap => "zipmap",
        RdbType.ListZiplist or RdbType.SortedSetZiplist or RdbType.HashZiplist => "ziplist",
        RdbType.SetIntset => "intset",
        RdbType.ListQuicklist or RdbType.ListQuicklist2 => "quicklist",
        RdbType.HashListpackTimed or RdbType.HashListpackTimedOld => "listpackex",
        RdbType.Module => "module",
        _ => "listpack",
    };

    /// <summary>The type of the value that follows the key.</summary>
    public void Begin(long at, byte code)
    {
        _type = (RdbType)code;
        if (!Enum.IsDefined(_type))
        {
            throw new RdbException(at, $"there is no type {code} of values");
        }
    }

    /// <param name="into">Null to pass it over.</param>
    /// <param name="now">Unix milliseconds: what of a hash has expired then is not there.</param>
    public void Read(RedisValue? into, long now)
    {
        RedisShape shape = _type switch
        {
            RdbType.String => RedisShape.String,
            RdbType.List or RdbType.ListZiplist or RdbType.ListQuicklist or RdbType.ListQuicklist2 => RedisShape.List,
            RdbType.Set or RdbType.SetIntset or RdbType.SetListpack => RedisShape.Set,
            RdbType.SortedSet or RdbType.SortedSet2 or RdbType.SortedSetZiplist or RdbType.SortedSetListpack =>
                RedisShape.SortedSet,
            RdbType.Stream or RdbType.Stream2 or RdbType.Stream3 => RedisShape.Stream,
            RdbType.Module => RedisShape.Module,
            _ => RedisShape.Hash,
        };
        into?.Begin(shape);
        switch (shape)
        {
            case RedisShape.String:
                ReadString(into);
                break;
            case RedisShape.List or RedisShape.Set:
                ReadElements(into);
                break;
            case RedisShape.SortedSet:
                ReadScored(into);
                break;
            case RedisShape.Hash:
                ReadHash(into, now);
                break;
            case RedisShape.Stream:
                ReadStream(into);
                break;
            default:
                ulong id = input.Length();
                into?.Begin(shape, ModuleName(id));
                SkipModuleData();
                break;
        }
    }

    /// <summary>Data of a module beside the keys.</summary>
    public void SkipModuleNote()
    {
        // The module, and when it is to be told.
        input.Length();
        input.Length();
        input.Length();
        SkipModuleData();
    }

    /// <summary>Nine letters of six bits, then ten bits of a version.</summary>
    private static string ModuleName(ulong id) => string.Create(ModuleNameLength, id, static (name, id) =>
    {
        for (int i = 0; i < name.Length; i++)
        {
            name[i] = ModuleLetters[(int)(id >> (ModuleVersionBits + (6 * (name.Length - 1 - i)))) & 0x3f];
        }
    });

    private void SkipModuleData()
    {
        while (true)
        {
            long at = input.Position;
            switch (input.Length())
            {
                case 0:
                    return;
                case 1 or 2:
                    input.Length();
                    break;
                case 3:
                    input.Skip(sizeof(float));
                    break;
                case 4:
                    input.Skip(sizeof(double));
                    break;
                case 5:
                    input.SkipString();
                    break;
                default:
                    throw new RdbException(at, "a module's data is broken");
            }
        }
    }

    private void ReadString(RedisValue? into)
    {
        if (into is null)
        {
            input.SkipString();
            return;
        }

        input.String(_first, RedisValue.BytesMax);
        if (_first.SkippedBytes >= 0)
        {
            into.AddSkipped(_first.SkippedBytes);
        }
        else
        {
            into.AddString(_first.Span);
        }
    }

    private void ReadElements(RedisValue? into)
    {
        switch (_type)
        {
            case RdbType.ListZiplist:
                ReadPack(RedisPackForm.Ziplist, into);
                return;
            case RdbType.SetListpack:
                ReadPack(RedisPackForm.Listpack, into);
                return;
            case RdbType.SetIntset:
                ReadPack(RedisPackForm.Intset, into);
                return;
        }

        for (long left = input.Count(); left > 0; left--)
        {
            switch (_type)
            {
                case RdbType.ListQuicklist:
                    ReadPack(RedisPackForm.Ziplist, into);
                    break;
                case RdbType.ListQuicklist2 when IsPacked():
                    ReadPack(RedisPackForm.Listpack, into);
                    break;
                default:
                    Text(_first, into);
                    into?.AddElement(_first.Item);
                    break;
            }
        }
    }

    /// <summary>A node of a list is one large element, or some small ones.</summary>
    private bool IsPacked()
    {
        long at = input.Position;
        return input.Length() switch
        {
            1 => false,
            2 => true,
            _ => throw new RdbException(at, "a part of a list is broken"),
        };
    }

    private void ReadPack(RedisPackForm form, RedisValue? into)
    {
        long at = input.Position;
        if (!Pack(into))
        {
            return;
        }

        try
        {
            RedisPack pack = new(form, _first.Span);
            while (pack.TryNext(out RedisItem item))
            {
                into!.AddElement(item);
            }
        }
        catch (RedisPackException broken)
        {
            throw Broken(at, form, broken);
        }
    }

    private void ReadScored(RedisValue? into)
    {
        if (_type is RdbType.SortedSetZiplist or RdbType.SortedSetListpack)
        {
            RedisPackForm form = _type == RdbType.SortedSetZiplist ? RedisPackForm.Ziplist : RedisPackForm.Listpack;
            ReadPairs(form, into, static (value, member, score, pack) => value.AddScored(
                member,
                score.IsNumber ? score.Number
                    : RedisValue.TryScore(score.Text, out double known) ? known : throw pack.Broken()));
            return;
        }

        for (long left = input.Count(); left > 0; left--)
        {
            Text(_first, into);
            long at = input.Position;
            double score = _type == RdbType.SortedSet2
                ? BinaryPrimitives.ReadDoubleLittleEndian(input.Bytes(sizeof(double))) : OldScore(at);
            into?.AddScored(_first.Item, score);
        }
    }

    private double OldScore(long at)
    {
        byte length = input.Byte();
        return length switch
        {
            253 => double.NaN,
            254 => double.PositiveInfinity,
            255 => double.NegativeInfinity,
            _ => RedisValue.TryScore(input.Bytes(length), out double score)
                ? score : throw new RdbException(at, "a score is no number"),
        };
    }

    private void ReadHash(RedisValue? into, long now)
    {
        switch (_type)
        {
            case RdbType.HashZipmap or RdbType.HashZiplist or RdbType.HashListpack:
                ReadPairs(
                    _type switch
                    {
                        RdbType.HashZipmap => RedisPackForm.Zipmap,
                        RdbType.HashZiplist => RedisPackForm.Ziplist,
                        _ => RedisPackForm.Listpack,
                    },
                    into,
                    static (value, field, text, _) => value.AddField(field, text));
                return;
            case RdbType.HashListpackTimed:
                // When the first of its fields expires.
                input.Skip(sizeof(long));
                ReadTimed(into, now);
                return;
            case RdbType.HashListpackTimedOld:
                ReadTimed(into, now);
                return;
        }

        bool isTimed = _type is RdbType.HashMetadata or RdbType.HashMetadataOld;

        // Times of fields are counted from the first, and one more: 0 is never.
        ulong since = _type == RdbType.HashMetadata ? (ulong)input.Int64() - 1 : 0;
        for (long left = input.Count(); left > 0; left--)
        {
            ulong expires = isTimed ? input.Length() : 0;
            Text(_first, into);
            Text(_second, into);
            if (expires == 0 || (long)(since + expires) > now)
            {
                into?.AddField(_first.Item, _second.Item);
            }
        }
    }

    /// <summary>Fields with their values and when they expire; 0 for never.</summary>
    private void ReadTimed(RedisValue? into, long now)
    {
        long at = input.Position;
        if (!Pack(into))
        {
            return;
        }

        try
        {
            RedisPack pack = new(RedisPackForm.Listpack, _first.Span);
            while (pack.TryNext(out RedisItem field))
            {
                RedisItem text = pack.Next();
                long expires = pack.NextNumber();
                if (expires == 0 || expires > now)
                {
                    into!.AddField(field, text);
                }
            }
        }
        catch (RedisPackException broken)
        {
            throw Broken(at, RedisPackForm.Listpack, broken);
        }
    }

    private void ReadPairs(RedisPackForm form, RedisValue? into, PairTaker take)
    {
        long at = input.Position;
        if (!Pack(into))
        {
            return;
        }

        try
        {
            RedisPack pack = new(form, _first.Span);
            while (pack.TryNext(out RedisItem first))
            {
                take(into!, first, pack.Next(), pack);
            }
        }
        catch (RedisPackException broken)
        {
            throw Broken(at, form, broken);
        }
    }

    private void ReadStream(RedisValue? into)
    {
        for (long left = input.Count(); left > 0; left--)
        {
            long at = input.Position;
            Text(_second, into);
            if (into is not null && _second.Span.Length != StreamIdBytes)
            {
                throw new RdbException(at, "a part of a stream begins with no id");
            }

            at = input.Position;
            if (Pack(into))
            {
                try
                {
                    ReadEntries(into!);
                }
                catch (RedisPackException broken)
                {
                    throw Broken(at, RedisPackForm.Listpack, broken);
                }
            }
        }

        // How many there are, and the last id; then, since Redis 7, the first, the greatest deleted one, how many ever.
        SkipLengths(_type == RdbType.Stream ? 3 : 8);
        SkipGroups();
    }

    private void ReadEntries(RedisValue into)
    {
        const long Deleted = 1;
        const long SameFields = 2;
        ulong milliseconds = BinaryPrimitives.ReadUInt64BigEndian(_second.Span);
        ulong sequence = BinaryPrimitives.ReadUInt64BigEndian(_second.Span[sizeof(ulong)..]);
        RedisPack pack = new(RedisPackForm.Listpack, _first.Span);

        // How many are there and deleted, and the fields that most of them have.
        pack.NextNumber();
        pack.NextNumber();
        int fields = Fields(pack.NextNumber(), pack);
        for (int i = 0; i < fields; i++)
        {
            if (i == _fields.Count)
            {
                _fields.Add(new RdbText());
            }

            Keep(pack.Next(), _fields[i]);
        }

        pack.NextNumber();
        while (pack.TryNext(out RedisItem flags))
        {
            long known = flags.IsNumber ? flags.Number : throw pack.Broken();
            ulong ms = milliseconds + (ulong)pack.NextNumber();
            ulong seq = sequence + (ulong)pack.NextNumber();
            bool isSame = (known & SameFields) != 0;
            int count = isSame ? fields : Fields(pack.NextNumber(), pack);
            bool isThere = (known & Deleted) == 0;
            if (isThere)
            {
                into.AddEntry(ms, seq);
            }

            for (int i = 0; i < count; i++)
            {
                RedisItem field = isSame ? _fields[i].Item : pack.Next();
                RedisItem text = pack.Next();
                if (isThere)
                {
                    into.AddEntryField(field, text);
                }
            }

            // For readers that go backwards.
            pack.NextNumber();
        }
    }

    private static void Keep(RedisItem item, RdbText into)
    {
        Span<byte> digits = stackalloc byte[20];
        int length = 0;
        if (item.IsNumber)
        {
            System.Buffers.Text.Utf8Formatter.TryFormat(item.Number, digits, out length);
        }

        ReadOnlySpan<byte> text = item.IsNumber ? digits[..length] : item.Text;
        text.CopyTo(into.Take(text.Length));
    }

    private int Fields(long count, RedisPack pack) =>
        count >= 0 && count <= _first.Span.Length ? (int)count : throw pack.Broken();

    /// <summary>Who reads a stream and how far: of no use without the server.</summary>
    private void SkipGroups()
    {
        for (long groups = input.Count(); groups > 0; groups--)
        {
            input.SkipString();
            SkipLengths(_type == RdbType.Stream ? 2 : 3);
            for (long pending = input.Count(); pending > 0; pending--)
            {
                input.Skip(StreamIdBytes + sizeof(long));
                input.Length();
            }

            for (long consumers = input.Count(); consumers > 0; consumers--)
            {
                input.SkipString();
                input.Skip(_type == RdbType.Stream3 ? 2 * sizeof(long) : sizeof(long));
                for (long pending = input.Count(); pending > 0; pending--)
                {
                    input.Skip(StreamIdBytes);
                }
            }
        }
    }

    private void SkipLengths(int count)
    {
        for (int i = 0; i < count; i++)
        {
            input.Length();
        }
    }

    /// <summary>False when it was passed over.</summary>
    private bool Pack(RedisValue? into)
    {
        long at = input.Position;
        Text(_first, into, RdbInput.StringBytesMax);
        return _first.SkippedBytes < 0 ? into is not null
            : throw new RdbException(at, $"a packed collection of {_first.SkippedBytes} bytes");
    }

    private void Text(RdbText text, RedisValue? into, long most = RedisValue.BytesMax)
    {
        if (into is null)
        {
            input.SkipString();
            text.Take(0);
        }
        else
        {
            input.String(text, most);
        }
    }

    private static RdbException Broken(long at, RedisPackForm form, RedisPackException broken) => new(
        at,
        string.Create(
            CultureInfo.InvariantCulture,
            $"the {form.ToString().ToLowerInvariant()} that begins here is broken at its byte {broken.At}"));

    private delegate void PairTaker(
        RedisValue value, scoped RedisItem first, scoped RedisItem second, scoped RedisPack pack);

    /// <summary>Types of values, by their number in the file.</summary>
    private enum RdbType : byte
    {
        String = 0,
        List = 1,
        Set = 2,
        SortedSet = 3,
        Hash = 4,
        SortedSet2 = 5,
        Module = 7,
        HashZipmap = 9,
        ListZiplist = 10,
        SetIntset = 11,
        SortedSetZiplist = 12,
        HashZiplist = 13,
        ListQuicklist = 14,
        Stream = 15,
        HashListpack = 16,
        SortedSetListpack = 17,
        ListQuicklist2 = 18,
        Stream2 = 19,
        SetListpack = 20,
        Stream3 = 21,
        HashMetadataOld = 22,
        HashListpackTimedOld = 23,
        HashMetadata = 24,
        HashListpackTimed = 25,
    }
}
