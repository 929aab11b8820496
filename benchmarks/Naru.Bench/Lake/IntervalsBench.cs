using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Ledger;
using Naru.Models;
using Naru.State;
using Naru.Yaml;

namespace Naru.Bench.Lake;

/// <summary>
/// How long it takes to open a ledger of so many hours of two models, the second of which reads the first, and to say
/// of each hour of the second how it stands.
/// </summary>
internal static class IntervalsBench
{
    private const int BatchSize = 1_000;

    public static int Run(string[] args)
    {
        int count = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 100_000;
        string root = Directory.CreateTempSubdirectory("naru-intervals-").FullName;
        try
        {
            RunAsync(count, root).GetAwaiter().GetResult();
            return 0;
        }
        finally
        {
            Directory.Delete(root, recursive: true);
        }
    }

    private static async Task RunAsync(int count, string root)
    {
        ProjectZone zone = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));
        IntervalCalendar calendar = new(zone);
        ModelSet models = ModelFolder.Compile(
            [
                new ModelFile("models/a.sql", "a", "-- every: hour\nSELECT 1 AS n"),
                new ModelFile("models/b.sql", "b", "-- every: hour\nSELECT n FROM a WHERE p_ymd = $day"),
            ],
            [],
            zone,
            new MistakeList());
        long first = calendar.At(IntervalKind.Hour, 1_600_000_000_000_000).First;
        Interval[] hours = [.. calendar.Between(IntervalKind.Hour, first, long.MaxValue / 2).Take(count)];
        await FillAsync(root, models, hours);
        Stopwatch watch = Stopwatch.StartNew();
        await using EmbeddedStateStore store = Open(root);
        IntervalLedger ledger = new(store);
        await ledger.RefreshAsync(CancellationToken.None);
        Console.WriteLine($"open {2 * count} intervals: {watch.ElapsedMilliseconds} ms");
        ScheduledThings source = new([new Source(models)]);
        InputBook inputs = new(new NoTables(), source, ledger, new AllLanded(), calendar);
        ModelPlanner planner = new(source, ledger, inputs, calendar, TimeProvider.System);
        for (int round = 0; round < 3; round++)
        {
            watch.Restart();
            IReadOnlyList<IntervalView> views = await planner.ViewAsync(
                models.Find("b")!, first, hours[^1].End, CancellationToken.None);
            int stale = views.Count(static view => view.Status == IntervalStatus.Stale);
            Console.WriteLine($"plan {views.Count} intervals: {watch.ElapsedMilliseconds} ms, {stale} stale");
        }
    }

    /// <summary>All are done; every hundredth of the first model was filled again since.</summary>
    private static async Task FillAsync(string root, ModelSet models, Interval[] hours)
    {
        await using EmbeddedStateStore store = Open(root);
        IntervalLedger ledger = new(store);
        foreach (ModelDefinition model in models.Models)
        {
            ImmutableSortedDictionary<string, string> versions = model.Inputs.ToImmutableSortedDictionary(
                static input => input.Table.ToString(), static _ => "1");
            int number = 0;
            foreach (Interval[] batch in hours.Chunk(BatchSize))
            {
                await ledger.TryPutAsync(
                    ModelThing.Of(model.Name),
                    [
                        .. batch.Select(hour => new LedgerEntry(
                            hour,
                            new IntervalRecord
                            {
                                State = FillState.Done,
                                Attempt = 1,
                                Generation = model.Inputs.IsEmpty && number++ % 100 == 0 ? 2 : 1,
                                Filled = new FilledFrom(model.Fingerprint, versions, hour.End, 1),
                            },
                            0)),
                    ],
                    CancellationToken.None);
            }
        }
    }

    private static EmbeddedStateStore Open(string root) => EmbeddedStateStore.Open(
        new PosixFileSystem(), $"{root}/state/store.journal", $"{root}/state.lock", new EmbeddedStateLimits());

    private sealed class Source(ModelSet models) : IModelSource
    {
        public ModelSet Current { get; } = models;
    }

    private sealed class NoTables : ITableStore
    {
        public DeltaTable? Find(TableName name) => null;

        public DeltaTable FindOrCreate(FilledTable table) => throw new InvalidOperationException("nothing is filled");

        public bool Delete(TableName name) => false;
    }

    private sealed class AllLanded : IInputState
    {
        public long LandedUntil => long.MaxValue;

        public TableName StoredAs(TableName name) => name;

        public long? WatermarkOf(string aggregate) => null;

        public TimeSpan LateAfter(TableName log) => TimeSpan.Zero;

        public Task<IReadOnlyDictionary<long, long>> CountHoursAsync(
            TableName log, Interval day, CancellationToken cancellationToken) =>
            throw new InvalidOperationException("no log is read");
    }
}
