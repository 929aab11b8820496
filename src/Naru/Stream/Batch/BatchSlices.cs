using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Events;
using Naru.Core.Windows;
using Naru.Lake.Delta;
using Naru.Stream.Aggregate;

namespace Naru.Stream.Batch;

/// <summary>
/// Window starts [From, To) in Unix microseconds that are worked on at once: a day of the project's zone, or an hour of
/// one whose table has many rows.
/// </summary>
internal readonly record struct BatchSlice(long From, long To);

/// <summary>Cuts a range of windows into slices, without those where neither table nor logs have anything.</summary>
internal sealed class BatchSlices
{
    private const long DayRowsMax = 500_000;

    private readonly AggregateInputs _inputs;
    private readonly ProjectZone _zone;
    private readonly (DeltaFile File, int Day, int Hour)[] _table;

    public BatchSlices(AggregateInputs inputs)
    {
        _inputs = inputs;
        _zone = inputs.Zone;
        _table = [.. (inputs.Table?.Version.Files ?? []).Select(static file => (file, DayOf(file), HourOf(file)))];
    }

    /// <summary>Slices of windows that begin in [from, to), in order.</summary>
    public ImmutableArray<BatchSlice> Of(long from, long to)
    {
        SortedSet<int> days = [.. _table.Select(static each => each.Day)];
        long reach = Reach();
        foreach (BatchFile file in _inputs.Sources.SelectMany(static source => source.FieldsFiles))
        {
            // An event may be in windows that began before it.
            int last = _zone.DayAt(file.MaxEventTime, out _);
            for (int day = _zone.DayAt(Math.Max(file.MinEventTime - reach, ProjectZone.FirstMicroseconds), out _);
                day <= last; day++)
            {
                days.Add(day);
            }
        }

        return
        [
            .. days.SelectMany(Slices)
                .Select(slice => new BatchSlice(Math.Max(slice.From, from), Math.Min(slice.To, to)))
                .Where(static slice => slice.From < slice.To),
        ];
    }

    /// <summary>Files of the table that may hold windows of a slice.</summary>
    public IEnumerable<DeltaFile> Files(BatchSlice slice)
    {
        (int Day, int Hour) first = PartitionOf(slice.From);
        (int Day, int Hour) last = PartitionOf(slice.To - 1);

        // A clock that is put back shows an hour twice, never another day.
        return _table
            .Where(each => each.Day >= first.Day && each.Day <= last.Day)
            .Where(each => last.Day != first.Day || slice.To - slice.From > ProjectZone.HourMicroseconds
                || each.Hour == first.Hour || each.Hour == last.Hour)
            .Select(static each => each.File);
    }

    private IEnumerable<BatchSlice> Slices(int day)
    {
        long from = _zone.ToUtc(day * ProjectZone.DayMicroseconds);
        long to = _zone.ToUtc((day + 1) * ProjectZone.DayMicroseconds);
        long step = _table.Where(each => each.Day == day).Sum(static each => each.File.Rows) > DayRowsMax
            ? ProjectZone.HourMicroseconds
            : to - from;
        for (long at = from; at < to; at += step)
        {
            yield return new BatchSlice(at, Math.Min(at + step, to));
        }
    }

    private long Reach()
    {
        WindowSpec window = _inputs.Plan.Window;
        return window.Kind == WindowKind.Session ? 0
            : window.IsDays ? (window.Size + 1) * ProjectZone.DayMicroseconds
            : window.Size;
    }

    private (int Day, int Hour) PartitionOf(long time) => OutputRows.PartitionOf(time, _zone);

    private static int DayOf(DeltaFile file) =>
        DateOnly.Parse(file.PartitionValues[0]!, CultureInfo.InvariantCulture).DayNumber
            - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber;

    private static int HourOf(DeltaFile file) => int.Parse(file.PartitionValues[1]!, CultureInfo.InvariantCulture);
}
