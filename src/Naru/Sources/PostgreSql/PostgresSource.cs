using System.Globalization;
using Naru.Connections;
using Npgsql;

namespace Naru.Sources.PostgreSql;

/// <summary>One database of a PostgreSQL.</summary>
internal sealed class PostgresSource : ISourceServer
{
    private const string DatabasesSql =
        """
        SELECT datname FROM pg_catalog.pg_database
        WHERE datallowconn AND NOT datistemplate AND has_database_privilege(oid, 'CONNECT') ORDER BY datname
        """;

    private const string TablesSql =
        """
        SELECT n.nspname, c.relname, c.relkind IN ('v', 'f') AS is_view,
            CASE WHEN c.relkind = 'p' THEN
                (SELECT sum(greatest(x.reltuples, 0)) FROM pg_catalog.pg_partition_tree(c.oid) t
                JOIN pg_catalog.pg_class x ON x.oid = t.relid WHERE t.isleaf)
            WHEN c.reltuples < 0 OR c.relkind IN ('v', 'f') THEN NULL ELSE c.reltuples END::int8 AS rows,
            CASE WHEN c.relkind = 'p' THEN
                (SELECT sum(pg_catalog.pg_total_relation_size(t.relid)) FROM pg_catalog.pg_partition_tree(c.oid) t)
            WHEN c.relkind IN ('v', 'f') THEN NULL ELSE pg_catalog.pg_total_relation_size(c.oid) END::int8 AS bytes
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
            AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
            AND has_table_privilege(c.oid, 'SELECT')
        ORDER BY 1, 2
        """;

    private readonly SourceEndpoint _endpoint;
    private readonly NpgsqlDataSource _source;

    public PostgresSource(SourceEndpoint endpoint)
    {
        _endpoint = endpoint;
        _source = new NpgsqlDataSourceBuilder(Settings(endpoint).ConnectionString).Build();
    }

