using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Definitions;

namespace Naru.Watch.Alerts;

/// <summary>Alerts over HTTP: how they stand, their files, a try, and a pause in telling.</summary>
internal static class AlertRoutes
{
    private const int RequestBytesMax = 256 << 10;
    private const int EventsShown = 50;
    private static readonly TimeSpan MuteMax = TimeSpan.FromDays(31);

    private static readonly JsonSerializerOptions Written = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static void MapAlerts(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/alerts", List).Needs(Permission.Known)
            .WithSummary(
                "How alerts and alarms stand: all for administrators, else those whose owner the caller is.");
        routes.MapPost("/v1/alerts/try", TryAsync).Needs(Permission.Known)
            .WithSummary("Asks an alert's query now; tells nobody.");
        routes.MapPut("/v1/alerts/{name}", WriteAsync).Needs(Permission.Known)
            .WithSummary("Writes an alert's file.");
        routes.MapDelete("/v1/alerts/{name}", Remove).Needs(Permission.Known)
            .WithSummary("Takes an alert's file away.");
        routes.MapPost("/v1/alerts/{name}/mute", MuteAsync).Needs(Permission.Known)
            .WithSummary("Tells nobody of an alert for a while.");
    }

    private static IResult List(HttpContext http, AlertWatch watch, AlertDesk desk)
    {
        Principal asking = http.Asks()!;
        AlertBook book = watch.Book;
        AlertDefinition[] all =
            [.. watch.Alerts.Concat(watch.Alarms).Where(alert => AlertDesk.MaySee(asking, alert))];
        JsonArray alerts = [.. all.Select(alert => (JsonNode)View(alert, book, watch, desk))];
        IEnumerable<AlertEvent> others = book.Events.Where(each =>
            asking.Administer && !Array.Exists(all, alert => alert.Name == each.Alert));
        return Answer(new JsonObject
        {
            ["alerts"] = alerts, ["told"] = watch.IsTold, ["over"] = Events(others),
        });
    }

    private static JsonObject View(AlertDefinition alert, AlertBook book, AlertWatch watch, AlertDesk desk)
    {
        (string Text, string Sha256)? file = desk.Read(alert.Name);
        (DateTimeOffset Until, string By)? mute = watch.MuteOf(alert.Name);
        JsonObject view = new()
        {
            ["name"] = alert.Name,
            ["kind"] = AlertsTable.Word(alert.Kind),
            ["description"] = alert.Description,
            ["severity"] = alert.Critical ? "critical" : "warning",
            ["owner"] = alert.Query?.Owner ?? alert.Owner,
            ["sql"] = alert.Query?.Sql,
            ["query"] = alert.Query?.Saved,
            ["muted_until"] = Time(mute?.Until),
            ["muted_by"] = mute?.By,
            ["text"] = file?.Text,
            ["sha256"] = file?.Sha256,
        };
        view["instances"] = new JsonArray([.. book.Instances.Where(instance => instance.Alert == alert.Name)
            .Select(instance => (JsonNode)Instance(alert, instance, watch))]);
        view["events"] = Events(book.Events.Where(each => each.Alert == alert.Name));
        return view;
    }

    /// <summary>The newest, the newest first.</summary>
    private static JsonArray Events(IEnumerable<AlertEvent> events) =>
    [
        .. events.TakeLast(EventsShown).Reverse().Select(static each => (JsonNode)new JsonObject
        {
            ["alert"] = each.Alert, ["at"] = Time(each.At), ["log"] = each.Log, ["what"] = each.What,
            ["text"] = each.Text, ["told"] = each.Told,
        }),
    ];

    private static JsonObject Instance(AlertDefinition alert, AlertInstance instance, AlertWatch watch) => new()
    {
        ["log"] = instance.Log,
        ["state"] = AlertsTable.Word(instance.State),
        ["since"] = Time(instance.Since),
        ["seen"] = instance.Seen,
        ["value"] = instance.Value,
        ["failure"] = instance.Failure,
        ["fired_at"] = Time(instance.FiredAt),
        ["resolved_at"] = Time(instance.ResolvedAt),
        ["told_at"] = Time(instance.ToldAt),
        ["ran_at"] = Time(instance.RanAt),
        ["next_at"] = Time(watch.NextOf(alert, instance)),
    };

