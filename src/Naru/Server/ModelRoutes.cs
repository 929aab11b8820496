using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Naru.Access;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Ledger;
using Naru.Models;
using Naru.Sources;
using Naru.State;

namespace Naru.Server;

/// <summary>Models for administrators: what there is, how their intervals stand, and runs.</summary>
internal static class ModelRoutes
{
    private const int ParallelMax = 64;

    public static void MapModels(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/models", ListAsync).Needs(Permission.Administer)
            .WithSummary("Lists models, snapshots and aggregates with how many of their intervals stand how.");
        routes.MapGet("/v1/models/{name}/intervals", IntervalsAsync).Needs(Permission.Administer)
            .WithSummary("How each interval of a model stands, and why.");
        routes.MapPost("/v1/models/{name}/runs", RunAsync).Needs(Permission.Administer)
            .WithSummary("Fills intervals of a model; answers with lines of JSON as it goes on.");
    }

    private static async Task<IResult> ListAsync(HttpContext http, ScheduledThings things, ModelPlanner planner,
        TimeProvider time)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        JsonArray models = [];
        JsonArray snapshots = [];
        JsonArray aggregates = [];
        foreach (IScheduled thing in things.All)
        {
            JsonObject counts = await CountsAsync(thing, planner, Now(time), http.RequestAborted).ConfigureAwait(false);
            if (thing is ModelDefinition model)
            {
                models.Add(ModelJson.About(model, planner, counts));
            }
            else if (thing is SnapshotDefinition snapshot)
            {
                snapshots.Add(ModelJson.About(snapshot, planner, counts));
            }
            else if (thing is AggregateIntervals aggregate)
            {
                aggregates.Add(ModelJson.About(aggregate, planner, counts));
            }
        }

