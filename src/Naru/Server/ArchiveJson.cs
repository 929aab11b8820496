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

    public static JsonObject About(Shelved<Dashboard> file)
    {
        Dashboard content = file.Content;
        SavedVersion newest = file.Versions[^1];
        return new JsonObject
        {
            ["name"] = file.Name,
            ["title"] = content.Title,
            ["description"] = content.Description,
            ["owner"] = content.Owner,
            ["tags"] = Texts(content.Tags),
            ["kind"] = content.IsForm ? "form" : "dashboard",
            ["refresh"] = content.Refresh?.TotalSeconds,
            ["version"] = newest.Version,
            ["saved_at"] = newest.SavedAt.ToString("O"),
            ["saved_by"] = newest.SavedBy,
            ["problem"] = file.Problem.Length == 0 ? null : file.Problem,
        };
    }

    /// <summary>A tile with the statement that it asks; `query` is null where the caller may not see it.</summary>
    public static JsonObject Of(Tile tile, SavedQuery? query) => new()
    {
        ["title"] = tile.Title,
        ["query"] = tile.Query,
        ["query_title"] = query?.Title,
        ["sql"] = tile.Sql?.Text ?? query?.Template.Text,
        ["parameters"] = (tile.Sql ?? query?.Template) is { } template ? Parameters(template) : null,
        ["chart"] = Chart(tile.Chart),
        ["query_chart"] = Chart(query?.Chart),
        ["width"] = tile.Width,
        ["height"] = tile.Height,
        ["problem"] = tile.Sql is null && query is null ? $"there is no saved query {tile.Query}" : null,
    };

    public static JsonArray Parameters(IEnumerable<DashboardParameter> parameters) =>
    [
        .. parameters.Select(static parameter => (JsonNode)new JsonObject
        {
            ["name"] = parameter.Name,
            ["type"] = parameter.Type is { } type ? SettingTable.KeyOf(type.ToString()) : null,
            ["default"] = parameter.Default,
            ["label"] = parameter.Label,
            ["choices"] = Texts(parameter.Choices),
        }),
    ];

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
