using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Lake.DuckDb;
using Naru.Models;
using Naru.State;
using Naru.Stream.Aggregate;
using Naru.Stream.Batch;

namespace Naru.Server;

/// <summary>
/// The batch side of aggregates for administrators: `verify`, `recompute` and `flush`. The first two answer with lines
/// of JSON as they go on: `progress`, `difference`, and at last `summary` or `error`.
/// </summary>
internal static class AggregateRoutes
{
    public static void MapAggregates(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/v1/aggregates/{name}/verify", VerifyAsync).Needs(Permission.Administer)
            .WithSummary("Counts closed windows again from the lake and tells every difference.");
        routes.MapPost("/v1/aggregates/{name}/recompute", RecomputeAsync).Needs(Permission.Administer)
            .WithSummary("Counts closed windows again from the lake and puts the result into the table.");
        routes.MapPost("/v1/aggregates/{name}/flush", FlushAsync).Needs(Permission.Administer)
            .WithSummary("Ends an import: closes every window that has begun.");
    }

    private static async Task VerifyAsync(string name, HttpContext http, AggregateRunner runner)
    {
        await RunAsync(name, http, needsRange: false, async (inputs, range, lines) =>
        {
            VerifySummary summary = VerifySummary.Of(inputs);
            await foreach ((SliceResult result, int done, int all) in
                runner.VerifyAsync(inputs, range.From, range.To, http.RequestAborted).ConfigureAwait(false))
            {
                foreach (AggregateDifference difference in result.Differences)
                {
                    lines.Difference(difference, inputs.Zone);
                }

                summary = summary with
                {
                    Rows = summary.Rows + result.Rows,
                    Differences = summary.Differences + result.Count,
                    Waiting = summary.Waiting + result.Waiting,
                };
                lines.Progress(done, all, summary.Rows);
                await lines.FlushAsync().ConfigureAwait(false);
            }

            lines.Summary(summary);
        }).ConfigureAwait(false);
    }

    /// <summary>What `naru run` does with `--all`, for every interval that the range touches.</summary>
    private static async Task RecomputeAsync(
        string name, HttpContext http, AggregateSchedule schedule, ModelBackfill backfill)
    {
        await RunAsync(name, http, needsRange: true, async (inputs, range, lines) =>
        {
            BackfillOrder order = new()
            {
                Thing = schedule.Find(name)
                    ?? throw new FillException($"the file of {name} is gone or wrong; see `naru check`"),
                From = range.From,
                To = range.To,
                All = true,
                Force = true,
                By = AccessModule.Refusal(http, out Principal? principal) is null ? principal!.Name : "",
            };
            VerifySummary summary = VerifySummary.Of(inputs);
            int done = 0;
            await foreach (BackfillEvent ended in backfill.RunAsync(order, http.RequestAborted).ConfigureAwait(false))
            {
                if (!ended.Outcome.Done)
                {
                    throw new FillException(ended.Outcome.Why);
                }

                summary = summary with { Rows = summary.Rows + ended.Outcome.Rows, Landing = schedule.Landing };
                lines.Progress(++done, done, summary.Rows);
                await lines.FlushAsync().ConfigureAwait(false);
            }

            lines.Summary(summary);
        }).ConfigureAwait(false);
    }

    private static async Task<IResult> FlushAsync(string name, HttpContext http, AggregateRunner runner) =>
        AccessModule.Refusal(http, out _)
        ?? (await runner.FlushAsync(name, http.RequestAborted).ConfigureAwait(false)
            ? Results.Json(new FlushAnswer(name), AggregatesJson.Default.FlushAnswer)
            : LiveModule.Unknown(name, http));

