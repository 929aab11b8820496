using Naru.Access.Tickets;
using Naru.Query.Pool;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>
/// One query against its caller's ticket: refused before it runs when a budget is used up or will not last, ended when
/// one is used up while it runs.
/// </summary>
internal sealed class QueryBudget(TicketBook book, TicketDefinition ticket, QueryEntry entry)
{
    private static readonly TicketLimit[] Daily = [TicketLimit.ScannedPerDay, TicketLimit.CpuPerDay];

    private WorkerUsage _told = WorkerUsage.None;

    /// <summary>The pool that is asked for, or the first that the caller's ticket names.</summary>
    /// <exception cref="QueryException">The ticket has not the one asked for.</exception>
    public static PoolName PoolOf(QueryRequest request, TicketDefinition? ticket)
    {
        if (ticket is null)
        {
            return request.Pool ?? PoolName.Eda;
        }

        PoolName[] open =
        [
            .. ticket.Pools.Where(static name => PoolNames.TryParse(name, out _))
                .Select(static name => PoolNames.TryParse(name, out PoolName pool) ? pool : default),
        ];
        PoolName wanted = request.Pool ?? open.FirstOrDefault();
        return open.Contains(wanted)
            ? wanted
            : throw new QueryException(new QueryError(
                QueryCodes.Forbidden, $"ticket \"{ticket.Name}\" may not use pool {wanted.Text()}")
            {
                Status = StatusCodes.Status403Forbidden,
                Hint = $"it has {string.Join(" and ", open.Select(static pool => pool.Text()))}; "
                    + "tickets are defined in access/",
            });
    }

    /// <exception cref="QueryException">A budget is used up, or would be by what the question took last.</exception>
    public void Check(WorkerUsage? last)
    {
        foreach (TicketLimit limit in Daily)
        {
            long wanted = last is null ? 0 : Use(WorkerUsage.None, last).Of(limit);
            if (book.Check(ticket, limit, wanted) is { } refusal)
            {
                throw new QueryException(Error(refusal));
            }
        }
    }

    /// <summary>What was used up to here was somebody else's.</summary>
    public void Begin(WorkerUsage usage) => _told = usage;

    /// <summary>Takes what was used since the last time; ends the query when a budget is used up.</summary>
    public void Told(WorkerUsage usage)
    {
        book.Use(ticket, Use(_told, usage));
        _told = usage;
        foreach (TicketLimit limit in Daily)
        {
            if (book.Check(ticket, limit) is { } refusal)
            {
                entry.Stop(Error(refusal));
            }
        }
    }

    private static TicketUse Use(WorkerUsage before, WorkerUsage now) => new(
        now.ReadBytes - before.ReadBytes, (long)now.CpuMilliseconds - (long)before.CpuMilliseconds, 0);

    private static QueryError Error(TicketRefusal refusal) => new(QueryCodes.TicketUsedUp, refusal.Message)
    {
        Status = StatusCodes.Status429TooManyRequests,
        RetryAfterSeconds = refusal.RetryAfterSeconds,
        Hint = refusal.Hint,
    };
}
