using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.Volumes;
using Naru.Stream;
using Naru.Stream.Tiers;

namespace Naru.Server;

/// <summary>Hot, warm and cold for administrators: what is where, what would move and why, and moves.</summary>
internal static class TierRoutes
{
    private const double Gigabyte = 1e9;

    public static void MapTiers(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/tiers", List).Needs(Permission.Administer)
            .WithSummary("What of each table is on which volume, what it costs, and what would move next and why.");
        routes.MapPost("/v1/tiers/moves", MoveAsync).Needs(Permission.Administer)
            .WithSummary("Moves what is due between volumes; answers with lines of JSON as it goes on.");
    }

    private static IResult List(HttpContext http, TierBook book, LakeTables tables)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        string? only = http.Request.Query["table"];
        TableTally[] tallies = [.. tables.All().Where(table => Wanted(table.Name, only)).Select(Tally)];
        return tallies.Length == 0 && !string.IsNullOrEmpty(only)
            ? Unknown(only, tables)
            : Results.Json(new JsonObject
            {
                ["volumes"] = Volumes(book, tallies),
                ["tables"] = new JsonArray([.. tallies.Select(tally => (JsonNode)About(tally, book))]),
                ["moves"] = Moves(book.Plan().Where(move => Wanted(move.Table, only))),
            });

        TableTally Tally((TableName Name, DeltaTable Table) table) => new(
            table.Name,
            table.Table.Current.Files.ToLookup(file => book.Volumes.TierOf(file.Path)));
    }

    private static async Task MoveAsync(
        HttpContext http, TierBook book, LakeTables tables, LakeMaintenance maintenance)
    {
        IResult? refusal = AccessModule.Refusal(http, out _);
        string? only = http.Request.Query["table"];
        if (refusal is null && !string.IsNullOrEmpty(only) && !tables.All().Any(table => Wanted(table.Name, only)))
        {
            refusal = Unknown(only, tables);
        }

        if (refusal is not null)
        {
            await refusal.ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        http.Response.ContentType = "application/x-ndjson";
        bool dryRun = http.Request.Query["dry_run"] == "true";
        try
        {
            JsonArray planned = Moves(book.Plan().Where(move => Wanted(move.Table, only)));
            await WriteAsync(http, new JsonObject { ["planned"] = planned }).ConfigureAwait(false);
            (int files, long bytes, int problems) = (0, 0, 0);
            await foreach (MovedFiles moved in dryRun
                ? AsyncEnumerable.Empty<MovedFiles>()
                : maintenance.MoveNowAsync(string.IsNullOrEmpty(only) ? null : only, http.RequestAborted))
            {
                files += moved.Report.FilesMoved;
                bytes += moved.Report.BytesMoved;
                problems += moved.Report.Problems.Length;
                await WriteAsync(http, new JsonObject
                {
                    ["table"] = moved.Table.ToString(),
                    ["files"] = moved.Report.FilesMoved,
                    ["bytes"] = moved.Report.BytesMoved,
                    ["problems"] = new JsonArray([.. moved.Report.Problems.Select(static each => (JsonNode)each)]),
                }).ConfigureAwait(false);
            }

            await WriteAsync(http, new JsonObject
            {
                ["summary"] = new JsonObject { ["files"] = files, ["bytes"] = bytes, ["problems"] = problems },
            }).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Whoever asked went away; what was moved stays.
        }
        catch (StorageException exception)
        {
            await WriteAsync(http, new JsonObject { ["error"] = exception.Message }).ConfigureAwait(false);
        }
    }

    private static bool Wanted(TableName name, string? only) =>
        string.IsNullOrEmpty(only) || $"{name.Schema}.{name.Name}" == only;

    private static IResult Unknown(string table, LakeTables tables) => ServerErrors.NotFound(
        $"there is no table \"{table}\" in the lake",
        NearestName.Find(table, tables.All().Select(static each => $"{each.Name.Schema}.{each.Name.Name}")) is { } near
            ? $"did you mean {near}?" : "`naru tiers` lists all");

    private static JsonArray Volumes(TierBook book, TableTally[] tallies)
    {
        JsonArray list = [];
        foreach (VolumeState volume in book.VolumeStates())
        {
            DeltaFile[] files = [.. tallies.SelectMany(tally => tally.Files[volume.Tier])];
            long bytes = files.Sum(static file => file.Bytes);
            list.Add(new JsonObject
            {
                ["tier"] = NameOf(volume.Tier),
                ["place"] = volume.Place,
                ["free_bytes"] = volume.FreeBytes,
                ["fault"] = volume.Fault,
                ["files"] = files.Length,
                ["bytes"] = bytes,
                ["price_per_gb_month"] = volume.Price,
                ["cost_per_month"] = volume.Price is { } price ? Math.Round(price * bytes / Gigabyte, 4) : null,
            });
        }

        return list;
    }

    private static JsonObject About(TableTally tally, TierBook book)
    {
        TierRules? rules = book.RulesOf(tally.Name);
        JsonObject about = new()
        {
            ["table"] = $"{tally.Name.Schema}.{tally.Name.Name}",
            ["column_group"] = tally.Name.Group.ToString().ToLowerInvariant(),
            ["first_day_hot"] = Day(rules?.FirstDayHot),
            ["first_day_warm"] = Day(rules?.FirstDayWarm),
        };
        foreach (Tier tier in Enum.GetValues<Tier>())
        {
            about[NameOf(tier)] = new JsonObject
            {
                ["files"] = tally.Files[tier].Count(),
                ["bytes"] = tally.Files[tier].Sum(static file => file.Bytes),
            };
        }

        return about;
    }

    /// <summary>One line a table, day and way.</summary>
    private static JsonArray Moves(IEnumerable<PlannedMove> moves) => new(
    [
        .. moves
            .GroupBy(static each => (each.Table, each.Move.Day, each.Move.From, each.Move.To.Tier, each.Move.Why))
            .Select(static group => (JsonNode)new JsonObject
            {
                ["table"] = group.Key.Table.ToString(),
                ["day"] = Day(group.Key.Day),
                ["from"] = NameOf(group.Key.From),
                ["to"] = NameOf(group.Key.Tier),
                ["files"] = group.Count(),
                ["bytes"] = group.Sum(static each => each.Move.File.Bytes),
                ["why"] = group.Key.Why,
            }),
    ]);

    private static string? Day(DateOnly? day) => day?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static string NameOf(Tier tier) => tier.ToString().ToLowerInvariant();

    private static async Task WriteAsync(HttpContext http, JsonObject line)
    {
        await http.Response.WriteAsync(line.ToJsonString(ModelJson.Plain) + "\n", http.RequestAborted)
            .ConfigureAwait(false);
        await http.Response.Body.FlushAsync(http.RequestAborted).ConfigureAwait(false);
    }

    private sealed record TableTally(TableName Name, ILookup<Tier, DeltaFile> Files);
}
