using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Lake.Columns;
using Naru.Lake.Delta;

namespace Naru.Models;

/// <summary>The rows of one attempt at one interval, in a file that no version of the table has.</summary>
/// <param name="Interval">Which.</param>
/// <param name="Attempt">The attempt's number.</param>
/// <param name="File">As the commit will add it.</param>
/// <param name="Path">Where it lies.</param>
internal sealed record StagedInterval(Interval Interval, long Attempt, DeltaFile File, string Path);

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
        _left.UnionWith(intervals.Select(static each => each.Path));

    public void Dispose()
    {
        foreach (StagedInterval each in _intervals)
        {
            if (!_left.Contains(each.Path))
            {
                files.Delete(each.Path);
            }
        }
    }
}
