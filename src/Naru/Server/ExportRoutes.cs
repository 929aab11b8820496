using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Exports;
using Naru.Ledger;
using Naru.Models;
using Naru.Query;
using Naru.State;

namespace Naru.Server;

/// <summary>Exports for administrators: what there is, how their intervals stand, and runs.</summary>
internal static class ExportRoutes
{
    private const long DayMicroseconds = 86_400_000_000;
    private const int DaysShown = 31;

    public static void MapExports(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/exports", ListAsync).Needs(Permission.Administer)
            .WithSummary("Lists exports with how many of their intervals are done, missing, stale and failed.");
        routes.MapGet("/v1/exports/{name}/intervals", IntervalsAsync).Needs(Permission.Administer)
            .WithSummary("How each interval of an export stands, and why.");
        routes.MapPost("/v1/exports/{name}/runs", RunAsync).Needs(Permission.Administer)
            .WithSummary("Sends intervals of an export; answers with lines of JSON as it goes on.");
    }

    private static async Task<IResult> ListAsync(HttpContext http, IExportSource exports, ModelPlanner planner,
        TimeProvider time)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        long now = Now(time);
        JsonArray list = [];
        foreach (ExportDefinition export in exports.Current.Exports)
        {
            IReadOnlyList<IntervalView> views = await ViewsAsync(export, planner, now, http.RequestAborted)
                .ConfigureAwait(false);
            JsonObject counts = [];
            foreach (IntervalStatus status in Enum.GetValues<IntervalStatus>())
            {
                counts[ModelJson.NameOf(status)] = views.Count(view => view.Status == status);
            }

            list.Add(About(export, planner, counts));
        }

