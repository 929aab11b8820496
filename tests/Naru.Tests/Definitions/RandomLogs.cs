using System.Collections.Immutable;
using Naru.Definitions;
using Naru.Lake.Columns;

namespace Naru.Tests.Definitions;

/// <summary>Definitions made from a seed: every type and rule, awkward texts among them.</summary>
internal sealed class RandomLogs(int seed)
{
    private static readonly string[] Texts =
    [
        "plain", "two words", "it's: a #text", "'quoted' \"twice\"", "한국어", "tab\there", "- dash", "{brace}", "yes",
        "null", "1.0", "line\nbreak", "*", "&a", "trailing ", "%", "back\\slash", "🙂",
    ];

    private readonly Random _random = new(seed);

    public LogDefinition Next()
    {
        int count = _random.Next(0, 8);
        ImmutableArray<FieldDefinition> fields = [.. Enumerable.Range(0, count).Select(Field)];
        return new LogDefinition
        {
            Id = 0,
            Version = 0,
            RegionGroup = "kr_shop",
            Name = "log_" + _random.Next(100),
            Description = Maybe(Text) ?? "",
            Owner = Maybe(Text) ?? "",
            Fields = fields,
            KeepUnknownFields = Chance(),
            TimeKey = Chance() ? "event_time" : Text(),
            IdKeys = Chance() ? ["event_id", "messageId"] : [Text() + "1", "b"],
            MaxFuture = Chance() ? null : TimeSpan.FromMinutes(_random.Next(1, 99)),
            MaxPast = Chance() ? null : TimeSpan.FromHours(_random.Next(1, 99)),
            LateAfter = TimeSpan.FromSeconds(_random.Next(1, 9999)),
            PartitionByHour = Chance(),
            Retired = Chance(),
            Lifetime = new LogLifetime
            {
                Secure = Chance() ? null : TimeSpan.FromDays(20),
                Total = null,
                Hot = TimeSpan.FromDays(_random.Next(1, 5)),
                Warm = TimeSpan.FromDays(_random.Next(5, 50)),
            },
        };
    }

    private FieldDefinition Field(int index)
    {
        ColumnType[] types =
        [
            ColumnType.Boolean, ColumnType.Int32, ColumnType.Int64, ColumnType.Double, ColumnType.Decimal(18, 6),
            ColumnType.Timestamp, ColumnType.Date, ColumnType.String, ColumnType.Json, ColumnType.StringArray,
        ];
        ColumnType type = types[_random.Next(types.Length)];
        bool text = type.Kind is ColumnKind.String or ColumnKind.StringArray;
        bool number = type.Kind is ColumnKind.Int32 or ColumnKind.Int64 or ColumnKind.Double or ColumnKind.Decimal;
        bool words = text && Chance();
        decimal? min = number ? Maybe(() => (decimal)_random.Next(-100, 0)) : null;
        return new FieldDefinition
        {
            Name = $"f{index}",
            Key = Chance() ? $"f{index}" : Text() + index,
            Type = type,
            FieldId = 0,
            Required = Chance(),
            Sensitive = Chance(),
            Min = min,
            Max = number ? Maybe(() => (decimal)_random.Next(0, 100)) : null,
            Enum = words ? [.. Enumerable.Range(0, _random.Next(1, 4)).Select(_ => Text()).Distinct()] : [],
            Pattern = text && !words && Chance() ? @"^[^\d""']*\z|." : null,
            Length = text && !words && Chance() ? _random.Next(1, 99) : null,
            Description = Chance() ? Text() : "",
        };
    }

    private string Text() => Texts[_random.Next(Texts.Length)];

    private bool Chance() => _random.Next(2) == 0;

    private T? Maybe<T>(Func<T> make)
        where T : struct => Chance() ? make() : null;

    private string? Maybe(Func<string> make) => Chance() ? make() : null;
}
