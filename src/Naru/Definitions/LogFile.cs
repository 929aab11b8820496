using System.Collections.Immutable;
using System.Globalization;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>What a log's file says of a change that would break readers or senders.</summary>
internal sealed record BreakingChange(int Version, string Reason);

/// <summary>
/// One file of `logs/`, read and checked by itself. Numbers (log, version, field ids) are 0: the registry gives them.
/// </summary>
internal sealed record LogFileContent(
    string File, string Text, LogDefinition Log, BreakingChange? Breaking, YamlMapping Root)
{
    public string Sha256 { get; } =
        Convert.ToHexStringLower(
            System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(Text)));

    /// <summary>The node at a path of keys, or the nearest one above it that is there.</summary>
    public YamlNode At(ImmutableArray<string> path)
    {
        YamlNode at = Root;
        YamlMapping? mapping = Root;
        foreach (string key in path)
        {
            int index = mapping is null ? -1 : mapping.Entries.ToList().FindIndex(entry => entry.Key.Text == key);
            if (index < 0)
            {
                break;
            }

            at = mapping!.Entries[index].Key;
            mapping = mapping.Entries[index].Value as YamlMapping;
        }

        return at;
    }
}

/// <summary>Reads a log's file (DESIGN section 2; reference: docs/definitions.md).</summary>
internal sealed class LogFile
{
    public const string Extension = ".yaml";
    private const int FieldCountMax = 500;

    private readonly string _file;
    private readonly MistakeList _mistakes;
    private readonly YamlReader _reader;

    private LogFile(string file, YamlMapping root, MistakeList mistakes)
    {
        _file = file;
        _mistakes = mistakes;
        _reader = new YamlReader(file, root, LogKeys.Log, "the log", mistakes);
    }

    /// <summary>Null when anything in the file is wrong; every mistake is noted.</summary>
    /// <param name="file">Path as the user knows it, `logs/kr_shop.ad_click.yaml`.</param>
    /// <param name="utf8">The file's bytes.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static LogFileContent? Read(string file, ReadOnlySpan<byte> utf8, MistakeList mistakes)
    {
        int before = mistakes.Count;
        YamlMapping? root = YamlText.Parse(file, utf8, mistakes);
        if (root is null)
        {
            return null;
        }

        LogFile reader = new(file, root, mistakes);
        LogDefinition log = reader.Log();
        BreakingChange? breaking = reader.Breaking();
        reader._reader.End();
        return mistakes.Count == before
            ? new LogFileContent(file, System.Text.Encoding.UTF8.GetString(utf8), log, breaking, root)
            : null;
    }

    private LogDefinition Log()
    {
        (string group, string name) = Name();
        LogDefinition defaults = new()
        {
            Id = 0, Version = 0, RegionGroup = group, Name = name, Description = "", Owner = "", Fields = [],
        };
        (bool futureFound, TimeSpan? future) = _reader.Duration("max_future", unlimited: true);
        (bool pastFound, TimeSpan? past) = _reader.Duration("max_past", unlimited: true);
        return defaults with
        {
            Description = _reader.Text("description") ?? "",
            Owner = _reader.Text("owner") ?? "",
            Screen = _reader.Text("screen"),
            Fields = Fields(),
            KeepUnknownFields = _reader.Word("unknown_fields", "keep", "reject") != "reject",
            TimeKey = EventKey("time") ?? defaults.TimeKey,
            SentKey = EventKey("sent") ?? defaults.SentKey,
            IdKeys = IdKeys() ?? defaults.IdKeys,
            MaxFuture = futureFound ? future : defaults.MaxFuture,
            MaxPast = pastFound ? past : defaults.MaxPast,
            LateAfter = _reader.Duration("late_after", unlimited: false).Value ?? defaults.LateAfter,
            Lifetime = Lifetime(),
            PartitionByHour = _reader.Word("partition", "day", "hour") == "hour",
            Retired = _reader.Boolean("retired") ?? false,
        };
    }

    private (string Group, string Name) Name()
    {
        string? text = _reader.RequiredText("log", $"write 'log: {ExampleName()}'");
        if (text is null)
        {
            return ("", "");
        }

        YamlNode at = _reader.Find("log")!;
        string[] parts = text.Split('.');
        if (parts.Length != 2)
        {
            _reader.Mistake(
                at,
                $"the log name '{text}' has {(parts.Length == 1 ? "no '.'" : "more than one '.'")}",
                "a name is region_group.name, as kr_shop.ad_click");
            return ("", "");
        }

        foreach (string part in parts)
        {
            if (LogNames.Fault(part) is { } fault)
            {
                string mend = LogNames.Mended(part) is { } mended
                    ? $"write '{mended}'" : "use lower-case letters, digits and '_'";
                _reader.Mistake(at, $"'{part}' of the log name '{text}' {fault}", mend);
            }
        }

        if (LogNames.ReservedGroups.Contains(parts[0]))
        {
            _reader.Mistake(
                at,
                $"the region group '{parts[0]}' is reserved",
                $"choose another; reserved are {string.Join(", ", LogNames.ReservedGroups)}");
        }

        string expected = text + Extension;
        string actual = Path.GetFileName(_file);
        if (actual != expected)
        {
            _reader.Mistake(at, $"the log '{text}' is in a file named '{actual}'", $"name the file '{expected}'");
        }

        return (parts[0], parts[1]);
    }

