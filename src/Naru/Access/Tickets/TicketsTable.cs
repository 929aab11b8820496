using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Access.Tickets;

/// <summary>`naru.tickets`: every limit of every ticket, and what is used of it today.</summary>
internal sealed class TicketsTable(TicketBook book) : ISystemTable
{
    public string Name => "tickets";

    public string Description => "budgets: each limit in force, what is used of it today, and until when it is raised";

    public TableSchema Schema { get; } = new(
    [
        new("ticket", ColumnType.String, false, 1),
        new("description", ColumnType.String, false, 2),
        new("owner", ColumnType.String, true, 3),
        new("limit_name", ColumnType.String, false, 4),

        // Queries, bytes, milliseconds of CPU, or events.
        new("limit_value", ColumnType.Int64, false, 5),
        new("used", ColumnType.Int64, false, 6),
        new("raised_until", ColumnType.Timestamp, true, 7),
        new("raised_by", ColumnType.String, true, 8),
        new("raised_why", ColumnType.String, true, 9),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        foreach (TicketDefinition ticket in book.All)
        {
            foreach (TicketLimit limit in ticket.Limits.Keys)
            {
                (long value, TicketRaise? raise) = book.LimitOf(ticket, limit)!.Value;
                long used = limit == TicketLimit.Concurrent
                    ? book.RunningOf(ticket.Name)
                    : book.UseOf(ticket.Name).Of(limit);
                RowWriter row = new(rows);
                row.Text(ticket.Name).Text(ticket.Description).Text(ticket.Owner).Text(TicketText.Name(limit));
                row.Int64(value).Int64(used);
                row.Int64((raise?.Until - DateTimeOffset.UnixEpoch)?.Ticks / TimeSpan.TicksPerMicrosecond);
                row.Text(raise?.By).Text(raise?.Why).End();
            }
        }

        return ValueTask.CompletedTask;
    }
}
