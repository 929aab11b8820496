using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Naru.Lake.Columns;
using Naru.Yaml;

namespace Naru.Sources.Redis;

/// <summary>What a column of a table of keys holds.</summary>
internal enum RedisForm
{
    Database,
    Key,
    Type,
    Elements,
    Bytes,
    ExpiresAt,
    Escaped,
    Value,

    /// <summary>A field of hashes.</summary>
    Field,
}

/// <summary>Fields of hashes that are columns, in the order of the file.</summary>
internal sealed record RedisTableOptions(ImmutableArray<(string Name, ColumnType Type)> Fields) : SourceTableOptions;

/// <summary>The columns of a table of keys: the same ones always, then the fields that its definition names.</summary>
internal static class RedisColumns
{
    public const string Fields = "fields";
    private const int DecimalDigitsMax = 38;

    private static readonly ImmutableArray<SourceColumn> Always =
    [
        Column("db", "database", ColumnType.Int32, RedisForm.Database),
        Column("key", "key", ColumnType.String, RedisForm.Key),
        Column("type", "type", ColumnType.String, RedisForm.Type),
        Column(
            "elements", "number", ColumnType.Int64, RedisForm.Elements, "fields, members or entries; null for strings"),
        Column("bytes", "size", ColumnType.Int64, RedisForm.Bytes, "of the texts in the value"),
        Column("expires_at", "time", ColumnType.Timestamp, RedisForm.ExpiresAt),
        Column(
            "escaped", "yes or no", ColumnType.Boolean, RedisForm.Escaped,
            "true where bytes are no UTF-8: they stand as \\xHH, a backslash as \\\\"),
        Column("value", "value", ColumnType.String, RedisForm.Value, "a string as it is, else JSON"),
    ];

    /// <param name="name">A pattern of keys.</param>
    /// <param name="options">What the source's file says of it.</param>
    /// <param name="met">Fields that some hashes were seen to have, for whoever has not named any.</param>
    public static SourceTable Table(
        SourceTableName name, SourceTableOptions? options, RedisFieldNames? met = null) => new()
        {
            Name = name,
            Key = ["db", "key"],
            Columns =
        [
            .. Always.Select(column => column.Form == (int)RedisForm.Value && met is { IsEmpty: false }
                ? column with { Note = $"{column.Note}; hashes have {met}: `{Fields}` makes columns of them" }
                : column),
            .. ((options as RedisTableOptions)?.Fields ?? []).Select(static field =>
                Column(field.Name, "field", field.Type, RedisForm.Field)),
        ],
        };

    public static SourceColumn? ReadAs(SourceColumn column, ColumnType type) =>
        column.Type == type || type.Kind == ColumnKind.String || column.Form == (int)RedisForm.Field
            ? column with { Type = type } : null;

    /// <summary>Reads `fields` of a table; mistakes are noted.</summary>
    public static RedisTableOptions Read(YamlReader reader)
    {
        ImmutableArray<(string, ColumnType)>.Builder fields = ImmutableArray.CreateBuilder<(string, ColumnType)>();
        foreach (YamlEntry entry in reader.Keys(Fields, "{name: text, visits: bigint}")?.Entries ?? [])
        {
            string text = (entry.Value as YamlScalar)?.Text ?? "";
            if (TypeOf(text) is { } type)
            {
                fields.Add((entry.Key.Text, type));
            }
            else
            {
                reader.Mistake(
                    entry.Value,
                    $"'{text}' is no type of a field",
                    "write text, bigint, double, boolean or decimal(12,2)");
            }
        }

        return new RedisTableOptions(fields.ToImmutable());
    }

    private static ColumnType? TypeOf(string text)
    {
        const string Decimal = "decimal(";
        if (text.StartsWith(Decimal, StringComparison.Ordinal) && text[^1] == ')')
        {
            string[] parts = text[Decimal.Length..^1].Split(',', StringSplitOptions.TrimEntries);
            return parts.Length == 2
                && int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out int precision)
                && int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int scale)
                && precision is > 0 and <= DecimalDigitsMax && scale <= precision
                ? ColumnType.Decimal(precision, scale) : null;
        }

        return text switch
        {
            "text" => ColumnType.String,
            "bigint" => ColumnType.Int64,
            "double" => ColumnType.Double,
            "boolean" => ColumnType.Boolean,
            _ => null,
        };
    }

    private static SourceColumn Column(
        string name, string server, ColumnType type, RedisForm form, string note = "") => new()
        {
            Name = name,
            ServerType = server,
            Type = type,
            Nullable = form is not (RedisForm.Database or RedisForm.Key or RedisForm.Type or RedisForm.Escaped),
            Note = note,
            Form = (int)form,
        };
}

/// <summary>Which fields hashes have, as far as some of them tell.</summary>
internal sealed class RedisFieldNames
{
    /// <summary>So many hashes are enough to know.</summary>
    public const int HashesMax = 200;

    private const int NamesMax = 1_000;
    private const int ShownMax = 12;

    private readonly Dictionary<string, int> _names = new(StringComparer.Ordinal);

    /// <summary>That were looked at.</summary>
    public int Hashes { get; private set; }

    public bool IsEmpty => _names.Count == 0;

    public void Begin() => Hashes++;

    public void Add(ReadOnlySpan<byte> name)
    {
        if (_names.Count < NamesMax && Utf8.IsValid(name))
        {
            string text = Encoding.UTF8.GetString(name);
            _names[text] = _names.GetValueOrDefault(text) + 1;
        }
    }

    /// <summary>Those that most have.</summary>
    public override string ToString()
    {
        string[] most =
        [
            .. _names.OrderByDescending(static each => each.Value)
                .ThenBy(static each => each.Key, StringComparer.Ordinal)
                .Take(ShownMax)
                .Select(static each => each.Key),
        ];
        return string.Join(", ", most) + (_names.Count > most.Length ? ", …" : "");
    }
}