    private string ExampleName()
    {
        string stem = Path.GetFileNameWithoutExtension(_file);
        return stem.Split('.').Length == 2 ? stem : "kr_shop.ad_click";
    }

    private ImmutableArray<FieldDefinition> Fields()
    {
        const string Hint = "write 'fields:' and below it, indented, 'user_id: {type: string}'";
        if (_reader.Find("fields") is null)
        {
            _reader.Mistake(_reader.Mapping, "the log has no 'fields'", Hint);
            return [];
        }

        if (_reader.Keys("fields", "'user_id: {type: string}' lines") is not { } mapping)
        {
            return [];
        }

        if (mapping.Entries.Length > FieldCountMax)
        {
            _reader.Mistake(
                mapping,
                $"the log has more than {FieldCountMax} fields",
                "keep what is rarely asked for in one json field");
        }

        ImmutableArray<FieldDefinition>.Builder fields = ImmutableArray.CreateBuilder<FieldDefinition>();
        foreach (YamlEntry entry in mapping.Entries)
        {
            if (FieldReader.Read(_file, entry, _mistakes) is { } field)
            {
                fields.Add(field);
            }
        }

        return fields.ToImmutable();
    }

    private string? EventKey(string key)
    {
        YamlScalar? scalar = _reader.Scalar(key, "a key of the event");
        if (scalar is { Text.Length: 0 })
        {
            _reader.Mistake(scalar, $"'{key}' of the log is empty", "name a key of the event, or leave it out");
            return null;
        }

        return scalar?.Text;
    }

    private ImmutableArray<string>? IdKeys()
    {
        if (_reader.Texts("id", single: true) is not { } items)
        {
            return null;
        }

        ImmutableArray<string> keys = [.. items.Select(static item => item.Text)];
        if (keys.Contains("") || keys.Distinct(StringComparer.Ordinal).Count() != keys.Length)
        {
            _reader.Mistake(_reader.Find("id")!, "'id' of the log has an empty or doubled key", "write each key once");
        }

        return keys;
    }

    private LogLifetime Lifetime()
    {
        LogLifetime defaults = new();
        if (_reader.Keys("lifetime", "{secure: 90d, total: 3y}") is not { } mapping)
        {
            return defaults;
        }

        YamlReader reader = new(_file, mapping, LogKeys.Lifetime, "'lifetime'", _mistakes);
        (bool secureFound, TimeSpan? secure) = reader.Duration("secure", unlimited: true);
        (bool totalFound, TimeSpan? total) = reader.Duration("total", unlimited: true);
        TimeSpan? hot = reader.Duration("hot", unlimited: false).Value;
        TimeSpan? warm = reader.Duration("warm", unlimited: false).Value;
        reader.End();

        // A default never makes a mistake: it gives way to what is written.
        total = totalFound ? total : defaults.Total;
        TimeSpan limit = total ?? TimeSpan.MaxValue;
        secure = secureFound ? secure : Least(defaults.Secure!.Value, limit);
        LogLifetime lifetime = new()
        {
            Secure = secure,
            Total = total,
            Warm = warm ?? Least(hot > defaults.Warm ? hot.Value : defaults.Warm, limit),
            Hot = hot ?? Least(defaults.Hot, warm ?? limit),
        };
        lifetime = lifetime with { Hot = hot ?? Least(lifetime.Hot, lifetime.Warm) };
        CheckOrder(reader, "secure", lifetime.Secure ?? TimeSpan.MaxValue, "total", limit);
        CheckOrder(reader, "hot", lifetime.Hot, "warm", lifetime.Warm);
        CheckOrder(reader, "warm", lifetime.Warm, "total", limit);
        return lifetime;
    }

    private static TimeSpan Least(TimeSpan left, TimeSpan right) => left < right ? left : right;

    private static void CheckOrder(YamlReader reader, string shorter, TimeSpan first, string longer, TimeSpan second)
    {
        if (first > second)
        {
            reader.Mistake(
                reader.Find(shorter) ?? reader.Mapping,
                $"'{shorter}' is longer than '{longer}'",
                $"all data ends with 'total'; make '{shorter}' shorter or '{longer}' longer");
        }

        if (first == TimeSpan.Zero && reader.Find(shorter) is { } node)
        {
            reader.Mistake(node, $"'{shorter}' is zero", "write a duration above zero");
        }
    }

    private BreakingChange? Breaking()
    {
        if (_reader.Keys("breaking_change", "{version: 2, reason: why readers can bear it}") is not { } mapping)
        {
            return null;
        }

        YamlReader reader = new(_file, mapping, LogKeys.BreakingChange, "'breaking_change'", _mistakes);
        string? version = reader.RequiredText("version", "write the number of the version that may break");
        string? reason = reader.RequiredText("reason", "write why readers and senders can bear it");
        reader.End();
        if (version is not null
            && !(int.TryParse(version, NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) && parsed > 1))
        {
            reader.Mistake(
                reader.Find("version")!,
                $"'version' of 'breaking_change' is '{version}'",
                "write a whole number above 1");
            return null;
        }

        if (reason is not null && string.IsNullOrWhiteSpace(reason))
        {
            reader.Mistake(reader.Find("reason")!, "'reason' of 'breaking_change' is empty", "write why");
        }

        return version is null || reason is null
            ? null
            : new BreakingChange(int.Parse(version, CultureInfo.InvariantCulture), reason);
    }
}
