using System.Globalization;
using System.Text;
using Naru.Core.Files;

namespace Naru.Redis;

/// <summary>
/// Reads a file that Redis saved (RDB, versions 1 to 12) key by key, in bounded memory. Fails with
/// <see cref="RdbException"/> for a file that is damaged, at the byte where that shows; a wrong checksum shows at its
/// end. Format: Redis's rdb.h and rdb.c.
/// </summary>
internal sealed class RdbReader
{
    private const int VersionMax = 12;
    private const int VersionWithChecksum = 5;
    private const int HeadBytes = 9;
    private const int KeyBytesMax = 16 << 20;

    private readonly RdbInput _input;
    private readonly RdbText _key = new();
    private readonly RdbText _text = new();
    private readonly RdbText _other = new();
    private readonly RdbValueReader _values;
    private bool _isPending;
    private bool _isOver;

    public RdbReader(IFile file, long length)
    {
        _input = new RdbInput(file, length);
        _values = new RdbValueReader(_input);
        ReadOnlySpan<byte> head = _input.Bytes(HeadBytes);
        if (!head.StartsWith("REDIS"u8))
        {
            throw new RdbException(0, "it does not begin with REDIS: it is no RDB file");
        }

        if (!int.TryParse(head[5..], NumberStyles.None, CultureInfo.InvariantCulture, out int version)
            || version is < 1 or > VersionMax)
        {
            throw new RdbException(5, string.Create(
                CultureInfo.InvariantCulture,
                $"its version is '{Encoding.Latin1.GetString(head[5..])}', and versions 1 to {VersionMax} are known"));
        }

        Version = version;
    }

    public int Version { get; }

    /// <summary>Unix seconds: when it was saved; null before the first key, and in files of Redis before 3.2.</summary>
    public long? SavedAt { get; private set; }

    /// <summary>Of Redis, as the file says it.</summary>
    public string ServerVersion { get; private set; } = "";

    public int Database { get; private set; }

    public ReadOnlySpan<byte> Key => _key.Span;

    /// <summary>Unix milliseconds; null for never.</summary>
    public long? ExpiresAt { get; private set; }

    /// <summary>How the value is kept in the file: `listpack`, `intset`.</summary>
    public string Packing => _values.Encoding;

    public long Position => _input.Position;

    /// <summary>
    /// Goes to the next key, whose value is not read yet. False at the end, when the checksum was right.
    /// </summary>
    public bool Next()
    {
        Skip();
        ExpiresAt = null;
        while (!_isOver)
        {
            long at = Position;
            byte code = _input.Byte();
            switch (code)
            {
                case 0xff:
                    End();
                    break;
                case 0xfe:
                    ulong database = _input.Length();
                    Database = database <= int.MaxValue ? (int)database
                        : throw new RdbException(at, "there is no database of that number");
                    break;
                case 0xfd:
                    ExpiresAt = BitConverter.ToInt32(_input.Bytes(sizeof(int))) * 1_000L;
                    break;
                case 0xfc:
                    ExpiresAt = _input.Int64();
                    break;
                case >= 0xf4:
                    Note(at, code);
                    break;
                default:
                    _values.Begin(at, code);
                    _input.String(_key, KeyBytesMax);
                    if (_key.SkippedBytes >= 0)
                    {
                        throw new RdbException(at, $"a key of {_key.SkippedBytes} bytes");
                    }

                    _isPending = true;
                    return true;
            }
        }

        return false;
    }

    /// <summary>Reads the key's value, once.</summary>
    /// <param name="into">Null to pass it over.</param>
    /// <param name="now">Unix milliseconds: fields of hashes that have expired then are not there.</param>
    public void Read(RedisValue? into, long now)
    {
        _isPending = false;
        _values.Read(into, now);
    }

    /// <summary>Passes the key's value over, where it was not read.</summary>
    public void Skip()
    {
        if (_isPending)
        {
            Read(null, 0);
        }
    }

    /// <summary>What is neither key nor value.</summary>
    private void Note(long at, byte code)
    {
        switch (code)
        {
            case 0xfb:
                // Sizes of the tables of this database.
                _input.Length();
                _input.Length();
                break;
            case 0xfa:
                _input.String(_text);
                _input.String(_other);
                Know(_text.Span, _other.Span);
                break;
            case 0xf9:
                // How often the key is used.
                _input.Byte();
                break;
            case 0xf8:
                // How long it was not.
                _input.Length();
                break;
            case 0xf7:
                _values.SkipModuleNote();
                break;
            case 0xf5:
                // A library of functions.
                _input.SkipString();
                break;
            case 0xf4:
                // A slot of a cluster.
                _input.Length();
                _input.Length();
                _input.Length();
                break;
            default:
                throw new RdbException(at, $"0x{code:x2} is not known here");
        }
    }

    private void Know(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (name.SequenceEqual("ctime"u8)
            && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out long seconds))
        {
            SavedAt = seconds;
        }
        else if (name.SequenceEqual("redis-ver"u8) || name.SequenceEqual("valkey-ver"u8))
        {
            ServerVersion = Encoding.UTF8.GetString(value[..Math.Min(value.Length, 64)]);
        }
    }

    private void End()
    {
        _isOver = true;
        if (Version < VersionWithChecksum)
        {
            return;
        }

        ulong counted = _input.Crc();
        long at = Position;
        ulong written = (ulong)_input.Int64();

        // Zero is a server without rdbchecksum.
        if (written != 0 && written != counted)
        {
            throw new RdbException(at, "the checksum is wrong: some byte before is not what was saved");
        }
    }
}
