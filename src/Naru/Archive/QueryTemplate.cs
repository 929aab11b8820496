using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;

namespace Naru.Archive;

/// <summary>A value is missing, or none of its type.</summary>
internal sealed class ParameterException(string parameter, string message, string hint) : Exception(message)
{
    public string Parameter { get; } = parameter;

    public string Hint { get; } = hint;
}

/// <summary>
/// A statement with places to fill in: `{{name}}`, `{{name:type}}`, `{{name:type=default}}`. Values go in as literals.
/// Texts, quoted names and comments are left as they are. The console's `parameters.js` reads the same.
/// </summary>
internal sealed partial class QueryTemplate
{
    private readonly ImmutableArray<(int Start, int End, string? Name)> _parts;

    private QueryTemplate(
        string text, ImmutableArray<(int, int, string?)> parts, ImmutableArray<QueryParameter> parameters) =>
        (Text, _parts, Parameters) = (text, parts, parameters);

    public string Text { get; }

    /// <summary>Each once, in the order of their first place.</summary>
    public ImmutableArray<QueryParameter> Parameters { get; }

    /// <param name="text">The statement.</param>
    /// <param name="declared">What is said of parameters elsewhere; what a place says itself goes before.</param>
    public static QueryTemplate Read(string text, IReadOnlyCollection<QueryParameter> declared)
    {
        ImmutableArray<(int, int, string?)>.Builder parts = ImmutableArray.CreateBuilder<(int, int, string?)>();
        List<string> names = [];
        Dictionary<string, (ParameterType? Type, string? Default)> said = new(StringComparer.Ordinal);
        int start = 0;
        int at = 0;
        while (at < text.Length)
        {
            Match place = Place().Match(text, at);
            if (!place.Success)
            {
                Match closed = Closed().Match(text, at);
                at += closed.Success ? closed.Length : 1;
                continue;
            }

            parts.Add((start, at, null));
            string name = place.Groups[1].Value;
            parts.Add((at, at + place.Length, name));
            at = start = at + place.Length;
            if (!said.TryGetValue(name, out (ParameterType? Type, string? Default) known))
            {
                names.Add(name);
            }

            said[name] = (
                known.Type ?? QueryParameter.TypeNamed(place.Groups[2].Value),
                known.Default ?? (place.Groups[3].Success ? place.Groups[3].Value : null));
        }

        parts.Add((start, text.Length, null));
        return new QueryTemplate(text, parts.ToImmutable(), [.. names.Select(Merged)]);

        QueryParameter Merged(string name)
        {
            QueryParameter? elsewhere = declared.FirstOrDefault(each => each.Name == name);
            return new QueryParameter(
                name,
                said[name].Type ?? elsewhere?.Type ?? QueryParameter.Guess(name),
                said[name].Default ?? elsewhere?.Default);
        }
    }

    /// <summary>The statement to ask. A value that is not given is its default.</summary>
    /// <exception cref="ParameterException">One is missing or wrong.</exception>
    public string Fill(IReadOnlyDictionary<string, string> values, DateTimeOffset now, TimeZoneInfo zone)
    {
        Dictionary<string, string> literals = Parameters.ToDictionary(
            static parameter => parameter.Name,
            parameter =>
            {
                string given = values.GetValueOrDefault(parameter.Name) ?? parameter.Default
                    ?? throw new ParameterException(
                        parameter.Name,
                        $"'{parameter.Name}' has no value",
                        $"give it {QueryParameter.ExampleOf(parameter.Type)}");
                string resolved = parameter.Resolve(given, now, zone) ?? throw new ParameterException(
                    parameter.Name,
                    $"'{parameter.Name}' is '{given}'",
                    $"give it {QueryParameter.ExampleOf(parameter.Type)}");
                return parameter.Literal(resolved);
            },
            StringComparer.Ordinal);
        return Write(name => literals[name]);
    }

    /// <summary>
    /// With some value of the right type in each place, as long as the place where it can be: what is wrong with the
    /// statement is found at the place where it is written.
    /// </summary>
    public string Example() => string.Concat(_parts.Select(part =>
    {
        string written = Text[part.Start..part.End];
        return part.Name is not { } name ? written
            : Parameters.First(parameter => parameter.Name == name).Type switch
            {
                ParameterType.Number => "1",
                ParameterType.Date => "DATE '2000-01-01'",
                ParameterType.Time => "TIMESTAMP '2000-01-01 00:00'",
                _ => "'x'",
            } is { } literal ? literal.PadRight(written.Length) : written;
    }));

    private string Write(Func<string, string> literal)
    {
        StringBuilder sql = new(Text.Length + 64);
        foreach ((int start, int end, string? name) in _parts)
        {
            sql.Append(name is null ? Text[start..end] : literal(name));
        }

        return sql.ToString();
    }

    [GeneratedRegex(@"\G\{\{\s*([A-Za-z_][A-Za-z0-9_]*)\s*(?::\s*(text|number|date|time)\s*)?(?:=([^}]*))?\}\}")]
    private static partial Regex Place();

    [GeneratedRegex(@"\G(?:'(?:[^']|'')*'?|""(?:[^""]|"""")*""?|--[^\n]*|/\*[\s\S]*?(?:\*/|\z))")]
    private static partial Regex Closed();
}
