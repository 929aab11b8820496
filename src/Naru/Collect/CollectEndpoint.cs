using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Core.Topics;
using Naru.Definitions;

namespace Naru.Collect;

/// <summary>
/// The routes of collect: who asks, what for, then the body into the topic, then the answer. A failing environment is
/// turned into an answer here and nowhere else.
/// </summary>
internal sealed class CollectEndpoint(
    CollectParts parts, IDefinitionSource definitions, IAuthenticator authenticator, CollectRuntime runtime)
{
    /// <summary>What metrics count where the client went away: nobody sees it.</summary>
    private const int ClientGone = 499;

    private readonly ServerKeys _serverKeys = new();

    /// <summary>POST /v1/events/{log}</summary>
    public Task PostToLogAsync(HttpContext context) =>
        PostAsync(context, (string)context.Request.RouteValues["log"]!);

    /// <summary>POST /v1/events: each event names its log.</summary>
    public Task PostMixedAsync(HttpContext context) => PostAsync(context, null);

    /// <summary>GET /v1/logs/{log}: what a sender needs to know.</summary>
    public async Task GetLogAsync(HttpContext context)
    {
        string name = (string)context.Request.RouteValues["log"]!;
        AllowOrigin(context);
        CollectFault? fault = Ask(context, name, out _, out LogDefinition? log);
        if (fault is null)
        {
            CollectAnswer.Write(context.Response, log!);
        }
        else
        {
            CollectAnswer.Write(context.Response, fault);
            await RecordAsync(context, fault).ConfigureAwait(false);
        }
    }

    private ValueTask RecordAsync(HttpContext context, CollectFault fault) =>
        runtime.Refusals is not null && fault.Status is StatusCodes.Status401Unauthorized
            or StatusCodes.Status403Forbidden
            ? runtime.Refusals.RecordAsync(
                context,
                authenticator.Authenticate(
                    context.Request.Headers.Authorization, context.Connection.RemoteIpAddress),
                fault.Status)
            : ValueTask.CompletedTask;

    /// <summary>OPTIONS of both routes: pages of any origin may send; there are no cookies to protect.</summary>
    public static Task PreflightAsync(HttpContext context)
    {
        IHeaderDictionary headers = context.Response.Headers;
        headers.AccessControlAllowOrigin = "*";
        headers.AccessControlAllowMethods = "POST";
        headers.AccessControlAllowHeaders =
            $"Authorization, Content-Type, Content-Encoding, {CollectHeaders.Batch}, {CollectHeaders.Source}, "
            + $"{CollectHeaders.History}, {CollectHeaders.FirstIndex}, {CollectHeaders.FirstLine}";
        headers.AccessControlMaxAge = "86400";
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private async Task PostAsync(HttpContext context, string? logName)
    {
        long started = runtime.Time.GetTimestamp();
        AllowOrigin(context);
        Receipt? receipt = null;
        int status;
        try
        {
            CollectFault? fault = Prepare(context, logName, out ReceiveJob? job);
            receipt = job?.Receipt ?? new Receipt { Fault = fault };
            if (job is not null)
            {
                await ReceiveAsync(context, job).ConfigureAwait(false);
            }

            CollectAnswer.Write(context.Response, receipt);
            status = context.Response.StatusCode;
            if (fault is not null)
            {
                await RecordAsync(context, fault).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (IsClientGone(context, exception))
        {
            status = ClientGone;
        }

        runtime.Metrics.Request(status, receipt, runtime.Time.GetElapsedTime(started));
        if (receipt is not null && runtime.Logger.IsEnabled(LogLevel.Debug))
        {
            CollectLog.Received(runtime.Logger, receipt.Accepted, receipt.Rejected, receipt.BodyBytes, status);
        }
    }

    private CollectFault? Prepare(HttpContext context, string? logName, out ReceiveJob? job)
    {
        job = null;
        if (runtime.IsDraining)
        {
            context.Response.Headers.Connection = "close";
            return CollectFault.Draining;
        }

        CollectFault? fault = Ask(context, logName, out Principal? principal, out LogDefinition? log);
        if (fault is not null)
        {
            return fault;
        }

        if (context.Request.ContentLength > parts.Options.BodyBytesMax)
        {
            // So that the server reads on for a while and the sender gets to see the answer.
            context.Features.GetRequiredFeature<IHttpMaxRequestBodySizeFeature>().MaxRequestBodySize = null;
            return CollectFault.BodyTooLarge(parts.Options.BodyBytesMax);
        }

        if (runtime.Rates?.WaitSeconds(principal!.Name) is > 0 and int seconds)
        {
            return new CollectFault(
                StatusCodes.Status429TooManyRequests, "too_many_bytes", "this key has sent more than its rate allows",
                "wait Retry-After seconds; `key_bytes_per_second_max` of section 'collect' is the rate", seconds);
        }

        if (runtime.Tickets?.Of(principal!) is { } ticket
            && runtime.Tickets.Check(ticket, TicketLimit.EventsPerDay) is { } refusal)
        {
            return new CollectFault(
                StatusCodes.Status429TooManyRequests, "ticket_used_up", refusal.Message, refusal.Hint,
                refusal.RetryAfterSeconds);
        }

        CollectRequest? request = CollectRequest.Read(context.Request, principal!, _serverKeys, out fault);
        if (request is { AckLake: true } && runtime.Outcomes is null)
        {
            return CollectFault.BadParameter("ack", "is lake, but this server lands nothing", "use ack=durable");
        }

        job = request is null
            ? null
            : new ReceiveJob
            {
                Request = request,
                Principal = principal!,
                Definitions = definitions.Current,
                Log = log,
                ReceivedMicroseconds =
                    (runtime.Time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond,
                Receipt = new Receipt
                {
                    Ids = request.HasBatchName ? IdSource.Batch : IdSource.OwnOrServer,
                    Appended = request.AckLake ? [] : null,
                },
                ContentLength = context.Request.ContentLength,
            };
        return fault;
    }

    /// <summary>
    /// Who asks, whether they may, and whether the log is there: in this order, so that names do not leak.
    /// </summary>
    private CollectFault? Ask(HttpContext context, string? name, out Principal? principal, out LogDefinition? log)
    {
        log = null;
        principal = authenticator.Authenticate(
            context.Request.Headers.Authorization, context.Connection.RemoteIpAddress);
        if (principal is null)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer, Basic";
            return CollectFault.Unauthorized;
        }

        if (name is null)
        {
            return !principal.WritesAnything ? CollectFault.Forbidden("*") : null;
        }

        if (!principal.MayWrite(name))
        {
            return CollectFault.Forbidden(Shown(name));
        }

        DefinitionSet known = definitions.Current;
        if (known.TryGet(name, out log))
        {
            return null;
        }

        string? nearest = KnownLogs.Nearest(known, principal, name);
        string hint = nearest is not null ? $"did you mean '{nearest}'?"
            : known.Logs.IsEmpty ? "this project has no log yet: write logs/REGION_GROUP.NAME.yaml"
            : "`naru check` lists the logs of a project; a log is logs/REGION_GROUP.NAME.yaml";
        return CollectFault.UnknownLog(Shown(name), hint);
    }

    private async Task ReceiveAsync(HttpContext context, ReceiveJob job)
    {
        PipeReader pipe = context.Request.BodyReader;
        BodySource source = new(pipe, job.Request.Coding, parts.Options.BodyBytesMax);
        Receipt receipt = job.Receipt;
        try
        {
            using BodyReceiver receiver = new(parts, job, source);
            await receiver.ReceiveAsync(context.RequestAborted).ConfigureAwait(false);
        }
        catch (TopicUnavailableException exception)
        {
            receipt.Fault ??= CollectFault.Unavailable(exception.Message, exception.RetryAfterSeconds);
        }
        catch (InvalidDataException)
        {
            receipt.Fault ??= CollectFault.BrokenEncoding;
        }
        catch (BadHttpRequestException exception)
        {
            receipt.Fault ??= exception.StatusCode switch
            {
                StatusCodes.Status413PayloadTooLarge => CollectFault.BodyTooLarge(parts.Options.BodyBytesMax),
                StatusCodes.Status408RequestTimeout => CollectFault.BodyTooSlow,
                _ => CollectFault.BrokenBody,
            };
        }
        finally
        {
            await source.DisposeAsync().ConfigureAwait(false);
        }

        runtime.Rates?.Charge(job.Principal.Name, receipt.BodyBytes);
        if (runtime.Tickets?.Of(job.Principal) is { } ticket)
        {
            runtime.Tickets.Use(ticket, TicketUse.None with { Events = receipt.Accepted });
        }

        if (receipt.Fault is { Status: StatusCodes.Status503ServiceUnavailable } fault)
        {
            CollectLog.Unavailable(runtime.Logger, fault.Message);
        }

        await AwaitLandingAsync(receipt, context.RequestAborted).ConfigureAwait(false);
        NothingReadable(receipt, job.Request.Form);
    }

    private async ValueTask AwaitLandingAsync(Receipt receipt, CancellationToken cancellationToken)
    {
        if (receipt.Appended is null || receipt.Fault is not null)
        {
            return;
        }

        using CancellationTokenSource timeout = new(parts.Options.LandingTimeout, runtime.Time);
        using CancellationTokenSource either =
            CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        RecordCounts counts = default;
        try
        {
            foreach (AppendResult appended in receipt.Appended)
            {
                RecordOutcome[] outcomes =
                    await runtime.Outcomes!.WaitLandedAsync(appended, either.Token).ConfigureAwait(false);
                counts = new RecordCounts(
                    counts.Landed + outcomes.Count(static outcome => outcome == RecordOutcome.Landed),
                    counts.Duplicate + outcomes.Count(static outcome => outcome == RecordOutcome.Duplicate),
                    counts.Rejected + outcomes.Count(static outcome => outcome == RecordOutcome.Rejected));
            }

            receipt.Landing = counts;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            receipt.Fault = new CollectFault(
                StatusCodes.Status503ServiceUnavailable, "landing_pending",
                "the events are durable but did not land in time", "they will land; do not send them again", 30);
        }
    }

    /// <summary>A body of which not one event could be read is the sender's mistake as a whole.</summary>
    private static void NothingReadable(Receipt receipt, BodyForm form)
    {
        if (receipt.Fault is null && form == BodyForm.Sniffed && receipt is { Accepted: 0, Rejected: > 0 }
            && receipt.Listed.All(static rejected => rejected.Reason == Core.Events.RejectReason.Malformed))
        {
            receipt.Fault = new CollectFault(
                StatusCodes.Status400BadRequest, "nothing_readable",
                $"no event could be read: {receipt.Listed[0].Message}",
                "send one JSON object, an array of them, or one object a line; what came is kept among the rejected");
        }
    }

    private static bool IsClientGone(HttpContext context, Exception exception) =>
        exception is ConnectionResetException or ConnectionAbortedException
        || (exception is OperationCanceledException or IOException && context.RequestAborted.IsCancellationRequested);

    private static void AllowOrigin(HttpContext context)
    {
        if (context.Request.Headers.Origin.Count > 0)
        {
            context.Response.Headers.AccessControlAllowOrigin = "*";
            context.Response.Headers.AccessControlExposeHeaders = "Retry-After";
        }
    }

    private static string Shown(string name) => name.Length <= 130 ? name : $"{name[..130]}...";
}

/// <summary>What the endpoint needs of the process around it.</summary>
internal sealed class CollectRuntime(
    TimeProvider time, CollectMetrics metrics, ILogger<CollectEndpoint> logger, CollectOptions options)
{
    private volatile bool _isDraining;

    public TimeProvider Time { get; } = time;

    public CollectMetrics Metrics { get; } = metrics;

    public ILogger Logger { get; } = logger;

    public KeyRates? Rates { get; } =
        options.KeyBytesPerSecondMax is { } rate ? new KeyRates(rate, time) : null;

    /// <summary>Null where nobody has a budget.</summary>
    public TicketBook? Tickets { get; init; }

    /// <summary>Null where there is no trail.</summary>
    public RefusalTrail? Refusals { get; init; }

    /// <summary>Null where nothing is landed by this process.</summary>
    public ILandingOutcomes? Outcomes { get; init; }

    public bool IsDraining => _isDraining;

    public void Drain()
    {
        _isDraining = true;
        CollectLog.Draining(Logger);
    }
}
