using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.Exports;
using Naru.Lake.DuckDb;
using Naru.Models;
using Naru.Yaml;

namespace Naru.Tests.Exports;

/// <summary>A folder in which exports are sent whose rows a test gives.</summary>
internal sealed class ExportSite : IDisposable
{
    public static readonly IntervalCalendar Calendar = new(ProjectZone.Utc);
    private long _started = 1_000_000;

    public ExportSite() => Sender = new ExportSender(new ExportSenderParts(
        new GivenRows(this),
        ExportsModule.Kinds,
        new TargetTools(new PosixFileSystem(), Root, ProjectZone.Utc, TimeProvider.System) { AllowPrivate = true },
        Calendar,
        $"{Root}/data/exports",
        new Kept(Ends)));

    public string Root { get; } = Directory.CreateTempSubdirectory("naru-exports-").FullName;

    public ExportSender Sender { get; }

    /// <summary>SQL of DuckDB that gives the rows of the next attempts.</summary>
    public string Rows { get; set; } = "SELECT 1 AS id";

    public ConcurrentQueue<ExportEnd> Ends { get; } = new();

    public ExportEnd Last => Ends.Last();

    /// <summary>Reads an export; its `sql` names the columns, the rows are <see cref="Rows"/>.</summary>
    public static ExportDefinition Define(string yaml, string name = "orders")
    {
        MistakeList mistakes = new();
        DefinitionFile file = new($"exports/{name}.yaml", name, Encoding.UTF8.GetBytes(yaml));
        ExportSet set = ExportFolder.Compile([file], [], ExportsModule.Kinds, ProjectZone.Utc, mistakes);
        Assert.True(mistakes.Count == 0, string.Join("\n", mistakes.Sorted()));
        return set.Exports.Single();
    }

    public static Interval Day(string day)
    {
        Assert.True(Calendar.TryParse(day, out Interval interval));
        return interval;
    }

    /// <summary>One attempt, each later than the one before.</summary>
    public async Task<ExportTally> SendAsync(
        ExportDefinition export, string day, Func<ExportOrder, ExportOrder>? how = null)
    {
        ExportOrder order = new()
        {
            Export = export,
            Interval = Day(day),
            Started = Interlocked.Increment(ref _started),
            Attempt = 1,
            Run = "test",
            By = "test",
        };
        order = how?.Invoke(order) ?? order;
        return (await Sender.SendAsync(order, TestContext.Current.CancellationToken)).Tally;
    }

    /// <summary>Why it could not be sent.</summary>
    public async Task<string> RefusedAsync(
        ExportDefinition export, string day, Func<ExportOrder, ExportOrder>? how = null)
    {
        FillException refused = await Assert.ThrowsAnyAsync<FillException>(() => SendAsync(export, day, how));
        Assert.Equal(refused.Message, Last.Error);
        return refused.Message;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);

    private sealed class Kept(ConcurrentQueue<ExportEnd> ends) : IExportHistory
    {
        public void Add(ExportEnd end) => ends.Enqueue(end);
    }

    private sealed class GivenRows(ExportSite site) : IExportQuery
    {
        public async Task WriteAsync(
            ExportDefinition export, Interval interval, ResultFile result, CancellationToken cancellationToken)
        {
            string path = string.Create(CultureInfo.InvariantCulture, $"{site.Root}/{Guid.NewGuid():N}.parquet");
            using (DuckDbDatabase database = DuckDbDatabase.OpenMemory())
            using (DuckDbConnection connection = database.Connect())
            {
                connection.Execute("SET TimeZone = 'UTC'");
                connection.Execute($"COPY ({site.Rows}) TO '{path}' (FORMAT parquet)");
            }

            await result.DataAsync(await File.ReadAllBytesAsync(path, cancellationToken), cancellationToken);
            File.Delete(path);
        }
    }
}
