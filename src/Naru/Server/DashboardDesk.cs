using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Archive;
using Naru.Query;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>Dashboards. What their tiles ask runs with the rights of who looks.</summary>
internal sealed class DashboardDesk(
    Shelf<Dashboard> dashboards,
    Shelf<SavedQuery> queries,
    ArchiveRights rights,
    QueryService service,
    ILogger<DashboardDesk> logger)
    : ArchiveDesk<Dashboard>(dashboards, rights, logger)
{
    protected override string Noun => "dashboard";

    protected override string ListKey => "dashboards";

    protected override int BytesMax => YamlText.BytesMax;

    protected override JsonObject About(Shelved<Dashboard> file) => ArchiveJson.About(file);

    protected override void Add(JsonObject answer, Shelved<Dashboard> file, Principal principal)
    {
        answer["parameters"] = ArchiveJson.Parameters(file.Content.Parameters);
        answer["tiles"] = new JsonArray(
            [.. file.Content.Tiles.Select(tile => (JsonNode)ArchiveJson.Of(tile, Query(tile, principal)))]);
    }

    protected override async Task<Dashboard?> ReadAsync(
        string name, byte[] text, Principal principal, MistakeList mistakes, CancellationToken cancellationToken)
    {
        string path = $"{Dashboard.Folder}/{name}{Dashboard.Extension}";
        Dashboard? dashboard = DashboardFile.Read(path, name, text, mistakes);
        foreach ((int index, Tile tile) in (dashboard?.Tiles ?? []).Index())
        {
            if (tile.Query is not null && Query(tile, principal) is null)
            {
                mistakes.Add(new Mistake(
                    path,
                    tile.Line,
                    tile.Column,
                    $"tile {index + 1}: there is no saved query {tile.Query}",
                    "the page Archive lists those that you may see"));
            }
            else if (tile.Sql is not null && await QueryDesk
                .FaultAsync(service, tile.Sql, principal, cancellationToken).ConfigureAwait(false) is { } error)
            {
                string place = error.Line is null ? "" : $" (line {error.Line} of its statement)";
                mistakes.Add(new Mistake(
                    path, tile.Line, tile.Column, $"tile {index + 1}: {error.Message}{place}", error.Hint ?? ""));
            }
        }

        return dashboard;
    }

    private SavedQuery? Query(Tile tile, Principal principal) =>
        tile.Query is not null && queries.Current.TryGetValue(tile.Query, out Shelved<SavedQuery>? query)
        && Rights.MaySee(principal, query.Content) ? query.Content : null;
}
