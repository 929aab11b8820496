using System.Collections.Immutable;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Lake.Columns;
using Naru.Lake.Delta;

namespace Naru.Models;

/// <summary>The rows of one attempt at one interval, in files that no version of the table has.</summary>
/// <param name="Interval">Which.</param>
/// <param name="Attempt">The attempt's number.</param>
/// <param name="Files">As the commit will add them.</param>
/// <param name="Paths">Where they lie.</param>
internal sealed record StagedInterval(
    Interval Interval, long Attempt, ImmutableArray<DeltaFile> Files, ImmutableArray<string> Paths)
{
    public long Rows => Files.Sum(static file => file.Rows);
}

/// <summary>Rows that are made and not committed. What is not taken into a commit goes with it.</summary>
internal sealed class StagedRows(IntervalTable table, IFileSystem files) : IDisposable
{
    private readonly List<StagedInterval> _intervals = [];
    private readonly HashSet<string> _left = new(StringComparer.Ordinal);

    public IntervalTable Table => table;

    public TableSchema Schema => table.Schema;

    public IReadOnlyList<StagedInterval> Intervals => _intervals;

    public void Add(StagedInterval interval) => _intervals.Add(interval);

    /// <summary>A commit is tried with these: whatever comes of it, their files are not taken away here.</summary>
    public void Leave(IEnumerable<StagedInterval> intervals) =>
        _left.UnionWith(intervals.SelectMany(static each => each.Paths));

    public void Dispose()
    {
        foreach (string path in _intervals.SelectMany(static each => each.Paths).Where(path => !_left.Contains(path)))
        {
            files.Delete(path);
        }
    }
}
