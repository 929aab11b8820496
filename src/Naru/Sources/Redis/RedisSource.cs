using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Naru.Redis;

namespace Naru.Sources.Redis;

/// <summary>Keys of a Redis that runs. Everything that is sent only reads.</summary>
internal sealed class RedisSource(SourceEndpoint endpoint, bool isShard, X509Certificate2Collection? authorities)
    : ISourceServer
{
    private const int SampledKeysMax = 20_000;
    private const int WeighedKeysMax = 2_000;

    /// <summary>Pages of keys that are looked at for fields of hashes.</summary>
    private const int PagesMax = 50;

    public async Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken)
    {
        await using RedisSession session = await OpenAsync(cancellationToken).ConfigureAwait(false);
        return [.. (await session.DatabasesAsync(cancellationToken).ConfigureAwait(false))
            .Select(static each => each.Database.ToString(CultureInfo.InvariantCulture))];
    }

    public async Task<IReadOnlyList<SourceTableSize>> TablesAsync(CancellationToken cancellationToken)
    {
        await using RedisSession session = await OpenAsync(cancellationToken).ConfigureAwait(false);
        RedisPrefixes prefixes = new();
        IReadOnlyList<(int Database, long Keys)> databases =
            await session.DatabasesAsync(cancellationToken).ConfigureAwait(false);
        foreach ((int database, _) in databases)
        {
            await session.SelectAsync(database, cancellationToken).ConfigureAwait(false);
            long most = prefixes.Keys + (SampledKeysMax / databases.Count);
            string cursor = "0";
            do
            {
                (cursor, List<byte[]> keys) = await session.ScanAsync(cursor, "*", cancellationToken)
                    .ConfigureAwait(false);
                long?[] bytes = prefixes.Keys < WeighedKeysMax
                    ? await session.WeighAsync(keys, cancellationToken).ConfigureAwait(false) : new long?[keys.Count];
                for (int i = 0; i < keys.Count; i++)
                {
                    prefixes.Add(keys[i], bytes[i]);
                }
            }
            while (cursor != "0" && prefixes.Keys < most);
        }

        return prefixes.Tables(databases.Sum(static each => each.Keys));
    }

    public async Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken)
    {
        RedisFieldNames met = new();
        await using RedisSession session = await OpenAsync(cancellationToken).ConfigureAwait(false);
        foreach ((int database, _) in await session.DatabasesAsync(cancellationToken).ConfigureAwait(false))
        {
            await session.SelectAsync(database, cancellationToken).ConfigureAwait(false);
            string cursor = "0";
            int pages = 0;
            do
            {
                (cursor, List<byte[]> keys) = await session.ScanAsync(cursor, table.Name, cancellationToken)
                    .ConfigureAwait(false);
                await session.MeetFieldsAsync(keys, met, cancellationToken).ConfigureAwait(false);
            }
            while (cursor != "0" && ++pages < PagesMax && met.Hashes < RedisFieldNames.HashesMax);
        }

        return RedisColumns.Table(table, options, met);
    }

    public async Task<ISourceSnapshot> BeginAsync(int sessions, CancellationToken cancellationToken)
    {
        await using RedisSession session = await OpenAsync(cancellationToken).ConfigureAwait(false);
        return new RedisSnapshot(this, await session.DatabasesAsync(cancellationToken).ConfigureAwait(false));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>A session that is signed in, of which the server does not take what it reads for use.</summary>
    internal Task<RedisSession> OpenAsync(CancellationToken cancellationToken) =>
        RedisSession.OpenAsync(endpoint, isShard, authorities, cancellationToken);
}

/// <summary>What Redis's errors are to people.</summary>
internal static class RedisFault
{
    public static bool Is(Exception exception) =>
        exception is SocketException or IOException or AuthenticationException or TimeoutException;

    public static SourceException Of(Exception exception, SourceEndpoint endpoint)
    {
        string mend = exception switch
        {
            AuthenticationException => "see `tls` and `tls_authorities` of the source",
            TimeoutException => string.Create(
                CultureInfo.InvariantCulture,
                $"`statement_timeout` of the source is {endpoint.StatementTimeout.TotalSeconds:0} s"),
            _ => "see that the server runs and can be reached from here",
        };
        return new SourceException(
            $"Redis at {endpoint}: {exception.Message.TrimEnd('.')}; {mend}",
            passes: exception is not AuthenticationException,
            exception);
    }

    /// <summary>What the server answered, in its own words, which hold no password.</summary>
    public static SourceException Of(RespReply error, SourceEndpoint endpoint)
    {
        string text = error.Text;
        bool Begins(string word) => text.StartsWith(word, StringComparison.Ordinal);
        string mend = Begins("NOPERM")
            ? "; on the server: ACL SETUSER … ~* +@read +select +info"
            : Begins("WRONGPASS") || Begins("NOAUTH") || Begins("ERR AUTH")
                ? "; see `user` and `password` of the source"
            : Begins("MOVED")
                ? "; the node of a cluster is no master, or slots move: name the masters in `shards`"
            : Begins("ERR DB index") ? "; see `database` of the source" : "";
        return new SourceException(
            $"Redis at {endpoint}: {text}{mend}",
            Begins("LOADING") || Begins("MASTERDOWN") || Begins("BUSY") || Begins("TRYAGAIN") || Begins("MOVED"));
    }
}
