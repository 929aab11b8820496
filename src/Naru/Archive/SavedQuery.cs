using System.Collections.Frozen;
using System.Collections.Immutable;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Archive;

/// <summary>
/// A question that is kept: `queries/NUMBER.sql`, SQL under a header of comments. Its number is that of the ticket that
/// asked for it.
/// </summary>
internal sealed record SavedQuery : IKept
{
    public const string Folder = "queries";
    public const string Extension = ".sql";
    public const int BytesMax = 64 * 1024;

    private const int TagsMax = 20;
    private const int TextMax = 200;

    private static readonly ImmutableArray<string> Keys =
        ["title", "description", "owner", "tags", "chart", "parameters"];

    public required string Number { get; init; }

    public string Title { get; private init; } = "";

    public string Description { get; private init; } = "";

    public string Owner { get; private init; } = "";

    public ImmutableArray<string> Tags { get; private init; } = [];

    public ChartView? Chart { get; private init; }

    /// <summary>Of the whole file, header and all: places are told in it.</summary>
    public QueryTemplate Template { get; private init; } = QueryTemplate.Read("", []);

    /// <summary>Names as SQL might name tables: `kr_shop.order`, and what follows FROM and JOIN.</summary>
    public FrozenSet<string> Names { get; private init; } = [];

    /// <summary>Null, with every mistake noted, when it is not right.</summary>
    public static SavedQuery? Read(string path, string number, byte[] bytes, MistakeList mistakes)
    {
        int before = mistakes.Count;
        if (DefinitionFiles.Text(path, bytes, BytesMax, mistakes) is not { } text)
        {
            return null;
        }

        SqlHeader header = SqlHeader.Read(path, text, Keys, mistakes);
        SavedQuery query = new() { Number = number };
        List<QueryParameter> declared = [];
        foreach (SqlHeaderEntry entry in header.Entries)
        {
            query = query.With(entry, declared, mistakes);
        }

        if (query.Title.Length == 0)
        {
            mistakes.Add(new Mistake(path, "the query has no title", "begin with '-- title: what it answers'"));
        }

        if (string.IsNullOrWhiteSpace(text[header.End..]))
        {
            mistakes.Add(new Mistake(path, "the file holds no statement", "write the SELECT below its header"));
        }

        QueryTemplate template = QueryTemplate.Read(text, declared);
        CheckParameters(path, header, template, declared, mistakes);
        return mistakes.Count > before ? null : query with { Template = template, Names = SqlNames.In(text) };
    }

    private SavedQuery With(SqlHeaderEntry entry, List<QueryParameter> declared, MistakeList mistakes)
    {
        if (entry.Value.Length > (entry.Key is "title" or "owner" ? TextMax : TextMax * 10))
        {
            entry.Mistake(mistakes, $"'{entry.Key}' is too long", "shorten it");
            return this;
        }

        switch (entry.Key)
        {
            case "title":
                return this with { Title = entry.Value };
            case "description":
                return this with { Description = entry.Value };
            case "owner":
                return this with { Owner = entry.Value };
            case "tags":
                ImmutableArray<string> tags =
                    [.. entry.Value.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];
                if (tags.Length > TagsMax)
                {
                    entry.Mistake(mistakes, $"the query has {tags.Length} tags", $"give it at most {TagsMax}");
                }

                return this with { Tags = tags };
            case "chart":
                ChartView? chart = ChartView.Read(entry.Value, out string? fault);
                if (chart is null)
                {
                    entry.Mistake(
                        mistakes,
                        $"the chart {fault}",
                        $"write '-- chart: {ChartView.Example}'; kinds: {string.Join(", ", ChartView.Kinds)}");
                }

                return this with { Chart = chart };
            default:
                declared.AddRange(Declared(entry, mistakes));
                return this;
        }
    }

    /// <summary>`from:date=today-6, to=today`.</summary>
    private static IEnumerable<QueryParameter> Declared(SqlHeaderEntry entry, MistakeList mistakes)
    {
        foreach (string part in entry.Value.Split(
            ',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            string[] sides = part.Split('=', 2, StringSplitOptions.TrimEntries);
            string[] words = sides[0].Split(':', 2, StringSplitOptions.TrimEntries);
            ParameterType? type = words.Length == 1
                ? QueryParameter.Guess(words[0]) : QueryParameter.TypeNamed(words[1]);
            if (type is null)
            {
                entry.Mistake(
                    mistakes, $"'{words[1]}' is no type of a parameter", "write text, number, date or time");
            }
            else
            {
                yield return new QueryParameter(words[0], type.Value, sides.Length == 1 ? null : sides[1]);
            }
        }
    }

    private static void CheckParameters(
        string path, SqlHeader header, QueryTemplate template, List<QueryParameter> declared, MistakeList mistakes)
    {
        SqlHeaderEntry? entry = header.Entries.FirstOrDefault(static entry => entry.Key == "parameters");
        foreach (QueryParameter unused in declared.Where(
            each => template.Parameters.All(parameter => parameter.Name != each.Name)))
        {
            entry!.Mistake(
                mistakes,
                $"the statement has no '{unused.Name}' to fill in",
                $"write {{{{{unused.Name}}}}} where its value belongs, outside quotes, or leave it out here");
        }

        foreach (QueryParameter parameter in template.Parameters)
        {
            if (parameter.Default is { } value
                && parameter.Resolve(value, DateTimeOffset.UnixEpoch, TimeZoneInfo.Utc) is null)
            {
                mistakes.Add(new Mistake(
                    path,
                    $"the default of parameter '{parameter.Name}' is '{value}'",
                    $"write {QueryParameter.ExampleOf(parameter.Type)}"));
            }
        }
    }
}
