using Naru.Core.Text;

namespace Naru.Query.Pool;

/// <summary>
/// The memory that a pool's queries may take together. A query reserves what it is estimated to need before it gets a
/// worker, and waits while that is not there: first come, first served, so a large one is not passed for ever.
/// </summary>
internal sealed class PoolMemory(PoolOptions options, TimeProvider time)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Reservation> _waiting = new();
    private long _reserved;

    public long ReservedBytes
    {
        get
        {
            lock (_gate)
            {
                return _reserved;
            }
        }
    }

    public int Waiting
    {
        get
        {
            lock (_gate)
            {
                return _waiting.Count;
            }
        }
    }

    /// <summary>Dispose what it gives when the query has ended.</summary>
    /// <exception cref="QueryException">It was not there in time.</exception>
    public async ValueTask<Reservation> ReserveAsync(long bytes, CancellationToken cancellationToken)
    {
        Reservation reservation = new(this, Math.Min(bytes, options.PoolMemoryBytes));
        lock (_gate)
        {
            _waiting.AddLast(reservation);
            Pump();
        }

        try
        {
            await reservation.Granted.Task.WaitAsync(options.QueueTimeout, time, cancellationToken)
                .ConfigureAwait(false);
            return reservation;
        }
        catch (TimeoutException)
        {
            long reserved = ReservedBytes;
            reservation.Dispose();
            throw new QueryException(new QueryError(
                QueryCodes.QueueTimeout,
                $"pool {options.Name.Text()} had no memory free within {options.QueueTimeout.TotalSeconds:0} s: "
                + $"{SizeText.Format(reserved)} of {SizeText.Format(options.PoolMemoryBytes)} "
                + $"({options.Setting("pool_memory_bytes")}) are taken, "
                + $"and this query is estimated at {SizeText.Format(reservation.Bytes)}")
            {
                Status = StatusCodes.Status503ServiceUnavailable,
                RetryAfterSeconds = 10,
                Hint = "ask again later, for fewer rows or groups, or raise the limit",
            });
        }
        catch
        {
            reservation.Dispose();
            throw;
        }
    }

    private void Pump()
    {
        while (_waiting.First is { } first && _reserved + first.Value.Bytes <= options.PoolMemoryBytes)
        {
            _waiting.RemoveFirst();
            _reserved += first.Value.Bytes;
            first.Value.Granted.SetResult();
        }
    }

    private void Return(Reservation reservation)
    {
        lock (_gate)
        {
            if (reservation.Returned)
            {
                return;
            }

            reservation.Returned = true;
            if (reservation.Granted.Task.IsCompletedSuccessfully)
            {
                _reserved -= reservation.Bytes;
            }
            else
            {
                _waiting.Remove(reservation);
            }

            Pump();
        }
    }

    /// <summary>Takes more for one that has its share; false, and nothing is changed, where it had to wait.</summary>
    private bool TryGrow(Reservation reservation, long bytes)
    {
        lock (_gate)
        {
            long more = Math.Min(bytes, options.PoolMemoryBytes) - reservation.Bytes;
            if (more > 0 && (_waiting.Count > 0 || _reserved + more > options.PoolMemoryBytes))
            {
                return false;
            }

            if (more > 0)
            {
                _reserved += more;
                reservation.Bytes += more;
            }

            return true;
        }
    }

    /// <summary>What one query has of it.</summary>
    internal sealed class Reservation(PoolMemory memory, long bytes) : IDisposable
    {
        public long Bytes { get; set; } = bytes;

        public TaskCompletionSource Granted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public bool Returned { get; set; }

        /// <summary>True when it has so much now.</summary>
        public bool TryGrow(long wanted) => memory.TryGrow(this, wanted);

        public void Dispose() => memory.Return(this);
    }
}
