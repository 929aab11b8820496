using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Naru.Aggregates;
using Naru.Core.Hashing;
using Naru.Core.Windows;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Stream.Landing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// How often windows were written again, as the table has it. The stream notes it with every landing; after a restart
/// it is read from the table, of which files without a revision are known by their statistics.
/// </summary>
internal static class WindowRevisions
{
    private const string Revision = "_revision";

    /// <summary>
    /// By <see cref="WindowIds"/>, of windows that begin at or after an instant, without those that never were revised.
    /// </summary>
    public static ImmutableDictionary<long, int> Read(LandingContext context, RunningAggregate running, long from)
    {
        ImmutableDictionary<long, int>.Builder revisions = ImmutableDictionary.CreateBuilder<long, int>();
        if (context.Tables.Find(running.Table) is not { } table)
        {
            return revisions.ToImmutable();
        }

        (int day, _) = OutputRows.PartitionOf(from, running.Zone);
        string first = DateOnly.FromDateTime(DateTime.UnixEpoch).AddDays(day)
            .ToString("O", CultureInfo.InvariantCulture);
        int outputs = running.Plan.Outputs.Length;
        TableSchema schema = new([.. running.Plan.Schema.Columns.Take(outputs + 1)]);
        WindowIds ids = WindowIds.OfOutputs(running.Plan);
        foreach (DeltaFile file in table.Current.Files)
        {
            if (string.CompareOrdinal(file.PartitionValues[0], first) < 0 || HasNone(file))
            {
                continue;
            }

            using ColumnBatch rows = context.Reader.Read(table.PathOf(file), schema);
            for (int row = 0; row < rows.RowCount; row++)
            {
                int revision = rows.Columns[outputs].ValueAt<int>(row);
                if (revision > 0 && ids.StartOf(rows, row) >= from)
                {
                    revisions[ids.Of(rows, row)] = revision;
                }
            }
        }

        return revisions.ToImmutable();
    }

    private static bool HasNone(DeltaFile file)
    {
        if (file.Statistics is null)
        {
            return false;
        }

        using JsonDocument statistics = JsonDocument.Parse(file.Statistics);
        return statistics.RootElement.TryGetProperty("maxValues", out JsonElement greatest)
            && greatest.TryGetProperty(Revision, out JsonElement revision)
            && revision.TryGetInt32(out int most) && most == 0;
    }
}

/// <summary>
/// What windows of an aggregate are told apart by in memory: the start, and of sessions the key with it. Never written
/// to disk. Used by one thread.
/// </summary>
internal sealed class WindowIds
{
    private readonly bool _isSession;
    private readonly int _start;
    private readonly int[] _keys;
    private readonly ByteBuffer _key = new();

    private WindowIds(AggregatePlan plan, int start, IEnumerable<int> keys)
    {
        _isSession = plan.Window.Kind == WindowKind.Session;
        _start = start;
        _keys = [.. keys];
    }

    /// <summary>Of rows in the plan's base columns.</summary>
    public static WindowIds OfBase(AggregatePlan plan) => new(plan, 0, Enumerable.Range(2, plan.Keys.Length));

    /// <summary>Of rows in the columns of the select list, which has the start and every key.</summary>
    public static WindowIds OfOutputs(AggregatePlan plan)
    {
        List<int> bases = [.. plan.Outputs.Select(static output => output.Base)];
        return new(plan, bases.IndexOf(0), Enumerable.Range(2, plan.Keys.Length).Select(key => bases.IndexOf(key)));
    }

    public long StartOf(ColumnBatch rows, int row) => rows.Columns[_start].ValueAt<long>(row);

    public long Of(ColumnBatch rows, int row)
    {
        if (!_isSession)
        {
            return StartOf(rows, row);
        }

        _key.Clear();
        foreach (int column in _keys)
        {
            ValueCode.Write(_key, ColumnView.Of(rows.Columns[column]), row);
        }

        return OfSession(StartOf(rows, row), _key.Written);
    }

    /// <param name="start">Unix microseconds.</param>
    /// <param name="key">As <see cref="ValueCode"/> writes its columns.</param>
    public static long OfSession(long start, ReadOnlySpan<byte> key) => start ^ (long)SeededHash64.Of(key);
}
