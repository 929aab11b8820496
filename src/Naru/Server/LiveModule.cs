using System.Collections.Immutable;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Naru.Access;
using Naru.Aggregates;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Lake.Catalog;
using Naru.Lake.Parquet;
using Naru.Server.Live;
using Naru.Ledger;
using Naru.Models;
using Naru.Stream;
using Naru.Stream.Aggregate;
using Naru.Stream.Batch;

namespace Naru.Server;

/// <summary>Live windows over HTTP: listed, asked and followed. Whoever may read `agg.NAME` in SQL may, unless some
/// of it is hidden from them.</summary>
internal static class LiveModule
{
    private const string Schema = "agg";

    public static IServiceCollection AddLiveAggregates(this IServiceCollection services, ProjectZone zone)
    {
        services.AddSingleton(provider => new LiveAnswers(
            provider.GetRequiredService<ILiveAggregates>(), provider.GetRequiredService<TimeProvider>(), zone));
        services.AddSingleton<LiveStreams>();
        services.AddSingleton(static provider => new AggregateRunner(
            provider.GetRequiredService<StreamWorker>(),
            provider.GetRequiredService<ITableFileReader>(),
            provider.GetRequiredService<ProjectPaths>(),
            provider.GetRequiredService<TimeProvider>()));
        return services;
    }

    /// <summary>Recomputation by the ledger of intervals; needs the stream among the services.</summary>
    public static IServiceCollection AddAggregateSchedule(this IServiceCollection services)
    {
        services.AddSingleton<AggregateSchedule>();
        services.AddSingleton<IScheduledSource>(static provider => provider.GetRequiredService<AggregateSchedule>());
        services.AddSingleton<AggregateFiller>();
        services.AddSingleton<IScheduledRunner>(static provider => new IntervalRunner<AggregateIntervals>(
            provider.GetRequiredService<AggregateFiller>(),
            provider.GetRequiredService<IntervalLedger>(),
            provider.GetRequiredService<InputBook>(),
            provider.GetRequiredService<RunnerParts>()));
        return services;
    }

    /// <summary>Verification by schedule; needs the stream and the watch among the services.</summary>
    public static IServiceCollection AddAggregateChecks(this IServiceCollection services)
    {
        services.AddSingleton<AggregateChecks>();
        services.AddHostedService(static provider => provider.GetRequiredService<AggregateChecks>());
        return services;
    }

    public static void MapLiveAggregates(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/v1/aggregates", List).Needs(Permission.Read)
            .WithSummary("Lists the aggregates with their columns and state.");
        routes.MapGet("/v1/aggregates/{name}", AskAsync).Needs(Permission.Read)
            .WithSummary("Live windows of an aggregate.");
        routes.MapGet("/v1/aggregates/{name}/stream", FollowAsync).Needs(Permission.Read)
            .WithSummary("Follows live windows as server-sent events: a snapshot, then what changes.");
    }

    private static IResult List(HttpContext http, ILiveAggregates live, LiveAnswers answers)
    {
        if (http.Asks() is not { } asking)
        {
            return AccessErrors.Unauthorized();
        }

        return Results.Json(
            new AggregateList(
            [
                .. live.List()
                    .Where(status => asking.MayReadPlainly(new TableName(Schema, status.Plan.Name)))
                    .Select(status => AggregateItem.Of(status, answers.Zone)),
            ]),
            AggregatesJson.Default.AggregateList);
    }

    private static async Task AskAsync(string name, HttpContext http)
    {
        if (Refuse(name, http, out LiveQuestion? asked) is { } refusal)
        {
            await refusal.ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        LiveQuestion question = asked!;
        LiveAnswers answers = http.RequestServices.GetRequiredService<LiveAnswers>();
        if (!question.IsOneKey)
        {
            LivePicture? picture = await answers.AnswerAsync(question, http.RequestAborted).ConfigureAwait(false);
            await (picture is null ? Unknown(name, http).ExecuteAsync(http) : WriteAsync(http, picture.Json))
                .ConfigureAwait(false);
            return;
        }

        LiveJson writer = answers.RentWriter();
        try
        {
            bool found = await answers.WriteOneAsync(question, writer, http.RequestAborted).ConfigureAwait(false);
            await (found ? WriteAsync(http, writer) : Unknown(name, http).ExecuteAsync(http)).ConfigureAwait(false);
        }
        finally
        {
            answers.ReturnWriter(writer);
        }
    }

    private static async Task FollowAsync(string name, HttpContext http)
    {
        if (Refuse(name, http, out LiveQuestion? question) is { } refusal)
        {
            await refusal.ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        LiveStreams streams = http.RequestServices.GetRequiredService<LiveStreams>();
        await EndlessAnswer.WriteAsync(
            http, "text/event-stream", (body, ended) => streams.FollowAsync(question!, body, ended))
            .ConfigureAwait(false);
    }

    private static IResult? Refuse(string name, HttpContext http, out LiveQuestion? question)
    {
        question = null;
        IServiceProvider services = http.RequestServices;
        Principal? principal = http.Asks();
        if (principal is null)
        {
            return AccessErrors.Unauthorized();
        }

        AggregatePlan? plan = services.GetRequiredService<LiveAnswers>().FindPlan(name);
        if (plan is null)
        {
            return Unknown(name, http);
        }

        if (!principal.MayRead(new TableName(Schema, name)))
        {
            return ServerErrors.Forbidden($"read {Schema}.{name}");
        }

        // Live windows come from memory, where no filter and no mask is applied.
        if (!principal.MayReadPlainly(new TableName(Schema, name)))
        {
            return ServerErrors.Ruled($"{Schema}.{name}");
        }

        question = new LiveQuestionReader(plan, services.GetRequiredService<LiveAnswers>().Zone)
            .Read(http.Request.Query, out var mistake);
        return question is null ? ServerErrors.BadRequest(mistake.Message, mistake.Hint) : null;
    }

    /// <summary>The answer where no such aggregate runs.</summary>
    public static IResult Unknown(string name, HttpContext http) => ServerErrors.UnknownAggregate(
        name, http.RequestServices.GetRequiredService<ILiveAggregates>().List().Select(static each => each.Plan.Name));

    private static Task WriteAsync(HttpContext http, LiveJson writer)
    {
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentLength = writer.Written.Length;
        PipeWriter body = http.Response.BodyWriter;
        writer.Written.CopyTo(body.GetSpan(writer.Written.Length));
        body.Advance(writer.Written.Length);
        return body.FlushAsync(http.RequestAborted).AsTask();
    }

    private static Task WriteAsync(HttpContext http, ReadOnlyMemory<byte> json)
    {
        http.Response.ContentType = "application/json";
        http.Response.Headers.CacheControl = "no-store";
        http.Response.ContentLength = json.Length;
        return http.Response.BodyWriter.WriteAsync(json, http.RequestAborted).AsTask();
    }
}
