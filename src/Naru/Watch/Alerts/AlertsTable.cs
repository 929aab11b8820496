using System.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Watch.Alerts;

/// <summary>`naru.alerts`: how every alert stands.</summary>
internal sealed class AlertsTable(AlertWatch watch) : ISystemTable
{
    public string Name => "alerts";

    public string Description => "how every alert stands, per log";

    public TableSchema Schema { get; } = new(
    [
        new("alert", ColumnType.String, false, 1),
        new("kind", ColumnType.String, false, 2),
        new("log", ColumnType.String, true, 3),
        new("state", ColumnType.String, false, 4),
        new("since", ColumnType.Timestamp, false, 5),
        new("seen", ColumnType.String, false, 6),
        new("severity", ColumnType.String, false, 7),
        new("fired_at", ColumnType.Timestamp, true, 8),
        new("resolved_at", ColumnType.Timestamp, true, 9),
        new("told_at", ColumnType.Timestamp, true, 10),
        new("waiting", ColumnType.Int32, false, 11),
        new("problem", ColumnType.String, true, 12),
        new("description", ColumnType.String, false, 13),
        new("owner", ColumnType.String, true, 14),
        new("value", ColumnType.String, true, 15),
        new("ran_at", ColumnType.Timestamp, true, 16),
        new("next_at", ColumnType.Timestamp, true, 17),
        new("failure", ColumnType.String, true, 18),
        new("muted_until", ColumnType.Timestamp, true, 19),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        AlertBook book = watch.Book;
        foreach (AlertInstance instance in book.Instances)
        {
            if (watch.DefinitionOf(instance) is { } alert)
            {
                Fill(rows, alert, instance, book, watch.NextOf(alert, instance));
            }
        }

        return ValueTask.CompletedTask;
    }

    private static void Fill(
        ColumnBatch rows, AlertDefinition alert, AlertInstance instance, AlertBook book, DateTimeOffset? next)
    {
        AlertOutbox? outbox = book.Outboxes.FirstOrDefault(candidate => candidate.Notices.Any(notice =>
            notice.Alert == instance.Alert && notice.Log == instance.Log));
        ColumnVector[] columns = rows.Columns;
        Text(columns[0], instance.Alert);
        Text(columns[1], Word(alert.Kind));
        Text(columns[2], instance.Log.Length == 0 ? null : instance.Log);
        Text(columns[3], Word(instance.State));
        Time(columns[4], instance.Since);
        Text(columns[5], instance.Seen);
        Text(columns[6], alert.Critical ? "critical" : "warning");
        Time(columns[7], instance.FiredAt);
        Time(columns[8], instance.ResolvedAt);
        Time(columns[9], instance.ToldAt);
        columns[10].AppendInt32(outbox?.Notices.Count(notice =>
            notice.Alert == instance.Alert && notice.Log == instance.Log) ?? 0);
        Text(columns[11], outbox is { Problem.Length: > 0 } ? outbox.Problem : null);
        Text(columns[12], alert.Description);
        Text(columns[13], alert.Query?.Owner ?? alert.Owner);
        Text(columns[14], instance.Value);
        Time(columns[15], instance.RanAt);
        Time(columns[16], next);
        Text(columns[17], instance.Failure);
        Time(columns[18], book.Mutes.FirstOrDefault(mute => mute.Alert == instance.Alert)?.Until);
        rows.EndRow();
    }

    public static string Word(Enum value) => Configuration.SettingTable.KeyOf(value.ToString());

    private static void Time(ColumnVector column, DateTimeOffset? time)
    {
        if (time is { } value)
        {
            column.AppendInt64(value.ToUnixTimeMilliseconds() * 1000);
        }
        else
        {
            column.AppendNull();
        }
    }

    private static void Text(ColumnVector column, string? text)
    {
        if (text is null)
        {
            column.AppendNull();
        }
        else
        {
            column.AppendString(Encoding.UTF8.GetBytes(text));
        }
    }
}
