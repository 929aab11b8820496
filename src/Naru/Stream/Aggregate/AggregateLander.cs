using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core;
using Naru.Core.Files;
using Naru.Core.Windows;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Stream.Landing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// The aggregates' part of a landing, on the landing's thread: writes what the cut adds to a state file, adds it to the
/// landed layer, and makes the rows of windows that the new watermark closes or the cut revises. Nothing is visible
/// before the landing record names it.
/// </summary>
internal sealed class AggregateLander(LandingContext context)
{
    /// <summary>All partial results are written anew when the files since then are so many times as large.</summary>
    private const int WholeStateShare = 2;
    private const long WholeStateBytesMin = 16 << 20;

    /// <summary>Batches run one at a time, so that of few the ledger has not heard.</summary>
    private const int MarksMax = 8;

    /// <summary>Rows of the tables in this landing: the caller writes and disposes them.</summary>
    public (AggregatesLanding Landing, ImmutableArray<TableEdit> Edits) Write(
        SealedAggregates cut, AggregatesLanding before)
    {
        ImmutableArray<StateFileName> files = before.Files;
        bool isWhole = cut.WritesWholeState || IsWorthWriting(files, context.StateFilesMax);
        context.Files.CreateDirectory(context.StateDirectory);
        if (!isWhole && cut.Parts.Any(static part => !part.Added.IsEmpty))
        {
            files = files.Add(Write(cut, static part => part.Added));
        }

        ImmutableArray<TableEdit>.Builder edits = ImmutableArray.CreateBuilder<TableEdit>();
        ImmutableArray<AggregateLanding>.Builder landings = ImmutableArray.CreateBuilder<AggregateLanding>();
        foreach (SealedAggregate part in cut.Parts)
        {
            TableEdit edit = new(context, part, cut);
            long revised = edit.Collect();
            part.Revised = [.. edit.Revised];
            edits.Add(edit);
            landings.Add(LandingOf(part, cut, (revised, edit.Skipped)));
        }

        landings.AddRange(before.Aggregates
            .Where(landed => cut.Stopped.Contains((landed.Name, landed.Version)))
            .Select(static landed => landed with { Fingerprint = "" }));
        if (isWhole)
        {
            // After the layers are one: the whole is what is kept of it.
            files = [Write(cut, static part => part.Aggregate.Landed)];
        }
        else
        {
            files = Needed(files, cut.Parts);
        }

        SpillSessions(cut);
        context.Files.SyncDirectory(context.StateDirectory);
        AggregatesLanding landing = new()
        {
            Files = files,
            Aggregates = landings.ToImmutable(),
            Logs = cut.Logs,
            LastReceived = cut.LastReceived,
            Retired = cut.Retired,
        };
        return (landing, edits.ToImmutable());
    }

    /// <summary>Deletes state files that the last landing does not name and no spilled pane is in.</summary>
    public static void DeleteUnnamed(
        IFileSystem files, string directory, AggregatesLanding landing, IEnumerable<string> spillFiles)
    {
        HashSet<string> named = [.. landing.Files.Select(static file => file.Name), .. spillFiles];
        foreach (string name in files.List(directory))
        {
            if (!named.Contains(name))
            {
                files.Delete($"{directory}/{name}");
            }
        }
    }

    /// <summary>Without the files of which no pane is held any more. Of sessions it is not known where they stand.
    /// </summary>
    private static ImmutableArray<StateFileName> Needed(
        ImmutableArray<StateFileName> files, ImmutableArray<SealedAggregate> parts)
    {
        if (parts.Any(static part => part.Aggregate.Windows is null))
        {
            return files;
        }

        HashSet<string> needed = [.. parts.SelectMany(static part => part.Aggregate.Landed.Files)];
        return [.. files.Where(file => needed.Contains(file.Name))];
    }

    private StateFileName Write(SealedAggregates cut, Func<SealedAggregate, AggregateState> layer)
    {
        WrittenState written = AggregateStateFile.Write(
            context.State,
            AggregateStateFile.NameOf(cut.Landing),
            cut.Landing,
            cut.Parts.Select(part => (part.Aggregate.StateKey, layer(part))));
        foreach (SealedAggregate part in cut.Parts)
        {
            part.Aggregate.TakeOver(layer(part), written);
        }

        return written.File;
    }

    /// <summary>
    /// Where landed layers are too large, sessions give way in proportion; panes do after the landing, without a file.
    /// </summary>
    private static void SpillSessions(SealedAggregates cut)
    {
        long bytes = cut.Parts.Sum(static part => part.Aggregate.Landed.MemoryBytes);
        if (bytes <= cut.LandedBytesMax)
        {
            return;
        }

        foreach (SealedAggregate part in cut.Parts.Where(static part => part.Aggregate.Windows is null))
        {
            double share = (double)part.Aggregate.Landed.SessionBytes / bytes;
            part.Aggregate.SpillSessions((long)(cut.LandedBytesMax * share), part.Watermark);
        }
    }

    /// <summary>Whether a landing begins anew with a file of all that is kept, instead of one more.</summary>
    public static bool IsWorthWriting(ImmutableArray<StateFileName> files, int filesMax) =>
        files.Length >= filesMax
        || (files.Length > 1
            && files.Skip(1).Sum(static file => file.Bytes) > Math.Max(
                WholeStateBytesMin, WholeStateShare * files[0].Bytes));

    private static AggregateLanding LandingOf(
        SealedAggregate part, SealedAggregates cut, (long Revised, List<WindowRange> Skipped) edit)
    {
        RunningAggregate aggregate = part.Aggregate;
        ImmutableArray<WindowRange> queue = WindowRanges.Add(
            aggregate.Queue, part.LateWindows.Select(range => range with { Landing = cut.Landing }));
        AggregateBuild? building = aggregate.Building;
        foreach (WindowReplacement done in cut.Replacements.Where(each => each.Aggregate == aggregate))
        {
            queue = WindowRanges.Clear(queue, done.DoneFrom, done.To, done.ReadLanding);
            building = building is null ? null : building with
            {
                Left = WindowRanges.Clear(building.Left, done.DoneFrom, done.To, done.ReadLanding),
            };
        }

        queue = WindowRanges.Add(queue, edit.Skipped);
        building = building is { Left.IsEmpty: false } ? building : null;
        return new AggregateLanding
        {
            Building = building,
            ServedVersion = building is null ? 0 : aggregate.ServedVersion,
            Text = aggregate.Plan.Text,
            Name = aggregate.Plan.Name,
            Version = aggregate.Version,
            Fingerprint = aggregate.Plan.Fingerprint,
            Watermark = part.Watermark,
            Queue = queue,
            Late = part.Late,
            Revisions = aggregate.Revisions + edit.Revised,
            Recomputed =
            [
                .. aggregate.Recomputed.Concat(cut.Replacements
                    .Where(each => each.Aggregate == aggregate && each.Mark is not null)
                    .Select(static each => each.Mark!)).TakeLast(MarksMax),
            ],
        };
    }
}