        return Results.Json(new JsonObject { ["exports"] = list });
    }

    private static async Task<IResult> IntervalsAsync(
        string name, HttpContext http, IExportSource exports, ModelPlanner planner, TimeProvider time)
    {
        if (AccessModule.Refusal(http, out _) is { } refusal)
        {
            return refusal;
        }

        if (exports.Current.Find(name) is not { } export)
        {
            return Unknown(name, exports);
        }

        IReadOnlyList<IntervalView> views = await ViewsAsync(export, planner, Now(time), http.RequestAborted)
            .ConfigureAwait(false);
        return Results.Json(new JsonObject
        {
            ["export"] = export.Name,
            ["intervals"] = new JsonArray(
                [.. views.Select(view => (JsonNode)ModelJson.About(view, planner.Calendar))]),
        });
    }

    /// <summary>
    /// Intervals that are over, or were begun. Of what is sent whole the newest alone is of interest beside the latter.
    /// </summary>
    private static async Task<IReadOnlyList<IntervalView>> ViewsAsync(
        ExportDefinition export, ModelPlanner planner, long now, CancellationToken cancellationToken)
    {
        long? start = planner.StartOf(export) ?? (export.IsWhole ? now - (DaysShown * DayMicroseconds) : null);
        IntervalView[] over =
        [
            .. (await planner.ViewKnownAsync(export, start, now, cancellationToken).ConfigureAwait(false))
                .Where(view => view.Interval.End <= now || view.Entry is not null),
        ];
        return export.IsWhole
            ? [.. over.Where((view, i) => view.Entry is not null || i == over.Length - 1)] : over;
    }

    private static async Task RunAsync(
        string name, HttpContext http, IExportSource exports, ModelBackfill backfill, ExportSender sender)
    {
        IResult? refusal = AccessModule.Refusal(http, out Principal? principal);
        ModelPlanner planner = http.RequestServices.GetRequiredService<ModelPlanner>();
        ExportDefinition? export = exports.Current.Find(name);
        refusal ??= export is null ? Unknown(name, exports) : null;
        (string Target, double? Sample) to = (ExportDefinition.DefaultTarget, null);
        refusal ??= Aim(http.Request.Query, export!, ref to);
        long now = Now(http.RequestServices.GetRequiredService<TimeProvider>());
        (long from, long until) = (long.MinValue, now);
        refusal ??= ModelRoutes.Range(http.Request.Query, planner.Calendar, ref from, ref until);
        refusal ??= Start(export!, planner, now, ref from);
        if (refusal is not null)
        {
            await refusal.ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        if (http.Request.Query["dry_run"] != "true")
        {
            await http.RequestServices.GetRequiredService<IActivity>().RecordAsync(
                principal!.Name,
                "export",
                AuditTrail.Detail(
                    ("export", name),
                    ("from", planner.Calendar.Name(planner.Calendar.At(export!.Every, from))),
                    ("to", planner.Calendar.Name(planner.Calendar.At(export.Every, until))),
                    ("target", to.Target))).ConfigureAwait(false);
        }

        BackfillOrder order = new()
        {
            Thing = export!,
            From = from,
            To = until,
            All = http.Request.Query["all"] == "true",
            Force = http.Request.Query["force"] == "true",
            By = principal!.Name,
        };
        await (to == (ExportDefinition.DefaultTarget, null)
            ? ModelRoutes.AnswerAsync(http, order, backfill, planner.Calendar)
            : TryOutAllAsync(http, order, to, (sender, planner.Calendar))).ConfigureAwait(false);
    }

    private static IResult? Aim(IQueryCollection query, ExportDefinition export, ref (string Target, double? Sample) to)
    {
        if (query["target"] is [{ Length: > 0 } target])
        {
            if (!export.Targets.ContainsKey(target))
            {
                return ServerErrors.BadRequest(
                    $"export {export.Name} has no target \"{target}\"",
                    $"targets: {string.Join(", ", export.Targets.Keys)}");
            }

            to = (target, to.Sample);
        }

        if (query["sample"] is [{ Length: > 0 } sample])
        {
            if (!double.TryParse(
                    sample.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double share)
                || !sample.EndsWith('%') || share is <= 0 or > 100)
            {
                return ServerErrors.BadRequest($"`sample` is \"{sample}\"", "write a share such as 1%");
            }

            if (to.Target == ExportDefinition.DefaultTarget)
            {
                return ServerErrors.BadRequest(
                    "a sample goes to a target of its own", "name one of `targets:` with --target, as in --target dev");
            }

            to = (to.Target, share / 100);
        }

        return null;
    }

    /// <summary>Without a range: all that the schedule would do by now.</summary>
    private static IResult? Start(ExportDefinition export, ModelPlanner planner, long now, ref long from)
    {
        if (from == long.MinValue && export.IsWhole)
        {
            from = now - (3 * DayMicroseconds);
        }
        else if (from == long.MinValue)
        {
            if (planner.StartOf(export) is not { } start)
            {
                return ServerErrors.BadRequest(
                    $"export {export.Name} has no `start`", "name the intervals: --from 2026-11-01 --to 2026-11-08");
            }

            from = start;
        }

        return null;
    }

    /// <summary>To another target than the export's own: the ledger knows nothing of it.</summary>
    private static async Task TryOutAllAsync(
        HttpContext http,
        BackfillOrder order,
        (string Target, double? Sample) to,
        (ExportSender Sender, IntervalCalendar Calendar) with)
    {
        http.Response.ContentType = "application/x-ndjson";
        TimeProvider time = http.RequestServices.GetRequiredService<TimeProvider>();
        ExportDefinition export = (ExportDefinition)order.Thing;
        long now = Now(time);
        IEnumerable<Interval> over = with.Calendar.Between(export.Every, order.From, Math.Min(order.To, now))
            .Where(interval => interval.End <= now);
        int failed = 0;
        int runs = 0;
        long rows = 0;
        foreach (Interval interval in export.IsWhole ? over.TakeLast(1) : over)
        {
            string name = with.Calendar.Name(interval);
            await ModelRoutes.WriteAsync(http, new JsonObject
            {
                ["step"] = new JsonObject
                {
                    ["model"] = export.Thing, ["interval"] = name, ["status"] = "missing", ["runs"] = true,
                    ["why"] = $"to target {to.Target}",
                },
            }).ConfigureAwait(false);
            if (http.Request.Query["dry_run"] == "true")
            {
                continue;
            }

            RunOutcome outcome = await TryOutAsync(http, order, to, (with.Sender, interval)).ConfigureAwait(false);
            failed += outcome.Done ? 0 : 1;
            runs += outcome.Done ? 1 : 0;
            rows += outcome.Rows;
            await ModelRoutes.WriteAsync(http, new JsonObject
            {
                ["ended"] = ModelJson.About(new BackfillEvent(export, interval, interval, outcome), with.Calendar),
            }).ConfigureAwait(false);
        }

        await ModelRoutes.WriteAsync(http, new JsonObject
        {
            ["summary"] = new JsonObject { ["runs"] = runs, ["failed"] = failed, ["rows"] = rows },
        }).ConfigureAwait(false);
    }

    private static async Task<RunOutcome> TryOutAsync(
        HttpContext http,
        BackfillOrder order,
        (string Target, double? Sample) to,
        (ExportSender Sender, Interval Interval) with)
    {
        try
        {
            ExportEnd end = await with.Sender.SendAsync(
                new ExportOrder
                {
                    Export = (ExportDefinition)order.Thing,
                    Interval = with.Interval,
                    Started = Now(http.RequestServices.GetRequiredService<TimeProvider>()),
                    Attempt = 1,
                    Run = $"{order.Thing.Name}-{to.Target}",
                    By = order.By,
                    Target = to.Target,
                    Sample = to.Sample,
                    Force = order.Force,
                },
                http.RequestAborted).ConfigureAwait(false);
            return new RunOutcome(Done: true, end.Tally.Rows, "") { Warnings = end.Warning };
        }
        catch (Exception exception) when (exception is FillException or StorageException or StateException)
        {
            return new RunOutcome(Done: false, 0, exception.Message);
        }
        catch (QueryException exception)
        {
            return new RunOutcome(Done: false, 0, exception.Error.ToString());
        }
    }

    private static JsonObject About(ExportDefinition export, ModelPlanner planner, JsonObject counts) => new()
    {
        ["export"] = export.Name,
        ["description"] = export.Description,
        ["owner"] = export.Owner,
        ["mode"] = ExportFile.Word(export.Mode),
        ["key"] = new JsonArray([.. export.Key.Select(static each => (JsonNode)each)]),
        ["every"] = export.Every == IntervalKind.Hour ? "hour" : "day",
        ["schedule"] = export.Schedule?.ToString(),
        ["start"] = planner.StartOf(export) is { } start
            ? planner.Calendar.Name(planner.Calendar.At(export.Every, start)) : null,
        ["targets"] = new JsonArray([.. export.Targets.Select(static target => (JsonNode)new JsonObject
        {
            ["target"] = target.Key, ["kind"] = target.Value.Kind, ["place"] = target.Value.Place,
        })]),
        ["reads"] = new JsonArray([.. export.Inputs.Select(static input => (JsonNode)input.Table.ToString())]),
        ["intervals"] = counts,
    };

    private static IResult Unknown(string name, IExportSource exports) => ServerErrors.NotFound(
        $"there is no export \"{name}\"",
        NearestName.Find(name, exports.Current.Exports.Select(static export => export.Name)) is { } near
            ? $"did you mean {near}?" : "exports are the files of exports/; `naru check` tells which are wrong");

    private static long Now(TimeProvider time) =>
        (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
}