        return Results.Json(new JsonObject
        {
            ["models"] = models, ["snapshots"] = snapshots, ["aggregates"] = aggregates,
        });
    }

    /// <summary>How many of a thing's intervals that are over, or that the ledger knows, stand how.</summary>
    internal static async Task<JsonObject> CountsAsync(
        IScheduled thing, ModelPlanner planner, long now, CancellationToken cancellationToken)
    {
        IReadOnlyList<IntervalView> views = await planner
            .ViewKnownAsync(thing, planner.StartOf(thing), now, cancellationToken).ConfigureAwait(false);
        JsonObject counts = [];
        foreach (IntervalStatus status in Enum.GetValues<IntervalStatus>())
        {
            counts[ModelJson.NameOf(status)] = views.Count(
                view => view.Status == status && (view.Interval.End <= now || view.Entry is not null));
        }

        return counts;
    }

    private static async Task<IResult> IntervalsAsync(
        string name, HttpContext http, ScheduledThings things, ModelPlanner planner, IntervalLedger ledger)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        if (Find(name, things) is not { } model)
        {
            return Unknown(name, things);
        }

        long now = Now(http.RequestServices.GetRequiredService<TimeProvider>());
        long? start = planner.StartOf(model);
        (long from, long to) = (long.MinValue, long.MaxValue);
        if (Range(http.Request.Query, planner.Calendar, ref from, ref to) is { } wrong)
        {
            return wrong;
        }

        long? first = start ?? (ledger.Of(model.Thing, model.Every) is [var known, ..] ? known.Interval.First : null);
        IReadOnlyList<IntervalView> views = await (from == long.MinValue
            ? planner.ViewKnownAsync(model, first, Math.Min(to, now), http.RequestAborted)
            : planner.ViewAsync(model, from, Math.Min(to, now), http.RequestAborted)).ConfigureAwait(false);
        return Results.Json(new JsonObject
        {
            ["model"] = model.Name,
            ["note"] = start <= now ? null
                : start is { } later ? $"it starts at {planner.Calendar.TimeOf(later)}"
                : model.Live is not null ? "none of its windows has closed"
                : model.Rules.StartsWithData
                    ? "it starts with the first day of which an input has rows, and none has any"
                : "it has no `start`, so only `naru run` fills it",
            ["intervals"] = new JsonArray(
                [
                    .. views.Where(view => view.Interval.First < to)
                        .Select(view => (JsonNode)ModelJson.About(view, planner.Calendar)),
                ]),
        });
    }

    private static async Task RunAsync(string name, HttpContext http, ScheduledThings things, ModelBackfill backfill,
        ModelPlanner planner)
    {
        IResult? refusal = AccessModule.Refusal(http, out Principal? principal);
        BackfillOrder? order = null;
        if (refusal is null)
        {
            refusal = Find(name, things) is { } thing
                ? Order(http.Request.Query, thing, principal!, planner.Calendar, out order)
                : Unknown(name, things);
        }

        if (refusal is not null)
        {
            await refusal.ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        await AnswerAsync(http, order!, backfill, planner.Calendar).ConfigureAwait(false);
    }

    /// <summary>Does what was ordered, and tells it line by line.</summary>
    internal static async Task AnswerAsync(
        HttpContext http, BackfillOrder order, ModelBackfill backfill, IntervalCalendar calendar)
    {
        http.Response.ContentType = "application/x-ndjson";
        int done = 0;
        int failed = 0;
        long rows = 0;
        try
        {
            IReadOnlyList<BackfillStep> steps = await backfill.PlanAsync(order, http.RequestAborted)
                .ConfigureAwait(false);
            foreach (BackfillStep step in steps)
            {
                await WriteAsync(http, new JsonObject { ["step"] = ModelJson.About(step, calendar) })
                    .ConfigureAwait(false);
            }

            if (http.Request.Query["dry_run"] != "true")
            {
                await foreach (BackfillEvent ended in backfill.RunAsync(order, http.RequestAborted)
                    .ConfigureAwait(false))
                {
                    done += ended.Outcome.Done ? 1 : 0;
                    failed += ended.Outcome.Done ? 0 : 1;
                    rows += ended.Outcome.Rows;
                    await WriteAsync(http, new JsonObject { ["ended"] = ModelJson.About(ended, calendar) })
                        .ConfigureAwait(false);
                }
            }

            await WriteAsync(http, new JsonObject
            {
                ["summary"] = new JsonObject { ["runs"] = done, ["failed"] = failed, ["rows"] = rows },
            }).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Whoever asked went away, and the run with it.
        }
        catch (OperationCanceledException exception)
        {
            await WriteAsync(http, new JsonObject { ["error"] = exception.Message }).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is StorageException or StateException)
        {
            await WriteAsync(http, new JsonObject { ["error"] = exception.Message }).ConfigureAwait(false);
        }
    }

    private static IResult? Order(
        IQueryCollection query,
        IScheduled thing,
        Principal principal,
        IntervalCalendar calendar,
        out BackfillOrder? order)
    {
        order = null;
        (long from, long to) = (long.MinValue, long.MinValue);
        if (Range(query, calendar, ref from, ref to) is { } wrong)
        {
            return wrong;
        }

        if (from == long.MinValue || to == long.MinValue)
        {
            return ServerErrors.BadRequest(
                "`from` and `to` are needed", "name the intervals: from=2026-11-01&to=2026-11-08");
        }

        int parallel = 1;
        if (query["parallel"] is [{ Length: > 0 } text] && (!int.TryParse(
            text, NumberStyles.None, CultureInfo.InvariantCulture, out parallel) || parallel is < 1 or > ParallelMax))
        {
            return ServerErrors.BadRequest(
                $"`parallel` is \"{text}\"", $"write a whole number from 1 to {ParallelMax}");
        }

        bool single = query["single"] == "true";
        ModelDefinition? model = thing as ModelDefinition;
        if (single && model is null)
        {
            return ServerErrors.BadRequest(
                $"{thing.Name} is no model, so one run fills one interval of it", "leave `single` out");
        }

        if (single && model!.Text.NamesOneInterval)
        {
            return ServerErrors.BadRequest(
                $"model {model.Name} names one interval ($day, $hour or $interval), so one run cannot fill several",
                "use $from and $to, or leave `single` out");
        }

        if (single && !model!.GivesPartition)
        {
            string columns = string.Join(" and ", model.Table.PartitionColumns);
            return ServerErrors.BadRequest(
                $"model {model.Name} does not select {columns}, so the rows of one run cannot be told apart",
                $"select {columns} too, or leave `single` out");
        }

        order = new BackfillOrder
        {
            Thing = thing,
            From = from,
            To = to,
            Parallel = parallel,
            Single = single,
            Downstream = query["downstream"] == "true",
            All = query["all"] == "true",
            Force = query["force"] == "true",
            By = principal.Name,
        };
        return null;
    }

    internal static IResult? Range(
        IQueryCollection query, IntervalCalendar calendar, ref long from, ref long to)
    {
        foreach (string name in (string[])["from", "to"])
        {
            string? text = query[name];
            if (string.IsNullOrEmpty(text))
            {
                continue;
            }

            if (!calendar.TryParseTime(text, out long time, out string error))
            {
                return ServerErrors.BadRequest($"`{name}`: {error}", "--from is inclusive, --to exclusive");
            }

            (from, to) = name == "from" ? (time, to) : (from, time);
        }

        return null;
    }

    internal static async Task WriteAsync(HttpContext http, JsonObject line)
    {
        await http.Response.WriteAsync(line.ToJsonString(ModelJson.Plain) + "\n", http.RequestAborted)
            .ConfigureAwait(false);
        await http.Response.Body.FlushAsync(http.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>What `naru run` and `naru plan` name: models, tables that sources fill, and aggregates.</summary>
    private static IScheduled? Find(string name, ScheduledThings things)
    {
        IScheduled? Called(string name) =>
            things.All.FirstOrDefault(thing => thing.Fills is not null && thing.Name == name);
        return Called(name) ?? Called($"{InputBook.AggregateSchema}.{name}");
    }

    private static IResult Unknown(string name, ScheduledThings things) => ServerErrors.NotFound(
        $"there is no model, no table of a source and no aggregate \"{name}\"",
        NearestName.Find(
            name,
            things.All.Where(static thing => thing.Fills is not null).Select(static thing => thing.Fills!.Value.Name))
            is { } near
            ? $"did you mean {near}?" : "models are the files of models/; `naru check` tells which are wrong");

    private static long Now(TimeProvider time) =>
        (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
