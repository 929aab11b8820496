using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Core.Text;
using Naru.Core.Windows;
using Naru.Stream.Aggregate;
using Naru.Stream.Batch;

namespace Naru.Server;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.Never)]
[JsonSerializable(typeof(AggregateList))]
[JsonSerializable(typeof(FlushAnswer))]
internal sealed partial class AggregatesJson : JsonSerializerContext;

internal sealed record AggregateList(ImmutableArray<AggregateItem> Aggregates);

/// <summary>One aggregate as `GET /v1/aggregates` shows it.</summary>
internal sealed record AggregateItem
{
    public required string Name { get; init; }

    public required string Description { get; init; }

    public required string Owner { get; init; }

    /// <summary>As in SQL, e.g. `hop 1m of 5m`.</summary>
    public required string Window { get; init; }

    public required string Lateness { get; init; }

    public required ImmutableArray<string> Logs { get; init; }

    public required ImmutableArray<string> Keys { get; init; }

    public required ImmutableArray<AggregateItemColumn> Columns { get; init; }

    /// <summary>Windows that end at or before it are closed; null before the first event.</summary>
    public required string? Watermark { get; init; }

    public required string? AsOf { get; init; }

    public required bool Building { get; init; }

    /// <summary>How much of the newest version's history is counted, from 0 to 1.</summary>
    public required double Built { get; init; }

    public required long OpenWindows { get; init; }

    public required long Groups { get; init; }

    public required long StateBytes { get; init; }

    public required long SpilledBytes { get; init; }

    public required long LateEvents { get; init; }

    public required long Revisions { get; init; }

    public static AggregateItem Of(LiveStatus status, ProjectZone zone)
    {
        AggregatePlan plan = status.Plan;
        return new AggregateItem
        {
            Name = plan.Name,
            Description = plan.Description,
            Owner = plan.Owner,
            Window = Text(plan.Window),
            Lateness = DurationText.Format(plan.Lateness),
            Logs = [.. plan.Sources.Select(static source => source.Log).Distinct()],
            Keys =
            [
                .. plan.Outputs.Where(output => output.Base >= 2 && output.Base < 2 + plan.Keys.Length)
                    .Select(static output => output.Name),
            ],
            Columns = [.. plan.Outputs.Select(static output => new AggregateItemColumn(output.Name, output.Type.Sql))],
            Watermark = Time(status.Watermark, zone),
            AsOf = Time(status.AsOf, zone),
            Building = status.IsBuilding,
            Built = status.Built,
            OpenWindows = status.OpenWindows,
            Groups = status.Groups,
            StateBytes = status.StateBytes,
            SpilledBytes = status.SpilledBytes,
            LateEvents = status.LateEvents,
            Revisions = status.Revisions,
        };
    }

    private static string? Time(long microseconds, ProjectZone zone) =>
        microseconds == long.MinValue ? null : ValueText.Time(microseconds, zone);

    private static string Text(WindowSpec window) => window.Kind switch
    {
        WindowKind.Tumble => $"tumble {Length(window.Size, window)}",
        WindowKind.Hop => $"hop {Length(window.Slide, window)} of {Length(window.Size, window)}",
        _ => $"session {Length(window.Size, window)}",
    };

    private static string Length(long length, WindowSpec window) => DurationText.Format(
        window.IsDays ? TimeSpan.FromDays(length) : TimeSpan.FromMicroseconds(length));
}

internal sealed record AggregateItemColumn(string Name, string Type);
