using System.Buffers.Text;
using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Core.Events;
using Naru.Lake.Columns;
using Naru.Redis;

namespace Naru.Sources.Redis;

/// <summary>One key, besides its value.</summary>
/// <param name="Database">Its number.</param>
/// <param name="Key">Bytes of any kind.</param>
/// <param name="ExpiresAt">Unix milliseconds; null for never.</param>
internal readonly ref struct RedisKeyRow(int Database, ReadOnlySpan<byte> Key, long? ExpiresAt)
{
    public int Database { get; } = Database;

    public ReadOnlySpan<byte> Key { get; } = Key;

    public long? ExpiresAt { get; } = ExpiresAt;
}

/// <summary>Writes keys with their values into batches, as rows of the columns that are read.</summary>
internal sealed class RedisRows(ImmutableArray<SourceColumn> columns)
{
    private const int RowBytes = 64;

    private readonly RedisText _text = new();
    private readonly (RedisForm Form, ColumnType Type, byte[] Field)[] _columns =
    [
        .. columns.Select(static column => (
            (RedisForm)column.Form, column.Type, Encoding.UTF8.GetBytes(column.Name))),
    ];

    /// <summary>Values that were too large for a cell.</summary>
    public long TooLarge { get; private set; }

    /// <summary>Whether more than the number of elements is asked of values.</summary>
    public bool NeedsValues { get; } = columns.Any(static column =>
        (RedisForm)column.Form is RedisForm.Value or RedisForm.Bytes or RedisForm.Escaped or RedisForm.Field);

    /// <summary>What is told of values that were too large.</summary>
    public void Tell(IRowSink sink)
    {
        SourceColumn? told = columns.FirstOrDefault(static column => (RedisForm)column.Form == RedisForm.Value);
        if (TooLarge > 0 && told is not null)
        {
            sink.Tell(told, $"are null, for they have more than {RedisValue.BytesMax >> 20} MB", TooLarge);
        }
    }

    /// <summary>Gives about how many bytes the row has.</summary>
    public long Append(ColumnBatch batch, RedisKeyRow row, RedisValue value)
    {
        bool escapes = RedisText.NeedsEscapes(row.Key, value);
        TooLarge += value.IsKept ? 0 : 1;
        for (int i = 0; i < _columns.Length; i++)
        {
            (RedisForm form, ColumnType type, byte[] field) = _columns[i];
            ColumnVector into = batch.Columns[i];
            switch (form)
            {
                case RedisForm.Database:
                    Number(into, type, row.Database);
                    break;
                case RedisForm.Key:
                    into.AppendString(_text.Of(row.Key, escapes));
                    break;
                case RedisForm.Type:
                    into.AppendString(TypeOf(value));
                    break;
                case RedisForm.Elements:
                    Number(into, type, value.Shape is RedisShape.String or RedisShape.Module ? null : value.Elements);
                    break;
                case RedisForm.Bytes:
                    Number(into, type, value.Shape == RedisShape.Module ? null : value.Bytes);
                    break;
                case RedisForm.ExpiresAt:
                    Time(into, type, row.ExpiresAt);
                    break;
                case RedisForm.Escaped:
                    Boolean(into, type, escapes);
                    break;
                case RedisForm.Value when value.IsKept && value.Shape != RedisShape.Module:
                    into.AppendString(_text.Of(value, escapes));
                    break;
                case RedisForm.Field when value.IsKept && value.Shape == RedisShape.Hash
                    && FieldOf(value, field) is >= 0 and int part:
                    if (!TryField(into, type, value[part], escapes))
                    {
                        throw NoSuchType(columns[i], row.Key, value[part]);
                    }

                    break;
                default:
                    into.AppendNull();
                    break;
            }
        }

        return RowBytes + row.Key.Length + (value.IsKept ? value.Bytes : 0);
    }

