using System.Collections.Immutable;
using System.Globalization;
using Naru.Core.Events;
using Naru.Core.Files;

namespace Naru.Access.Tickets;

/// <summary>A limit that is reached: a fact and its mend.</summary>
internal sealed record TicketRefusal(string Message, string Hint, int RetryAfterSeconds);

/// <summary>
/// Budgets and what is used of them today. Uses are written down every few seconds and when the server ends, raises at
/// once; so a crash of the process gives a few seconds of use back, never a limit.
/// </summary>
internal sealed class TicketBook
{
    private readonly IAccessSource _access;
    private readonly IFileSystem? _files;
    private readonly string _folder;
    private readonly ProjectZone _zone;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, TicketQueue> _queues = new(StringComparer.Ordinal);
    private TicketState _state = TicketState.Empty;
    private TicketState _written = TicketState.Empty;

    private TicketBook(IAccessSource access, IFileSystem? files, string folder, ProjectZone zone, TimeProvider time)
    {
        _access = access;
        _files = files;
        _folder = folder;
        _zone = zone;
        _time = time;
    }

    /// <summary>No ticket: of a project at rest.</summary>
    public static TicketBook None { get; } =
        new(FixedAccess.None, null, "", ProjectZone.Utc, TimeProvider.System);

    public static TicketBook Open(
        IAccessSource access, IFileSystem files, string folder, ProjectZone zone, TimeProvider time)
    {
        TicketBook book = new(access, files, folder, zone, time);
        book._state = book._written = TicketState.Read(files, folder);
        return book;
    }

    /// <summary>The caller's ticket; null for one without, or with one that nobody defined.</summary>
    public TicketDefinition? Of(Principal principal) =>
        principal.Ticket is { } name ? _access.Current.Tickets.GetValueOrDefault(name) : null;

    public IEnumerable<TicketDefinition> All =>
        _access.Current.Tickets.Values.OrderBy(static ticket => ticket.Name, StringComparer.Ordinal);

    public TicketUse UseOf(string ticket)
    {
        lock (_gate)
        {
            Today();
            return _state.Uses.GetValueOrDefault(ticket, TicketUse.None);
        }
    }

    public int RunningOf(string ticket)
    {
        lock (_gate)
        {
            return _queues.TryGetValue(ticket, out TicketQueue? queue) ? queue.Running : 0;
        }
    }

    /// <summary>The limit in force and, where it was raised, until when; null is no limit.</summary>
    public (long Value, TicketRaise? Raise)? LimitOf(TicketDefinition ticket, TicketLimit limit)
    {
        lock (_gate)
        {
            return Limit(ticket, limit);
        }
    }

