using System.Collections.Immutable;
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

    /// <summary>Instead of a tier: nothing is pinned any more.</summary>
    private const string Rules = "rules";

    public static void MapTiers(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/tiers", List).Needs(Permission.Administer)
            .WithSummary("What of each table is on which volume, what it costs, and what would move next and why.");
        routes.MapPost("/v1/tiers/moves", MoveAsync).Needs(Permission.Administer)
            .WithSummary(
                "Moves what is due between volumes, or pins days of a table to a tier and moves them there; answers "
                + "with lines of JSON as it goes on.");
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
                ["pins"] = new JsonArray(
                [
                    .. book.Pins.Current.Where(pin => string.IsNullOrEmpty(only) || pin.Table == only)
                        .Select(static pin => (JsonNode)About(pin)),
                ]),
            });

        TableTally Tally((TableName Name, DeltaTable Table) table) => new(
            table.Name,
            table.Table.Current.Files.ToLookup(file => book.Volumes.TierOf(file.Path)));
    }

    private static async Task MoveAsync(
        HttpContext http, TierBook book, LakeTables tables, LakeMaintenance maintenance)
    {
        IResult? refusal = AccessModule.Refusal(http, out Principal? asking);
        string? only = http.Request.Query["table"];
        if (refusal is null && !string.IsNullOrEmpty(only) && !tables.All().Any(table => Wanted(table.Name, only)))
        {
            refusal = Unknown(only, tables);
        }

        (TierPin Days, bool Stays)? wanted = null;
        refusal ??= Pin(http, book, asking!, ref wanted);
        if (refusal is not null)
        {
            await refusal.ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        http.Response.ContentType = "application/x-ndjson";
        bool dryRun = http.Request.Query["dry_run"] == "true";
        try
        {
            ImmutableArray<TierPin> pins = wanted is { } pin
                ? TierPins.With(book.Pins.Current, pin.Days, pin.Stays) : book.Pins.Current;
            if (wanted is { } now && !dryRun)
            {
                await http.RequestServices.GetRequiredService<IActivity>().RecordAsync(
                    asking!.Name,
                    "tiers.pin",
                    AuditTrail.Detail(
                        ("table", now.Days.Table), ("from", Day(now.Days.From)!), ("to", Day(now.Days.To)!),
                        ("tier", now.Stays ? NameOf(now.Days.Tier) : Rules))).ConfigureAwait(false);
                book.Pins.Set(now.Days, now.Stays);
            }

            JsonArray planned = Moves(book.Plan(pins).Where(move => Wanted(move.Table, only)));
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

    /// <summary>What `from`, `to` and `tier` ask for; nothing without a tier.</summary>
    private static IResult? Pin(
        HttpContext http, TierBook book, Principal asking, ref (TierPin Days, bool Stays)? wanted)
    {
        string text = http.Request.Query["tier"].ToString();
        string[] days = [http.Request.Query["from"].ToString(), http.Request.Query["to"].ToString()];
        if (text.Length == 0)
        {
            return days.All(static day => day.Length == 0) ? null : ServerErrors.BadRequest(
                "days are named, and not where they are to be", "say it: --tier hot, warm, cold or rules");
        }

        string table = http.Request.Query["table"].ToString();
        Tier tier = Tier.Hot;
        if (text != Rules && !TryTier(text, out tier))
        {
            return ServerErrors.BadRequest(
                $"`tier` is \"{text}\"", "write hot, warm or cold, or rules to let the rules decide again");
        }

        if (text != Rules && tier != Tier.Hot && !book.Volumes.Others.Any(volume => volume.Tier == tier))
        {
            return ServerErrors.BadRequest($"there is no {text} volume", $"set tiers.{text} in naru.yaml");
        }

        if (table.Length == 0 || !book.Movable().Any(each => Wanted(each.Name, table)))
        {
            return ServerErrors.BadRequest(
                table.Length == 0 ? "no table is named" : $"the days of {table} are not moved: they stay hot",
                "name a table of a log, a model or a source, such as kr_shop.order");
        }

        DateOnly[] dates = [.. days.Select(DateOf)];
        if (dates.Contains(DateOnly.MinValue) || dates[0] >= dates[1])
        {
            return ServerErrors.BadRequest(
                $"the days are from \"{days[0]}\" to \"{days[1]}\"",
                "write both, the second exclusive: --from 2026-10-01 --to 2026-11-01");
        }

        TimeProvider time = http.RequestServices.GetRequiredService<TimeProvider>();
        wanted = (new TierPin(table, dates[0], dates[1], tier, asking.Name, time.GetUtcNow()), text != Rules);
        return null;
    }

    /// <summary>The first day of all where the text is none.</summary>
    private static DateOnly DateOf(string day) => DateOnly.TryParseExact(
        day, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out DateOnly date)
        ? date : DateOnly.MinValue;

    private static bool TryTier(string text, out Tier tier)
    {
        Tier[] known = [.. Enum.GetValues<Tier>().Where(each => NameOf(each) == text)];
        tier = known.FirstOrDefault();
        return known.Length > 0;
    }

    private static JsonObject About(TierPin pin) => new()
    {
        ["table"] = pin.Table,
        ["from"] = Day(pin.From),
        ["to"] = Day(pin.To),
        ["tier"] = NameOf(pin.Tier),
        ["by"] = pin.By,
        ["at"] = pin.At.ToString("O"),
    };

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
            .GroupBy(static each => (each.Table, each.Move.Day, each.Move.From, each.Move.ToTier, each.Move.Why))
            .Select(static group => (JsonNode)new JsonObject
            {
                ["table"] = group.Key.Table.ToString(),
                ["day"] = Day(group.Key.Day),
                ["from"] = NameOf(group.Key.From),
                ["to"] = NameOf(group.Key.ToTier),
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
