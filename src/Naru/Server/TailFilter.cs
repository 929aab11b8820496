using System.Collections.Frozen;
using System.Text.Json;
using Naru.Definitions;

namespace Naru.Server;

/// <summary>
/// What of an event one reader sees. With the secure right, all that was sent; without it, only members that are fields
/// and not sensitive, neither in the version that the event came with nor in today's: a key that no definition names
/// may hold anything.
/// </summary>
internal sealed class TailFilter
{
    private readonly FrozenSet<string>? _shown;
    private readonly (string Key, string Value)[] _wanted;

    private TailFilter(FrozenSet<string>? shown, (string Key, string Value)[] wanted)
    {
        _shown = shown;
        _wanted = wanted;
    }

    /// <summary>
    /// Conditions are `field=value`; null when one names no field that the reader may see, which is then
    /// <paramref name="unknown"/>.
    /// </summary>
    public static TailFilter? Create(
        LogDefinition log, bool secure, IEnumerable<string> conditions, out string unknown)
    {
        unknown = "";
        List<(string, string)> wanted = [];
        foreach (string condition in conditions)
        {
            int at = condition.IndexOf('=', StringComparison.Ordinal);
            string name = at < 0 ? condition : condition[..at];
            FieldDefinition? field = log.Fields.FirstOrDefault(each => each.Name == name);
            if (at <= 0 || field is null || (field.Sensitive && !secure))
            {
                unknown = name;
                return null;
            }

            wanted.Add((field.Key, condition[(at + 1)..]));
        }

        FrozenSet<string>? shown = secure
            ? null
            : log.Fields.Where(static field => !field.Sensitive).Select(static field => field.Key).ToFrozenSet();
        return new TailFilter(shown, [.. wanted]);
    }

    /// <summary>As above, for events of another version of the log.</summary>
    public TailFilter Of(LogDefinition version) => _shown is null
        ? this
        : new TailFilter(
            _shown.Except(version.Fields.Where(static field => field.Sensitive).Select(static field => field.Key))
                .ToFrozenSet(),
            _wanted);

    public bool Matches(JsonElement record)
    {
        foreach ((string key, string value) in _wanted)
        {
            bool equal = record.TryGetProperty(key, out JsonElement member)
                && (member.ValueKind == JsonValueKind.String
                    ? member.ValueEquals(value)
                    : member.GetRawText() == value);
            if (!equal)
            {
                return false;
            }
        }

        return true;
    }

    public void Write(Utf8JsonWriter json, JsonElement record)
    {
        json.WriteStartObject();
        foreach (JsonProperty member in record.EnumerateObject())
        {
            if (_shown?.Contains(member.Name) != false)
            {
                member.WriteTo(json);
            }
        }

        json.WriteEndObject();
    }
}