    /// <summary>Null while there is something left of the limit, and of <paramref name="wanted"/> more.</summary>
    public TicketRefusal? Check(TicketDefinition ticket, TicketLimit limit, long wanted = 0)
    {
        lock (_gate)
        {
            int day = Today();
            if (Limit(ticket, limit) is not { } bound)
            {
                return null;
            }

            long used = _state.Uses.GetValueOrDefault(ticket.Name, TicketUse.None).Of(limit);
            if (used < bound.Value && used + wanted <= bound.Value)
            {
                return null;
            }

            string shown = TicketText.Show(limit, bound.Value);
            string name = TicketText.Name(limit);
            string message = used >= bound.Value
                ? $"ticket \"{ticket.Name}\" has used up its {shown} of {name}"
                : $"ticket \"{ticket.Name}\" has {TicketText.Show(limit, bound.Value - used)} left of its {shown} of "
                    + $"{name}, and this question read {TicketText.Show(limit, wanted)} the last time";
            long tomorrow = _zone.ToUtc((day + 1) * ProjectZone.DayMicroseconds);
            DateTimeOffset anew = DateTimeOffset.UnixEpoch.AddTicks(tomorrow * TimeSpan.TicksPerMicrosecond);
            string raise = $"naru ticket raise {ticket.Name} {name} {TicketText.Show(limit, 2 * bound.Value)} --for 4h";
            string when = TimeZoneInfo.ConvertTime(anew, _zone.Zone)
                .ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);
            return new TicketRefusal(
                message,
                $"it begins anew at {when}; {ticket.Owner ?? "an administrator"} may raise it: `{raise}`",
                (int)Math.Max(1, (anew - _time.GetUtcNow()).TotalSeconds));
        }
    }

    public void Use(TicketDefinition ticket, TicketUse use)
    {
        lock (_gate)
        {
            Today();
            TicketUse before = _state.Uses.GetValueOrDefault(ticket.Name, TicketUse.None);
            _state = _state with { Uses = _state.Uses.SetItem(ticket.Name, before.Add(use)) };
        }
    }

    /// <summary>
    /// A turn among the ticket's queries; waits while as many run as may. Dispose it when the query ends.
    /// </summary>
    public async ValueTask<IDisposable> EnterAsync(TicketDefinition ticket, CancellationToken cancellationToken)
    {
        TicketTurn turn;
        lock (_gate)
        {
            if (!_queues.TryGetValue(ticket.Name, out TicketQueue? queue))
            {
                queue = new TicketQueue();
                _queues.Add(ticket.Name, queue);
            }

            turn = new TicketTurn(this, queue, ticket);
            queue.Waiting.AddLast(turn);
            Pump(queue, ticket);
        }

        try
        {
            await turn.Begun.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
            return turn;
        }
        catch
        {
            turn.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Raises a limit until then; durable when this returns. Lower than the limit itself has no effect.
    /// </summary>
    public void Raise(TicketRaise raise)
    {
        lock (_gate)
        {
            Today();
            DateTimeOffset now = _time.GetUtcNow();
            TicketState state = _state with
            {
                Raises =
                [
                    .. _state.Raises.Where(known => known.Until > now
                        && !(known.Ticket == raise.Ticket && known.Limit == raise.Limit)),
                    raise,
                ],
            };
            state.Write(_files!, _folder);
            _state = _written = state;
            if (_queues.TryGetValue(raise.Ticket, out TicketQueue? queue)
                && _access.Current.Tickets.GetValueOrDefault(raise.Ticket) is { } ticket)
            {
                Pump(queue, ticket);
            }
        }
    }

    /// <summary>Writes down what was used since the last time.</summary>
    public void Save()
    {
        lock (_gate)
        {
            if (!ReferenceEquals(_state, _written))
            {
                _state.Write(_files!, _folder);
                _written = _state;
            }
        }
    }

    private void Leave(TicketTurn turn)
    {
        lock (_gate)
        {
            if (turn.Left)
            {
                return;
            }

            turn.Left = true;
            if (turn.Begun.Task.IsCompletedSuccessfully)
            {
                turn.Queue.Running--;
            }
            else
            {
                turn.Queue.Waiting.Remove(turn);
            }

            Pump(turn.Queue, turn.Ticket);
        }
    }

    private void Pump(TicketQueue queue, TicketDefinition ticket)
    {
        long most = Limit(ticket, TicketLimit.Concurrent)?.Value ?? long.MaxValue;
        while (queue.Running < most && queue.Waiting.First is { } first)
        {
            queue.Waiting.RemoveFirst();
            queue.Running++;
            first.Value.Begun.SetResult();
        }
    }

    private (long Value, TicketRaise? Raise)? Limit(TicketDefinition ticket, TicketLimit limit)
    {
        if (!ticket.Limits.TryGetValue(limit, out long value))
        {
            return null;
        }

        DateTimeOffset now = _time.GetUtcNow();
        TicketRaise? raise = _state.Raises.FirstOrDefault(each =>
            each.Ticket == ticket.Name && each.Limit == limit && each.Until > now && each.Value > value);
        return (raise?.Value ?? value, raise);
    }

    /// <summary>Uses of another day are forgotten.</summary>
    private int Today()
    {
        long now = (_time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        int day = _zone.DayAt(now, out _);
        if (day != _state.Day)
        {
            _state = _state with { Day = day, Uses = ImmutableSortedDictionary<string, TicketUse>.Empty };
        }

        return day;
    }

    private sealed class TicketQueue
    {
        public int Running { get; set; }

        public LinkedList<TicketTurn> Waiting { get; } = new();
    }

    private sealed class TicketTurn(TicketBook book, TicketQueue queue, TicketDefinition ticket) : IDisposable
    {
        public TicketQueue Queue => queue;

        public TicketDefinition Ticket => ticket;

        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Left { get; set; }

        public void Dispose() => book.Leave(this);
    }
}
