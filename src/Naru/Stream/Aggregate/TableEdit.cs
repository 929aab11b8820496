using System.Collections.Immutable;
using System.Globalization;
using Naru.Aggregates;
using Naru.Core;
using Naru.Core.Windows;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Stream.Landing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// What one landing does to the table of one aggregate: rows of windows that close, and for windows that are revised
/// or recomputed the files of their hours written anew without the old rows. An hour that has many files is written
/// anew too. Only landings change these tables, so what is read here is what the commit meets.
/// </summary>
internal sealed class TableEdit(LandingContext context, SealedAggregate part, SealedAggregates cut)
{
    private const int FilesPerHourMax = 12;

    private readonly RunningAggregate _aggregate = part.Aggregate;
    private readonly HashSet<long> _revisedStarts = [];
    private readonly HashSet<(long Start, string Key)> _goneSessions = [];
    private readonly Dictionary<string, List<(long Start, long End)>> _newSessions = [];
    private readonly Dictionary<long, int> _revisions = [];
    private readonly WindowIds _ids = WindowIds.OfOutputs(part.Aggregate.Plan);
    private readonly WindowIds _baseIds = WindowIds.OfBase(part.Aggregate.Plan);
    private readonly List<DeltaFile> _rewritten = [];
    private DeltaTable? _table;

    /// <summary>New rows of the table, those of rewritten hours among them; null when nothing changes.</summary>
    public TableRows? Rows { get; private set; }

    /// <summary>
    /// Sessions of the batch side that the stream still revises, as ranges: they go on waiting for recomputation.
    /// </summary>
    public List<WindowRange> Skipped { get; } = [];

    /// <summary>Windows of which rows were written again, by <see cref="WindowIds"/>, and how often by now.</summary>
    public IEnumerable<KeyValuePair<long, int>> Revised =>
        _revisions.Select(static before => KeyValuePair.Create(before.Key, before.Value + 1));

    /// <summary>Files that the commit removes.</summary>
    public ImmutableArray<string> Removes => [.. _rewritten.Select(static file => file.Path)];

    private AggregatePlan Plan => _aggregate.Plan;

    /// <summary>Adds the sealed layer to the landed one and makes the rows; returns how many windows were revised.
    /// </summary>
    public long Collect()
    {
        HashSet<long> touched = [.. part.Added.Panes];
        List<(byte[] Key, long First)> changed = ChangedSessions();
        _aggregate.Fold(
            (key, first, _) => _goneSessions.Add((first, Convert.ToHexString(key))), part.ClosedBefore);
        using OutputRows output = new(Plan, _aggregate.Zone);
        if (_aggregate.Windows is { } windows)
        {
            CollectWindows(windows, touched, output);
        }
        else
        {
            CollectSessions(changed, output);
        }

        WindowReplacement[] replacements =
            [.. cut.Replacements.Where(each => each.Aggregate == _aggregate)];
        if (output.Count + _revisedStarts.Count + _goneSessions.Count + replacements.Length > 0)
        {
            Write(output, replacements);
        }

        return _revisedStarts.Count + _goneSessions.Count;
    }

    private void CollectWindows(WindowAssigner windows, HashSet<long> touched, OutputRows output)
    {
        long firstTaken = _aggregate.FirstTaken(part.WatermarkBefore);
        SortedSet<long> candidates = [];
        foreach (long pane in _aggregate.Landed.Panes)
        {
            for (long window = windows.FirstWindowOf(pane); window <= windows.LastWindowOf(pane);
                window += windows.PanesPerSlide)
            {
                candidates.Add(window);
            }
        }

        foreach (long window in candidates)
        {
            long end = windows.EndOf(window);
            bool closes = end <= part.Watermark && (part.ClosedBefore == LogClock.Unknown
                || end > part.ClosedBefore);
            bool revised = !closes && end <= part.WatermarkBefore && window >= firstTaken
                && HasTouched(touched, window, windows.PanesPerWindow);
            if (closes || revised)
            {
                AddWindow(windows, window, output);
            }

            if (revised)
            {
                _revisedStarts.Add(windows.StartOf(window));
            }
        }
    }

    private static bool HasTouched(HashSet<long> touched, long window, long panes) =>
        panes < touched.Count
            ? Enumerable.Range(0, (int)panes).Any(i => touched.Contains(window + i))
            : touched.Any(pane => pane >= window && pane < window + panes);

    private void AddWindow(WindowAssigner windows, long window, OutputRows output)
    {
        long start = windows.StartOf(window);
        long end = windows.EndOf(window);
        if (windows.PanesPerWindow == 1)
        {
            GroupTable only = _aggregate.Landed.Borrow(window)!;
            output.Add(start, end, only);
            _aggregate.Landed.Return(window, only);
            return;
        }

        GroupTable merged = new(Plan);
        for (long pane = window; pane < window + windows.PanesPerWindow; pane++)
        {
            _aggregate.Landed.AddTo(merged, pane);
        }

        output.Add(start, end, merged);
        merged.Free();
    }

