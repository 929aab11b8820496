using System.Globalization;
using Npgsql;

namespace Naru.State;

/// <summary>How long a call on PostgreSQL may take, how often it is tried, and how much is remembered.</summary>
/// <param name="StatementTimeout">Of one statement.</param>
internal sealed record PostgresStateLimits(TimeSpan StatementTimeout)
{
    public int TriesMax { get; init; } = 8;

    public long RemovalsKept { get; init; } = StateRules.RemovalsKept;

    /// <summary>Removals are forgotten at each so manieth revision.</summary>
    public long ForgetEvery { get; init; } = 1_000;
}

/// <summary>
/// Calls on one PostgreSQL, tried again after what passes: a lost connection, a restart, a serialisation failure, a
/// deadlock. For calls that may be made twice.
/// </summary>
internal sealed class PostgresCalls : IAsyncDisposable
{
    private const string IdleInTransaction = "25P03";
    private static readonly TimeSpan PauseFirst = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan PauseMax = TimeSpan.FromSeconds(5);

    private readonly NpgsqlDataSource _source;
    private readonly PostgresStateLimits _limits;
    private readonly TimeProvider _time;

    private PostgresCalls(NpgsqlDataSource source, PostgresStateLimits limits, TimeProvider time)
    {
        _source = source;
        _limits = limits;
        _time = time;
    }

    /// <summary>Connects to nothing yet. Throws <see cref="StateException"/> for what is no connection.</summary>
    public static PostgresCalls Open(string connection, PostgresStateLimits limits, TimeProvider time)
    {
        try
        {
            NpgsqlConnectionStringBuilder settings = new(connection);
            settings.ApplicationName ??= "naru";
            int seconds = (int)Math.Ceiling(limits.StatementTimeout.TotalSeconds);

            // The server ends a statement before the client gives up on it, and a transaction whose client has stopped
            // in the middle: it holds the row that all commits wait for.
            settings.CommandTimeout = seconds + 5;
            settings.KeepAlive = settings.KeepAlive == 0 ? 30 : settings.KeepAlive;
            settings.Options = string.Create(
                CultureInfo.InvariantCulture,
                $"{settings.Options} -c statement_timeout={seconds}s -c idle_in_transaction_session_timeout={seconds}s")
                .Trim();
            return new PostgresCalls(new NpgsqlDataSourceBuilder(settings.ConnectionString).Build(), limits, time);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or KeyNotFoundException)
        {
            // Without the inner message: it may hold a part of the secret.
            throw new StateException(
                "the connection to PostgreSQL cannot be read; write it as "
                + "Host=…;Port=5432;Database=…;Username=…;Password=…");
        }
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>Throws <see cref="StateException"/> when it goes on failing, or fails for what does not pass.</summary>
    public async ValueTask<T> RunAsync<T>(
        Func<NpgsqlConnection, CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken)
    {
        TimeSpan pause = PauseFirst;
        for (int tries = 1; ; tries++)
        {
            try
            {
                await using NpgsqlConnection connection =
                    await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
                return await call(connection, cancellationToken).ConfigureAwait(false);
            }
            catch (NpgsqlException exception) when (Passes(exception) && tries < _limits.TriesMax)
            {
                await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
                pause = pause * 2 < PauseMax ? pause * 2 : PauseMax;
            }
            catch (NpgsqlException exception)
            {
                throw Failed(exception);
            }
        }
    }

    public static StateException Failed(NpgsqlException exception) => new(
        $"the state in PostgreSQL cannot be read or written: {exception.Message}; see that the server of "
        + "state.connection runs, and that its user may create and change the table naru_state",
        exception);

    private static bool Passes(NpgsqlException exception) =>
        exception.IsTransient
        || exception is PostgresException
        {
            SqlState: PostgresErrorCodes.SerializationFailure
                or PostgresErrorCodes.DeadlockDetected
                or PostgresErrorCodes.AdminShutdown
                or PostgresErrorCodes.CrashShutdown
                or PostgresErrorCodes.CannotConnectNow
                or IdleInTransaction
        };
}
