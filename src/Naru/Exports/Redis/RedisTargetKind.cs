using System.Collections.Immutable;
using System.Globalization;
using Naru.Configuration;
using Naru.Connections;
using Naru.Models;

namespace Naru.Exports.Redis;

/// <summary>What a row becomes.</summary>
internal enum RedisForm
{
    /// <summary>A hash: the row's columns are its fields.</summary>
    Hash,

    /// <summary>A string: one column, or the row as JSON.</summary>
    String,

    /// <summary>A member of a set: one column.</summary>
    Set,
}

/// <summary>Keys of a Redis.</summary>
internal sealed record RedisTargetDefinition : TargetDefinition
{
    public required string Host { get; init; }

    public required int Port { get; init; }

    public required int Database { get; init; }

    public string User { get; init; } = "";

    /// <summary>A reference.</summary>
    public string Password { get; init; } = "";

    public ConnectionTls Tls { get; init; }

    public RedisForm Form { get; init; }

    /// <summary>The key of a row, with columns in braces: `seller:{seller_id}`.</summary>
    public required RedisKey Key { get; init; }

    /// <summary>The column of a string or a set; null for the row as JSON.</summary>
    public string? Value { get; init; }

    public TimeSpan? Ttl { get; init; }

    public override string Place => string.Create(
        CultureInfo.InvariantCulture, $"{Host}:{Port}/{Database} {Key.Text}");
}

/// <summary>A template of keys: texts, and columns between them.</summary>
/// <param name="Text">As written.</param>
/// <param name="Parts">Text, column, text, column, …</param>
internal sealed record RedisKey(string Text, ImmutableArray<string> Parts)
{
    public IEnumerable<string> Columns => Parts.Where(static (_, i) => i % 2 == 1);

    /// <summary>Null when its braces do not match.</summary>
    public static RedisKey? TryRead(string text)
    {
        List<string> parts = [];
        int at = 0;
        while (text.IndexOf('{', at) is >= 0 and int open)
        {
            int close = text.IndexOf('}', open);
            if (close < open + 2)
            {
                return null;
            }

            parts.Add(text[at..open]);
            parts.Add(text[(open + 1)..close]);
            at = close + 1;
        }

        parts.Add(text[at..]);
        return new RedisKey(text, [.. parts]);
    }

    public string Of(Func<string, string> cell) =>
        string.Concat(Parts.Select((part, i) => i % 2 == 1 ? cell(part) : part));
}

/// <summary>`kind: redis`.</summary>
internal sealed class RedisTargetKind : ITargetKind
{
    private const int DefaultPort = 6379;

    public string Name => "redis";

    public ImmutableArray<ExportMode> Modes { get; } = [ExportMode.Upsert, ExportMode.Mirror];

    public ImmutableArray<string> Keys { get; } =
        ["host", "port", "database", "user", "password", "tls", "as", "key", "value", "ttl"];

    public TargetDefinition Read(ConnectionReader reader)
    {
        string text = reader.Yaml.RequiredText("key", "write the key of a row: seller:{seller_id}") ?? "";
        RedisKey? key = RedisKey.TryRead(text);
        if (key is null || (text.Length > 0 && !key.Columns.Any()))
        {
            reader.Yaml.Mistake(
                reader.Yaml.Find("key")!, $"'key' is '{text}'", "write columns in braces: seller:{seller_id}");
        }

        RedisForm form = reader.Yaml.Word("as", "hash", "string", "set") switch
        {
            "string" => RedisForm.String,
            "set" => RedisForm.Set,
            _ => RedisForm.Hash,
        };
        string? value = reader.Yaml.Text("value");
        if ((form == RedisForm.Set && value is null) || (form == RedisForm.Hash && value is not null))
        {
            reader.Yaml.Mistake(
                reader.Yaml.Find("value") ?? reader.Yaml.Mapping,
                form == RedisForm.Set ? "a set has no 'value'" : "a hash has all columns",
                form == RedisForm.Set ? "write the column of its members" : "leave 'value' out");
        }

        return new RedisTargetDefinition
        {
            Kind = Name,
            Host = reader.Host(),
            Port = reader.Port(DefaultPort),
            Database = (int)reader.Number("database", 0, 1_000_000, 0),
            User = reader.Yaml.Text("user") ?? "",
            Password = reader.Secret("password"),
            Tls = reader.Tls(),
            Form = form,
            Key = key ?? new RedisKey("", [""]),
            Value = value,
            Ttl = reader.Duration("ttl", TimeSpan.FromDays(3_660)),
        };
    }

    public IExportTarget Open(TargetDefinition target, TargetTools tools)
    {
        RedisTargetDefinition to = (RedisTargetDefinition)target;
        string password = "";
        if (to.Password.Length > 0)
        {
            password = SecretReference.Read(to.Password, tools.Files, tools.Root, out string problem)
                ?? throw new FillException($"the password of the target is not known: {problem}");
        }

        return new RedisTarget(to, password);
    }
}