    private static ReadOnlySpan<byte> TypeOf(RedisValue value) => value.Shape switch
    {
        RedisShape.String => "string"u8,
        RedisShape.List => "list"u8,
        RedisShape.Set => "set"u8,
        RedisShape.Hash => "hash"u8,
        RedisShape.SortedSet => "zset"u8,
        RedisShape.Stream => "stream"u8,
        _ => Encoding.UTF8.GetBytes(value.Module),
    };

    private static void Number(ColumnVector into, ColumnType type, long? number)
    {
        if (number is not { } known)
        {
            into.AppendNull();
        }
        else if (type.Kind == ColumnKind.Int32)
        {
            into.AppendInt32((int)known);
        }
        else if (type.Kind == ColumnKind.Int64)
        {
            into.AppendInt64(known);
        }
        else
        {
            into.AppendString(Encoding.UTF8.GetBytes(known.ToString(CultureInfo.InvariantCulture)));
        }
    }

    /// <summary>Redis takes times that no calendar has: those are as good as never.</summary>
    private static void Time(ColumnVector into, ColumnType type, long? milliseconds)
    {
        const long Most = 253_402_300_799_999;
        if (milliseconds is not (>= 0 and <= Most) || milliseconds is not { } known)
        {
            into.AppendNull();
        }
        else if (type.Kind == ColumnKind.Timestamp)
        {
            into.AppendInt64(known * 1_000);
        }
        else
        {
            into.AppendString(Encoding.UTF8.GetBytes(
                DateTime.UnixEpoch.AddMilliseconds(known).ToString(
                    "yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)));
        }
    }

    private static void Boolean(ColumnVector into, ColumnType type, bool value)
    {
        if (type.Kind == ColumnKind.Boolean)
        {
            into.AppendBoolean(value);
        }
        else
        {
            into.AppendString(value ? "true"u8 : "false"u8);
        }
    }

    private static int FieldOf(RedisValue value, ReadOnlySpan<byte> name)
    {
        for (int i = 0; i < value.Parts; i += 2)
        {
            if (value[i].SequenceEqual(name))
            {
                return i + 1;
            }
        }

        return -1;
    }

    private bool TryField(ColumnVector into, ColumnType type, ReadOnlySpan<byte> text, bool escapes)
    {
        switch (type.Kind)
        {
            case ColumnKind.Int64 when Utf8Parser.TryParse(text, out long whole, out int used) && used == text.Length:
                into.AppendInt64(whole);
                return true;
            case ColumnKind.Double when double.TryParse(
                text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number):
                into.AppendDouble(number);
                return true;
            case ColumnKind.Boolean when text is [(byte)'0'] or [(byte)'1']:
                into.AppendBoolean(text[0] == '1');
                return true;
            case ColumnKind.Boolean when Utf8Parser.TryParse(text, out bool known, out int used) && used == text.Length:
                into.AppendBoolean(known);
                return true;
            case ColumnKind.Decimal when ExactNumber.Parse(text, out ExactNumber exact) == NumberText.Number
                && exact.TryScale(type.Scale, out Int128 unscaled)
                && (UInt128)Int128.Abs(unscaled) < ExactNumber.PowerOf10(type.Precision):
                into.AppendDecimal(unscaled);
                return true;
            case ColumnKind.String:
                into.AppendString(_text.Of(text, escapes));
                return true;
            default:
                return false;
        }
    }

    private static SourceException NoSuchType(
        SourceColumn column, ReadOnlySpan<byte> key, ReadOnlySpan<byte> text) => new(
        $"field {column.Name} of key {Short(key)} is '{Short(text)}', which is no {column.Type.Sql}; write "
        + $"`fields: {{{column.Name}: text}}`");

    private static string Short(ReadOnlySpan<byte> text)
    {
        const int Shown = 60;
        return text.Length <= Shown
            ? Encoding.UTF8.GetString(text) : $"{Encoding.UTF8.GetString(text[..Shown])}…";
    }
}