    private List<(byte[] Key, long First)> ChangedSessions()
    {
        List<(byte[], long)> changed = [];
        if (part.Added.Sessions is { } added)
        {
            foreach (int session in added.Live())
            {
                changed.Add((added.KeyOf(session).ToArray(), added.FirstAt(session)));
            }
        }

        return changed;
    }

    /// <summary>Sessions that end by the watermark and did not before, or that the cut changed.</summary>
    private void CollectSessions(List<(byte[] Key, long First)> changed, OutputRows output)
    {
        SessionTable sessions = _aggregate.Landed.Sessions!;
        HashSet<int> chosen = [];
        foreach ((byte[] key, long first) in changed)
        {
            foreach (int session in sessions.SessionsOf(key))
            {
                if (first >= sessions.FirstAt(session) && first < sessions.EndAt(session))
                {
                    chosen.Add(session);
                }
            }
        }

        foreach (int session in sessions.Live())
        {
            if (sessions.EndAt(session) > part.Watermark)
            {
                continue;
            }

            bool closes = part.ClosedBefore == LogClock.Unknown || sessions.EndAt(session) > part.ClosedBefore;
            if (closes || chosen.Contains(session))
            {
                output.Add(sessions, session);
            }
        }

        // Whatever the cut changed is in memory.
        _aggregate.Landed.Spilled!.VisitEnding(part.ClosedBefore, part.Watermark, output.Add);
    }

    private void Write(OutputRows output, WindowReplacement[] replacements)
    {
        _table = context.Tables.FindOrCreate(
            _aggregate.Table, new TableShape(Plan.Schema, AggregateTables.PartitionColumns));
        ColumnBatch rows = new(Plan.Schema);
        NoteNewSessions(replacements);
        Dictionary<(int, int), List<DeltaFile>> hours = FilesByHour();
        foreach ((int, int) hour in HoursToRewrite(output, replacements, hours))
        {
            foreach (DeltaFile file in hours[hour])
            {
                _rewritten.Add(file);
                KeepRows(file, hour, replacements, rows);
            }
        }

        output.AppendTo(rows, isFinal: true, (from, row) => RevisionOf(_baseIds.Of(from, row)), cut.Database);
        foreach (WindowReplacement replacement in replacements)
        {
            AppendReplacement(replacement, rows);
        }

        Rows = new TableRows(_aggregate.Table, (0, 0), rows, AggregateTables.PartitionColumns.Length);
        Rows.Live.AddRange(Enumerable.Range(0, rows.RowCount));
    }

    private int RevisionOf(long window) => _revisions.TryGetValue(window, out int before) ? before + 1 : 0;

    private Dictionary<(int Day, int Hour), List<DeltaFile>> FilesByHour()
    {
        Dictionary<(int, int), List<DeltaFile>> hours = [];
        foreach (DeltaFile file in _table!.Current.Files)
        {
            DateOnly day = DateOnly.Parse(file.PartitionValues[0]!, CultureInfo.InvariantCulture);
            int hour = int.Parse(file.PartitionValues[1]!, CultureInfo.InvariantCulture);
            (int, int) key = (day.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber, hour);
            if (!hours.TryGetValue(key, out List<DeltaFile>? files))
            {
                hours.Add(key, files = []);
            }

            files.Add(file);
        }

        return hours;
    }

    private List<(int Day, int Hour)> HoursToRewrite(
        OutputRows output, WindowReplacement[] replacements, Dictionary<(int Day, int Hour), List<DeltaFile>> hours)
    {
        HashSet<(int, int)> wanted =
        [
            .. _revisedStarts.Concat(_goneSessions.Select(static session => session.Start))
                .Select(start => OutputRows.PartitionOf(start, _aggregate.Zone)),
        ];
        if (output.Count > 0)
        {
            wanted.UnionWith(hours.Where(static hour => hour.Value.Count >= FilesPerHourMax)
                .Select(static hour => hour.Key));
        }

        foreach ((long start, long end) in _newSessions.Values.SelectMany(static sessions => sessions))
        {
            (int, int) first = PartitionOfBound(start);
            (int, int) last = PartitionOfBound(end);
            wanted.UnionWith(hours.Keys.Where(hour => hour.CompareTo(first) >= 0 && hour.CompareTo(last) <= 0));
        }

        foreach (WindowReplacement replacement in replacements)
        {
            // Not the hour that begins where the range ends: whoever reads it would take it for changed.
            (int, int) first = PartitionOfBound(replacement.From);
            (int, int) last = PartitionOfBound(Math.Max(replacement.From, replacement.To - 1));
            wanted.UnionWith(hours.Keys.Where(hour => hour.CompareTo(first) >= 0 && hour.CompareTo(last) <= 0));
        }

        return [.. wanted.Where(hours.ContainsKey).Order()];
    }

    /// <summary>Bounds may lie outside of what is a time.</summary>
    private (int Day, int Hour) PartitionOfBound(long time) =>
        time <= Core.Events.ProjectZone.FirstMicroseconds ? (int.MinValue, 0)
        : time >= Core.Events.ProjectZone.LastMicroseconds ? (int.MaxValue, 0)
        : OutputRows.PartitionOf(time, _aggregate.Zone);