    private static async Task RunAsync(
        string name,
        HttpContext http,
        bool needsRange,
        Func<AggregateInputs, (long From, long To), BatchLines, Task> work)
    {
        IResult? refusal = AccessModule.Refusal(http, out _);
        AggregateInputs? taken = refusal is not null
            ? null
            : await http.RequestServices.GetRequiredService<AggregateRunner>()
                .TakeAsync(name, http.RequestAborted).ConfigureAwait(false);
        refusal ??= taken is null ? LiveModule.Unknown(name, http) : null;
        (long From, long To) range = default;
        if (taken is not null)
        {
            refusal = Range(http.Request.Query, taken, needsRange, out range);
        }

        using AggregateInputs? inputs = taken;
        if (refusal is not null)
        {
            await refusal.ExecuteAsync(http).ConfigureAwait(false);
            return;
        }

        http.Response.ContentType = "application/x-ndjson";
        BatchLines lines = new(http);
        try
        {
            await work(inputs!, range, lines).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (http.RequestAborted.IsCancellationRequested)
        {
            // Whoever asked went away.
            return;
        }
        catch (Exception exception) when (
            exception is DuckDbException or StorageException or AggregateChangedException or TimeoutException
                or OperationCanceledException or FillException or StateException)
        {
            ServerLog.AggregateBatchFailed(
                http.RequestServices.GetRequiredService<ILogger<AggregateRunner>>(), name, exception);
            lines.Error(exception.Message);
        }

        await lines.FlushAsync().ConfigureAwait(false);
    }

    private static IResult? Range(
        IQueryCollection query, AggregateInputs inputs, bool needsRange, out (long From, long To) range)
    {
        range = (long.MinValue, long.MaxValue);
        foreach (string name in (string[])["from", "to"])
        {
            string? text = query[name];
            if (string.IsNullOrEmpty(text))
            {
                if (needsRange)
                {
                    return ServerErrors.BadRequest($"`{name}` is missing", "name the windows: from=…&to=…");
                }

                continue;
            }

            if (!TimeParameter.TryRead(text, inputs.Zone, out long time))
            {
                return ServerErrors.BadRequest($"`{name}` is \"{text}\", which is no time", TimeParameter.Hint);
            }

            range = name == "from" ? (time, range.To) : (range.From, time);
        }

        if (range.From >= range.To)
        {
            return ServerErrors.BadRequest("`from` is not before `to`", "`to` is exclusive: the first window left out");
        }

        return needsRange && range.From < inputs.FirstKept
            ? ServerErrors.BadRequest(
                $"events before {ValueText.Time(inputs.FirstKept, inputs.Zone)} have expired from the lake",
                "begin where they are still kept; what the table has of earlier windows stays")
            : null;
    }
}

/// <summary>What was done, at the end.</summary>
internal sealed record VerifySummary(
    string Aggregate, long Landing, string? Watermark, long Rows, long Differences, long Waiting)
{
    public static VerifySummary Of(AggregateInputs inputs) => new(
        inputs.Plan.Name,
        inputs.Landing,
        inputs.Watermark == Core.Windows.LogClock.Unknown ? null : ValueText.Time(inputs.Watermark, inputs.Zone),
        0,
        0,
        0);
}

internal sealed record FlushAnswer(string Flushed);

/// <summary>The lines of an answer that goes on.</summary>
internal sealed class BatchLines(HttpContext http)
{
    private readonly ArrayBufferWriter<byte> _lines = new();

    public void Progress(int done, int all, long rows) => Write("progress", json =>
    {
        json.WriteNumber("done", done);
        json.WriteNumber("all", all);
        json.WriteNumber("rows", rows);
    });

    public void Difference(AggregateDifference difference, ProjectZone zone) => Write("difference", json =>
    {
        json.WriteString("kind", difference.Kind.ToString().ToLowerInvariant());
        json.WriteString("window", ValueText.Time(difference.Window, zone));
        json.WriteString("key", difference.Key);
        json.WriteString("column", difference.Column);
        json.WriteString("stream", difference.Stream);
        json.WriteString("batch", difference.Batch);
    });

    public void Summary(VerifySummary summary) => Write("summary", json =>
    {
        json.WriteString("aggregate", summary.Aggregate);
        json.WriteNumber("landing", summary.Landing);
        json.WriteString("watermark", summary.Watermark);
        json.WriteNumber("rows", summary.Rows);
        json.WriteNumber("differences", summary.Differences);
        json.WriteNumber("waiting", summary.Waiting);
    });

    public void Error(string message) => Write("error", json =>
    {
        json.WriteString("code", "batch_failed");
        json.WriteString("message", message);
        json.WriteString("hint", "try again; what was put in already stays");
    });

    public async Task FlushAsync()
    {
        await http.Response.Body.WriteAsync(_lines.WrittenMemory, http.RequestAborted).ConfigureAwait(false);
        await http.Response.Body.FlushAsync(http.RequestAborted).ConfigureAwait(false);
        _lines.ResetWrittenCount();
    }

    private void Write(string name, Action<Utf8JsonWriter> members)
    {
        using (Utf8JsonWriter json = new(
            _lines,
            new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            json.WriteStartObject();
            json.WriteStartObject(name);
            members(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        _lines.Write("\n"u8);
    }
}