    private static Task<IResult> TryAsync(HttpContext http, AlertDesk desk, IAlertAsker asker) =>
        DoAsync(http, async body =>
        {
            AlertDefinition alert = desk.Check(Text(body, "name") ?? "", Text(body, "text") ?? "", http.Asks()!);
            if (alert.Query is not { } query)
            {
                throw new AlertException("only alerts on a query can be tried", "the others are judged all the time");
            }

            AlertReading reading = await asker.AskAsync(query, http.RequestAborted).ConfigureAwait(false);
            return new JsonObject
            {
                ["holds"] = reading.Failure is null ? reading.Holds : null,
                ["value"] = reading.Value,
                ["seen"] = reading.Seen,
                ["failure"] = reading.Failure,
            };
        });

    private static Task<IResult> WriteAsync(string name, HttpContext http, AlertDesk desk) => DoAsync(http, body =>
    {
        if (LogNames.Fault(name) is { } fault)
        {
            throw new AlertException($"the alert's name '{name}' {fault}", "use lower-case letters, digits and '_'");
        }

        desk.Write(name, Text(body, "text") ?? "", Text(body, "seen"), http.Asks()!);
        return Task.FromResult(new JsonObject { ["name"] = name, ["sha256"] = desk.Read(name)?.Sha256 });
    });

    private static Task<IResult> Remove(string name, HttpContext http, AlertDesk desk, AlertWatch watch) =>
        DoAsync(http, _ =>
        {
            RequireSeen(name, http, watch);
            desk.Write(name, null, desk.Read(name)?.Sha256, http.Asks()!);
            return Task.FromResult(new JsonObject { ["name"] = name });
        });

    private static Task<IResult> MuteAsync(string name, HttpContext http, AlertWatch watch, TimeProvider time) =>
        DoAsync(http, body =>
        {
            RequireSeen(name, http, watch);
            DateTimeOffset? until = null;
            if (Text(body, "for") is { } length)
            {
                if (!DurationText.TryParse(length, out TimeSpan duration)
                    || duration <= TimeSpan.Zero || duration > MuteMax)
                {
                    throw new AlertException($"\"for\" is \"{length}\"", "write 4h, 1d, … of at most 31d");
                }

                until = time.GetUtcNow() + duration;
            }

            watch.Mute(name, until, http.Asks()!.Name);
            return Task.FromResult(new JsonObject { ["name"] = name, ["muted_until"] = Time(until) });
        });

    /// <summary>An alert that the caller may not see is spoken of as one that does not exist.</summary>
    private static void RequireSeen(string name, HttpContext http, AlertWatch watch)
    {
        if (!watch.Alerts.Concat(watch.Alarms)
            .Any(alert => alert.Name == name && AlertDesk.MaySee(http.Asks()!, alert)))
        {
            throw new AlertException($"there is no alert '{name}' of yours", "GET /v1/alerts lists them");
        }
    }

    private static async Task<IResult> DoAsync(HttpContext http, Func<JsonObject, Task<JsonObject>> act)
    {
        try
        {
            return Answer(await act(await ReadAsync(http).ConfigureAwait(false)).ConfigureAwait(false));
        }
        catch (AlertException exception)
        {
            return exception.IsForbidden ? AccessErrors.Forbidden(exception.Message, exception.Hint)
                : exception.IsStale ? AccessErrors.Stale(exception.Message, exception.Hint)
                : AccessErrors.BadRequest(exception.Message, exception.Hint);
        }
        catch (StorageException exception)
        {
            return AccessErrors.Storage(exception.Message);
        }
    }

    private static async Task<JsonObject> ReadAsync(HttpContext http)
    {
        if (http.Request.ContentLength is > RequestBytesMax)
        {
            throw new AlertException("the body is too large", "send at most 256 KB");
        }

        if (http.Request.ContentLength is null or 0)
        {
            return [];
        }

        try
        {
            JsonNode? body = await JsonNode.ParseAsync(
                http.Request.Body, cancellationToken: http.RequestAborted).ConfigureAwait(false);
            return body as JsonObject ?? throw new JsonException();
        }
        catch (JsonException)
        {
            throw new AlertException("the body is no JSON object", "send {\"text\": \"alert: …\"}");
        }
    }

    private static string? Text(JsonObject body, string key) =>
        body[key] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private static string? Time(DateTimeOffset? time) => time?.ToString("O");

    private static IResult Answer(JsonObject answer) =>
        Results.Text(answer.ToJsonString(Written), "application/json; charset=utf-8");
}
