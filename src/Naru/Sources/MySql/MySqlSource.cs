using System.Globalization;
using Naru.Connections;
using Naru.MySql;

namespace Naru.Sources.MySql;

/// <summary>One database of a MySQL or MariaDB.</summary>
internal sealed class MySqlSource(SourceEndpoint endpoint) : ISourceServer
{
    private const string DatabasesSql =
        """
        SELECT schema_name FROM information_schema.schemata
        WHERE schema_name NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys') ORDER BY schema_name
        """;

    /// <summary>A session without use is kept this long: the first one may wait for the last rows of another.</summary>
    private const int IdleSeconds = 86_400;

    public Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken) => OnceAsync(
        "",
        static connection => (IReadOnlyList<string>)[.. connection.Texts(DatabasesSql).Select(static row => row[0]!)],
        cancellationToken);

    public Task<IReadOnlyList<SourceTableSize>> TablesAsync(CancellationToken cancellationToken) => OnceAsync(
        "", static connection => (IReadOnlyList<SourceTableSize>)MySqlDescriber.Tables(connection), cancellationToken);

    public Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken) => OnceAsync(
        table.ToString(), connection => MySqlDescriber.Describe(connection, table), cancellationToken);

    public async Task<ISourceSnapshot> BeginAsync(int sessions, CancellationToken cancellationToken)
    {
        try
        {
            return await MySqlSnapshot.OpenAsync(endpoint, sessions, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (MySqlFault.Is(exception))
        {
            throw MySqlFault.Of(exception, endpoint, "");
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>From typed fields only: none of them can bring a setting of its own.</summary>
    internal static MySqlAddress Address(SourceEndpoint endpoint)
    {
        bool local = endpoint.Host.StartsWith('/');
        return new MySqlAddress
        {
            Host = local ? "localhost" : endpoint.Host,
            Port = endpoint.Port,
            Socket = local ? endpoint.Host : null,
            Database = endpoint.Database.Length == 0 ? null : endpoint.Database,
            User = endpoint.User,
            Password = endpoint.Password.IsNone ? null : endpoint.Password.Reveal(),
            Tls = local || endpoint.Tls == ConnectionTls.Off ? MySqlTls.Off
                : endpoint.Tls == ConnectionTls.Require ? MySqlTls.Encrypt : MySqlTls.VerifyFull,
            AuthoritiesFile = endpoint.TlsAuthorities.Length == 0 ? null : endpoint.TlsAuthorities,
            ConnectTimeout = endpoint.ConnectTimeout,
            SilenceMax = endpoint.StatementTimeout + TimeSpan.FromSeconds(10),
        };
    }

    /// <summary>Opens a session that only reads, in plain sql_mode. Waits for the server.</summary>
    internal static MySqlConnection Open(SourceEndpoint endpoint)
    {
        MySqlAddress address = Address(endpoint);
        if (address.Fault() is { } fault)
        {
            throw new SourceException($"MySQL at {endpoint}: {fault}");
        }

        MySqlConnection connection = MySqlConnection.Open(address);
        try
        {
            connection.Execute("SET SESSION sql_mode = ''");
            connection.Execute(string.Create(
                CultureInfo.InvariantCulture, $"SET SESSION wait_timeout = {IdleSeconds}"));
            double seconds = endpoint.StatementTimeout.TotalSeconds;
            (string name, double limit) = connection.IsMariaDb
                ? ("max_statement_time", seconds) : ("max_execution_time", Math.Min(seconds * 1_000, uint.MaxValue));
            connection.Execute(string.Create(CultureInfo.InvariantCulture, $"SET SESSION {name} = {limit:0}"));
            connection.Execute("SET SESSION TRANSACTION READ ONLY");
            connection.Execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private async Task<T> OnceAsync<T>(
        string table, Func<MySqlConnection, T> call, CancellationToken cancellationToken)
    {
        try
        {
            using MySqlConnection connection = await MySqlThread.RunAsync(
                () => Open(endpoint), cancellationToken).ConfigureAwait(false);
            return await MySqlThread.RunAsync(connection, call, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (MySqlFault.Is(exception))
        {
            throw MySqlFault.Of(exception, endpoint, table);
        }
    }
}

/// <summary>What MySQL's errors are to people.</summary>
internal static class MySqlFault
{
    private const int StatementTime = 1969;
    private const int ExecutionTime = 3024;
    private const int UnknownDatabase = 1049;
    private const int Tls = 2026;

    /// <summary>The table's definition changed after the point in time that is read.</summary>
    private const int DefinitionChanged = 1412;

    public static bool Is(Exception exception) =>
        exception is MySqlException or MySqlLibraryException;

    /// <param name="exception">What went wrong.</param>
    /// <param name="endpoint">Where.</param>
    /// <param name="what">Of which table; may be empty.</param>
    public static SourceException Of(Exception exception, SourceEndpoint endpoint, string what)
    {
        string place = what.Length == 0 ? $"MySQL at {endpoint}" : $"{what} of MySQL at {endpoint}";
        string text = exception.Message.TrimEnd('.');
        return exception is MySqlException server
            ? new SourceException(
                $"{place}: {text}{Hint(server, endpoint)}",
                server.IsTransient || server.Code == DefinitionChanged,
                exception)
            : new SourceException($"{place}: {text}", passes: false, exception);
    }

    private static string Hint(MySqlException exception, SourceEndpoint endpoint) => exception switch
    {
        { Code: StatementTime or ExecutionTime } => string.Create(
            CultureInfo.InvariantCulture,
            $"; `statement_timeout` of the source is {endpoint.StatementTimeout.TotalSeconds:0} s: raise it, or lower "
            + $"`chunk_rows`"),
        { Code: UnknownDatabase } => "; see `database` of the source",
        { Code: Tls } => "; see `tls` and `tls_authorities` of the source",
        { Code: DefinitionChanged } => "; the table was altered while it was read",
        { Code: 1045 or 1698 } => "; see `user` and `password` of the source",
        { IsDenied: true } => $"; on the server: GRANT SELECT ON … TO {endpoint.User}",
        { Code: 2002 or 2003 or 2005 } => "; see that the server runs and can be reached from here",
        _ => "",
    };
}
