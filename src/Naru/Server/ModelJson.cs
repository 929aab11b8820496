using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Ledger;
using Naru.Models;
using Naru.Sources;

namespace Naru.Server;

/// <summary>What the routes say of models and intervals.</summary>
internal static class ModelJson
{
    public static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What fills a table by the table's name alone.</summary>
    public static string NameOf(IScheduled thing) => thing.Fills is not null ? thing.Name : thing.Thing;

    public static string NameOf(IntervalStatus status) => status.ToString().ToLowerInvariant();

    public static JsonObject About(ModelDefinition model, ModelPlanner planner, JsonObject counts) => new()
    {
        ["model"] = model.Name,
        ["thing"] = model.Thing,
        ["table"] = model.Table.Name.ToString(),
        ["description"] = model.Header.Description,
        ["owner"] = model.Header.Owner,
        ["every"] = model.Every == IntervalKind.Hour ? "hour" : "day",
        ["schedule"] = model.Header.Schedule?.ToString(),
        ["start"] = planner.StartOf(model) is { } start
            ? planner.Calendar.Name(planner.Calendar.At(model.Every, start)) : null,
        ["reads"] = new JsonArray([.. model.Inputs.Select(static input => (JsonNode)new JsonObject
        {
            ["table"] = input.Table.ToString(),
            ["back"] = input.Back == TimeSpan.Zero ? null : DurationText.Format(input.Back),
        })]),
        ["checks"] = new JsonArray([.. model.Checks.Select(static check => (JsonNode)new JsonObject
        {
            ["check"] = check.Text,
            ["severity"] = check.Severity.ToString().ToLowerInvariant(),
        })]),
        ["intervals"] = counts,
    };

    public static JsonObject About(SnapshotDefinition snapshot, ModelPlanner planner, JsonObject counts) => new()
    {
        ["name"] = snapshot.Name,
        ["thing"] = snapshot.Thing,
        ["table"] = snapshot.Fills!.Value.ToString(),
        ["description"] = snapshot.Description,
        ["owner"] = snapshot.Owner,
        ["source"] = snapshot.Source,
        ["server_table"] = snapshot.ServerTable.ToString(),
        ["every"] = snapshot.Every == IntervalKind.Hour ? "hour" : "day",
        ["schedule"] = snapshot.Schedule?.ToString(),
        ["start"] = snapshot.Start is { } start
            ? planner.Calendar.Name(planner.Calendar.At(snapshot.Every, start)) : null,
        ["cursor"] = snapshot.Cursor.Length == 0 ? null : snapshot.Cursor,
        ["intervals"] = counts,
    };

    public static JsonObject About(AggregateIntervals aggregate, ModelPlanner planner, JsonObject counts) => new()
    {
        ["name"] = aggregate.Name,
        ["thing"] = aggregate.Thing,
        ["table"] = aggregate.Fills!.Value.ToString(),
        ["description"] = aggregate.Description,
        ["owner"] = aggregate.Owner,
        ["every"] = aggregate.Every == IntervalKind.Hour ? "hour" : "day",
        ["start"] = planner.StartOf(aggregate) is { } start
            ? planner.Calendar.Name(planner.Calendar.At(aggregate.Every, start)) : null,
        ["restate"] = aggregate.Plan.RestatesItself ? "auto" : "manual",
        ["reads"] = new JsonArray([.. aggregate.Inputs.Select(static input => (JsonNode)new JsonObject
        {
            ["table"] = input.Table.ToString(), ["back"] = null,
        })]),
        ["intervals"] = counts,
    };

    public static JsonObject About(IntervalView view, IntervalCalendar calendar)
    {
        IntervalRecord? record = view.Entry?.Record;
        return new JsonObject
        {
            ["interval"] = calendar.Name(view.Interval),
            ["next"] = calendar.Name(calendar.Next(view.Interval)),
            ["status"] = NameOf(view.Status),
            ["why"] = view.Why,
            ["attempt"] = record?.Attempt ?? 0,
            ["rows"] = record?.Filled?.Rows,
            ["filled_at"] = record?.Filled is { } filled ? Time(filled.At) : null,
            ["by"] = record?.By,
            ["warnings"] = view.Status is IntervalStatus.Done or IntervalStatus.Stale ? record?.Warnings : null,
        };
    }

    public static JsonObject About(BackfillStep step, IntervalCalendar calendar) => new()
    {
        ["model"] = NameOf(step.Thing),
        ["interval"] = calendar.Name(step.View.Interval),
        ["status"] = NameOf(step.View.Status),
        ["runs"] = step.Runs,
        ["why"] = step.Why,
    };

    public static JsonObject About(BackfillEvent ended, IntervalCalendar calendar) => new()
    {
        ["model"] = NameOf(ended.Thing),
        ["first"] = calendar.Name(ended.First),
        ["last"] = calendar.Name(ended.Last),
        ["done"] = ended.Outcome.Done,
        ["rows"] = ended.Outcome.Rows,
        ["why"] = ended.Outcome.Why,
        ["warnings"] = ended.Outcome.Warnings.Length == 0 ? null : ended.Outcome.Warnings,
    };

    private static string Time(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * 10)
        .ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ", CultureInfo.InvariantCulture);
}
