using Microsoft.Extensions.Logging;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Models.Checks;

/// <summary>What checks found: the table `naru.checks`.</summary>
internal sealed class CheckBook(
    KeptJournal<CheckRow> journal, IntervalCalendar calendar, TimeSpan lifetime, TimeProvider time, ILogger logger)
    : KeptRows<CheckRow>(TableShape, lifetime, journal)
{
    public static readonly SystemTableShape TableShape = new(
        "checks", CheckRow.Schema, "what the checks of models found of each interval, before its rows were committed");

    public static KeptJournal<CheckRow> Journal(IFileSystem files, string folder) =>
        new(files, folder, "checks", CheckRowJson.Default.CheckRow);

    public void Add(ModelDefinition model, StagedInterval interval, CheckReport report)
    {
        long now = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        foreach (CheckResult result in report.Results)
        {
            Keep(number => new CheckRow
            {
                Number = number,
                Model = model.Name,
                Interval = calendar.Name(interval.Interval),
                First = interval.Interval.First,
                Attempt = interval.Attempt,
                Check = result.Check.Text,
                Severity = result.Check.Severity.ToString().ToLowerInvariant(),
                Outcome = result.Outcome.ToString().ToLowerInvariant(),
                FailingRows = result.Rows,
                Why = result.Why.Length == 0 ? null : result.Why,
                Sample = result.Sample,
                JudgedAt = now,
                Day = calendar.Zone.DayAt(now, out _),
            });
        }
    }

    protected override void Write(CheckRow row, ColumnBatch rows) => row.Write(rows);

    protected override void TellNotJournaled(string reason) => ModelsLog.NotJournaled(logger, reason);
}
