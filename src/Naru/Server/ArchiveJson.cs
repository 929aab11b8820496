using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Naru.Archive;
using Naru.Configuration;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>What is kept, as HTTP tells of it.</summary>
internal static class ArchiveJson
{
    public static JsonObject About(Shelved<SavedQuery> query)
    {
        SavedQuery content = query.Content;
        SavedVersion newest = query.Versions[^1];
        return new JsonObject
        {
            ["number"] = query.Name,
            ["title"] = content.Title,
            ["description"] = content.Description,
            ["owner"] = content.Owner,
            ["tags"] = Texts(content.Tags),
            ["chart"] = Chart(content.Chart),
            ["parameters"] = Parameters(content.Template),
            ["version"] = newest.Version,
            ["saved_at"] = newest.SavedAt.ToString("O"),
            ["saved_by"] = newest.SavedBy,
            ["problem"] = query.Problem.Length == 0 ? null : query.Problem,
        };
    }

    public static JsonObject Versions<T>(Shelved<T> file, Func<SavedVersion, byte[]?> read)
        where T : class => new()
        {
            ["name"] = file.Name,
            ["versions"] = new JsonArray([.. file.Versions.Reverse().Select(version => (JsonNode)new JsonObject
        {
            ["version"] = version.Version,
            ["saved_at"] = version.SavedAt.ToString("O"),
            ["saved_by"] = version.SavedBy,
            ["sha256"] = version.Sha256,
            ["text"] = read(version) is { } text ? Encoding.UTF8.GetString(text) : null,
        })]),
        };

    public static JsonArray Mistakes(MistakeList mistakes) =>
    [
        .. mistakes.Sorted().Select(static mistake => (JsonNode)new JsonObject
        {
            ["file"] = mistake.File,
            ["line"] = mistake.Line,
            ["column"] = mistake.Column,
            ["message"] = mistake.Message,
            ["hint"] = mistake.Hint,
        }),
    ];

    public static JsonObject? Chart(ChartView? chart) => chart is null ? null : new JsonObject
    {
        ["kind"] = chart.Kind,
        ["x"] = chart.X,
        ["y"] = Texts(chart.Y),
        ["group"] = chart.Group,
    };

    public static JsonArray Parameters(QueryTemplate template) =>
    [
        .. template.Parameters.Select(static parameter => (JsonNode)new JsonObject
        {
            ["name"] = parameter.Name,
            ["type"] = SettingTable.KeyOf(parameter.Type.ToString()),
            ["default"] = parameter.Default,
        }),
    ];

    public static JsonArray Texts(IEnumerable<string> texts) =>
        [.. texts.Select(static text => (JsonNode)text)];

    public static IResult Answer(JsonObject answer) =>
        Results.Text(answer.ToJsonString(DefinitionsJson.Readable), "application/json");
}