    public async Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlConnection connection =
                await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            List<string> names = [];
            await using NpgsqlCommand command = new(DatabasesSql, connection);
            await using NpgsqlDataReader reader =
                await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                names.Add(reader.GetString(0));
            }

            return names;
        }
        catch (Exception exception) when (PostgresFault.Is(exception))
        {
            throw PostgresFault.Of(exception, _endpoint, "");
        }
    }

    public async Task<IReadOnlyList<SourceTableSize>> TablesAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlConnection connection =
                await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            List<SourceTableSize> tables = [];
            await using NpgsqlCommand command = new(TablesSql, connection);
            await using NpgsqlDataReader reader =
                await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
            while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
            {
                tables.Add(new SourceTableSize(
                    new SourceTableName(reader.GetString(0), reader.GetString(1)),
                    reader.GetBoolean(2),
                    reader.IsDBNull(3) ? null : reader.GetInt64(3),
                    reader.IsDBNull(4) ? null : reader.GetInt64(4)));
            }

            return tables;
        }
        catch (Exception exception) when (PostgresFault.Is(exception))
        {
            throw PostgresFault.Of(exception, _endpoint, "");
        }
    }

    public async Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken)
    {
        try
        {
            await using NpgsqlConnection connection =
                await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            return await PostgresDescriber.DescribeAsync(connection, table, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (PostgresFault.Is(exception))
        {
            throw PostgresFault.Of(exception, _endpoint, table.ToString());
        }
    }

    public async Task<ISourceSnapshot> BeginAsync(int sessions, CancellationToken cancellationToken)
    {
        PostgresSnapshot snapshot = new(_source, _endpoint, sessions);
        try
        {
            await snapshot.OpenAsync(cancellationToken).ConfigureAwait(false);
            return snapshot;
        }
        catch (Exception exception)
        {
            await snapshot.DisposeAsync().ConfigureAwait(false);
            if (PostgresFault.Is(exception))
            {
                throw PostgresFault.Of(exception, _endpoint, "");
            }

            throw;
        }
    }

    public ValueTask DisposeAsync() => _source.DisposeAsync();

    /// <summary>From typed fields only: none of them can bring a setting of its own.</summary>
    internal static NpgsqlConnectionStringBuilder Settings(SourceEndpoint endpoint)
    {
        int timeout = (int)Math.Min(Math.Ceiling(endpoint.StatementTimeout.TotalSeconds), int.MaxValue / 2_000);
        bool local = endpoint.Host.StartsWith('/');
        NpgsqlConnectionStringBuilder settings = new()
        {
            Host = endpoint.Host,
            Port = endpoint.Port,
            Database = endpoint.Database,
            Username = endpoint.User,
            Password = endpoint.Password.IsNone ? null : endpoint.Password.Reveal(),
            PersistSecurityInfo = false,
            ApplicationName = "naru",
            Pooling = false,
            KeepAlive = 30,
            Timeout = (int)Math.Clamp(endpoint.ConnectTimeout.TotalSeconds, 1, 1_024),
            CommandTimeout = timeout + 10,
            ClientEncoding = "UTF8",
            Options = string.Create(
                CultureInfo.InvariantCulture,
                $"-c statement_timeout={timeout}s -c default_transaction_read_only=on -c DateStyle=ISO "
                + $"-c IntervalStyle=postgres -c TimeZone=UTC -c bytea_output=hex -c extra_float_digits=1"),
            SslMode = local || endpoint.Tls == ConnectionTls.Off ? SslMode.Disable
                : endpoint.Tls == ConnectionTls.Require ? SslMode.Require : SslMode.VerifyFull,
        };
        if (endpoint.TlsAuthorities.Length > 0 && !local)
        {
            settings.RootCertificate = endpoint.TlsAuthorities;
        }

        return settings;
    }
}

/// <summary>What PostgreSQL's errors are to people.</summary>
internal static class PostgresFault
{
    private const int SystemClasses = 2;

    public static bool Is(Exception exception) =>
        exception is NpgsqlException or IOException or TimeoutException or System.Net.Sockets.SocketException;

    /// <param name="exception">What went wrong.</param>
    /// <param name="endpoint">Where.</param>
    /// <param name="what">Of which table; may be empty.</param>
    public static SourceException Of(Exception exception, SourceEndpoint endpoint, string what)
    {
        string place = what.Length == 0 ? $"PostgreSQL at {endpoint}" : $"{what} of PostgreSQL at {endpoint}";
        return exception switch
        {
            PostgresException server => new SourceException(
                $"{place}: {server.MessageText}{HintOf(server, endpoint)}", Passes(server), exception),
            _ => new SourceException(
                $"{place}: {exception.Message.TrimEnd('.')}{Cause(exception)}; see that the server runs and can be "
                + "reached from here",
                passes: true,
                exception),
        };
    }

    private static string Cause(Exception exception) =>
        exception.InnerException is { } inner && !exception.Message.Contains(inner.Message, StringComparison.Ordinal)
            ? $" ({inner.Message.TrimEnd('.')})" : "";

    private static string HintOf(PostgresException exception, SourceEndpoint endpoint) => exception.SqlState switch
    {
        PostgresErrorCodes.QueryCanceled => string.Create(
            CultureInfo.InvariantCulture,
            $"; `statement_timeout` of the source is {endpoint.StatementTimeout.TotalSeconds:0} s: raise it, or lower "
            + $"`chunk_rows`"),
        PostgresErrorCodes.InvalidPassword or PostgresErrorCodes.InvalidAuthorizationSpecification =>
            "; see `user` and `password` of the source, and pg_hba.conf of the server",
        PostgresErrorCodes.InsufficientPrivilege => $"; on the server: GRANT SELECT ON … TO {endpoint.User}",
        PostgresErrorCodes.InvalidCatalogName => "; see `database` of the source",
        _ => "",
    };

    /// <summary>Connections, resources, conflicts with a standby's recovery, an operator's restart.</summary>
    private static bool Passes(PostgresException exception) =>
        exception.IsTransient || exception.SqlState[..SystemClasses] is "08" or "40" or "53" or "57" or "58" or "XX";
}
