using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Naru.Access;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Stream.Audit;
using Naru.Stream.Replay;

namespace Naru.Server;

/// <summary>The ledger and the replay of rejected events. Both need the right to administer.</summary>
internal static class LandingModule
{
    public static void MapLanding(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/audit", static async (HttpContext http, AuditRunner audit) =>
            AccessModule.Refusal(http, out _)
            ?? Results.Json(
                await audit.RunAsync(Microseconds(http, "from", long.MinValue),
                    Microseconds(http, "to", long.MaxValue), http.RequestAborted)
                    .ConfigureAwait(false),
                ServerJson.Default.AuditReport)).Needs(Permission.Administer);
        routes.MapPost("/v1/rejected/replay",
            static async (HttpContext http, RejectedReplay replay, IDefinitionSource definitions) =>
        {
            return AccessModule.Refusal(http, out _) ?? Filter(http, definitions.Current, out ReplayFilter filter)
                ?? Results.Json(
                    await replay.RunAsync(filter, http.RequestAborted).ConfigureAwait(false),
                    ServerJson.Default.ReplaySummary);
        }).Needs(Permission.Administer);
    }

    private static IResult? Filter(HttpContext http, DefinitionSet definitions, out ReplayFilter filter)
    {
        string? log = http.Request.Query["log"] is [{ Length: > 0 } name] ? name : null;
        string? text = http.Request.Query["reason"] is [{ Length: > 0 } given] ? given : null;
        RejectReason[] reasons = [.. Enum.GetValues<RejectReason>().Where(reason => reason.Text() == text)];
        filter = new ReplayFilter(log, reasons is [RejectReason one] ? one : null);
        if (log is not null && !definitions.TryGet(log, out _))
        {
            return ServerErrors.UnknownLog(log, definitions);
        }

        IEnumerable<string> reasonNames = Enum.GetValues<RejectReason>().Skip(1).Select(static reason => reason.Text());
        return text is not null && reasons.Length == 0
            ? ServerErrors.BadRequest(
                $"there is no reason \"{text}\"",
                $"one of {string.Join(", ", reasonNames)}")
            : null;
    }

    private static long Microseconds(HttpContext http, string name, long otherwise) =>
        http.Request.Query[name] is [{ Length: > 0 } text]
        && DateTimeOffset.TryParse(text, System.Globalization.CultureInfo.InvariantCulture, out DateTimeOffset time)
            ? time.ToUnixTimeMilliseconds() * 1000
            : otherwise;
}