    private void KeepRows(
        DeltaFile file, (int Day, int Hour) hour, WindowReplacement[] replacements, ColumnBatch rows)
    {
        int kept = Plan.Schema.Columns.Length - AggregateTables.PartitionColumns.Length;
        TableSchema schema = new([.. Plan.Schema.Columns.Take(kept)]);
        using ColumnBatch before = context.Reader.Read(_table!.PathOf(file), schema);
        ColumnView starts = ColumnView.Of(before.Columns[StartColumn()]);
        ColumnView revisions = ColumnView.Of(before.Columns[Plan.Outputs.Length]);
        for (int row = 0; row < before.RowCount; row++)
        {
            long start = starts.At<long>(row);
            if (IsReplaced(start, before, row, replacements))
            {
                long window = _ids.Of(before, row);
                _revisions[window] = Math.Max(_revisions.GetValueOrDefault(window), revisions.At<int>(row));
                continue;
            }

            for (int i = 0; i < kept; i++)
            {
                ColumnCopy.Append(ColumnView.Of(before.Columns[i]), row, rows.Columns[i]);
            }

            rows.Columns[kept].AppendInt32(hour.Day);
            rows.Columns[kept + 1].AppendInt32(hour.Hour);
            rows.EndRow();
        }
    }

    private bool IsReplaced(long start, ColumnBatch before, int row, WindowReplacement[] replacements)
    {
        if (_revisedStarts.Contains(start))
        {
            return true;
        }

        if (_goneSessions.Count > 0 && _goneSessions.Contains((start, KeyOf(before, row))))
        {
            return true;
        }

        if (_newSessions.Count > 0 && _newSessions.TryGetValue(KeyOf(before, row), out var sessions)
            && sessions.Exists(session => start >= session.Start && start < session.End))
        {
            return true;
        }

        foreach (WindowReplacement replacement in replacements)
        {
            if (start >= replacement.From && start < replacement.To
                && !IsRevisable(replacement, start, EndOf(before, row)))
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>The stream still holds the window and revises it itself, or did when the batch side read.</summary>
    private bool IsRevisable(WindowReplacement replacement, long start, long end) =>
        part.WatermarkBefore == LogClock.Unknown
        || (_aggregate.Windows is { } windows ? windows.EndOf(windows.PaneOf(start)) : end)
            + _aggregate.RevisedMicroseconds > Math.Min(part.WatermarkBefore, replacement.Watermark);

    private void AppendReplacement(WindowReplacement replacement, ColumnBatch rows)
    {
        ColumnBatch from = replacement.Rows;
        ColumnView starts = ColumnView.Of(from.Columns[StartColumn()]);
        for (int row = 0; row < from.RowCount; row++)
        {
            long start = starts.At<long>(row);
            if (IsRevisable(replacement, start, EndOf(from, row)))
            {
                if (_aggregate.Windows is null)
                {
                    Skipped.Add(new WindowRange(start, start + 1, replacement.ReadLanding));
                }

                continue;
            }

            for (int i = 0; i < rows.Columns.Length; i++)
            {
                if (i == Plan.Outputs.Length)
                {
                    rows.Columns[i].AppendInt32(RevisionOf(_ids.Of(from, row)));
                }
                else
                {
                    ColumnCopy.Append(ColumnView.Of(from.Columns[i]), row, rows.Columns[i]);
                }
            }

            rows.EndRow();
        }
    }

    /// <summary>A session of the batch side takes the place of all of its key that it covers.</summary>
    private void NoteNewSessions(WindowReplacement[] replacements)
    {
        foreach (WindowReplacement replacement in replacements.Where(_ => _aggregate.Windows is null))
        {
            ColumnView starts = ColumnView.Of(replacement.Rows.Columns[StartColumn()]);
            for (int row = 0; row < replacement.Rows.RowCount; row++)
            {
                long start = starts.At<long>(row);
                long end = EndOf(replacement.Rows, row);
                if (!IsRevisable(replacement, start, end))
                {
                    string key = KeyOf(replacement.Rows, row);
                    if (!_newSessions.TryGetValue(key, out List<(long, long)>? sessions))
                    {
                        _newSessions.Add(key, sessions = []);
                    }

                    sessions.Add((start, end));
                }
            }
        }
    }

    private int StartColumn() => ColumnOfBase(0);

    private long EndOf(ColumnBatch rows, int row)
    {
        int column = ColumnOfBase(1);
        return column < 0 ? long.MinValue : rows.Columns[column].ValueAt<long>(row);
    }

    private string KeyOf(ColumnBatch rows, int row)
    {
        ByteBuffer key = new();
        for (int i = 0; i < Plan.Keys.Length; i++)
        {
            ValueCode.Write(key, ColumnView.Of(rows.Columns[ColumnOfBase(2 + i)]), row);
        }

        return Convert.ToHexString(key.Written);
    }

    private int ColumnOfBase(int position)
    {
        for (int i = 0; i < Plan.Outputs.Length; i++)
        {
            if (Plan.Outputs[i].Base == position)
            {
                return i;
            }
        }

        Invariant.Hold(position == 1);
        return -1;
    }
}
