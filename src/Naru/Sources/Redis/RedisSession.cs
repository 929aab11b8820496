using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Naru.Redis;

namespace Naru.Sources.Redis;

/// <summary>One connection to a Redis, on which commands are asked that only read. Used by one reader.</summary>
internal sealed class RedisSession : IAsyncDisposable
{
    /// <summary>Keys that one SCAN looks at: the server does nothing else for well below a millisecond.</summary>
    private const string PageKeys = "500";

    /// <summary>A text of the server's may be as long as Redis takes one, and one more.</summary>
    private const int ReplyBytesMax = (512 << 20) + 1;

    private const int VersionOfExpireTime = 7;

    private readonly SourceEndpoint _endpoint;
    private readonly RespConnection _redis;

    private RedisSession(SourceEndpoint endpoint, RespConnection redis) => (_endpoint, _redis) = (endpoint, redis);

    public SourceEndpoint Endpoint => _endpoint;

    /// <summary>Commands are written to it, then sent by <see cref="SendAsync"/>.</summary>
    public RespConnection Commands => _redis;

    /// <summary>Redis 7 tells when a key expires; those before, how long it still has.</summary>
    public bool KnowsExpireTime { get; private set; }

    public static async Task<RedisSession> OpenAsync(
        SourceEndpoint endpoint,
        bool isShard,
        X509Certificate2Collection? authorities,
        CancellationToken cancellationToken)
    {
        RedisSession? session = null;
        try
        {
            using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(endpoint.ConnectTimeout);
            RespConnection redis = await RespConnection.OpenAsync(
                new RespAddress(endpoint.Host, endpoint.Port, endpoint.Tls)
                {
                    Authorities = authorities, ReplyBytesMax = ReplyBytesMax,
                },
                limit.Token).ConfigureAwait(false);
            session = new RedisSession(endpoint, redis);
            await session.BeginAsync(isShard, limit.Token).ConfigureAwait(false);
            return session;
        }
        catch (Exception exception)
        {
            if (session is not null)
            {
                await session.DisposeAsync().ConfigureAwait(false);
            }

            throw exception is OperationCanceledException && !cancellationToken.IsCancellationRequested
                ? RedisFault.Of(new IOException("it does not answer"), endpoint)
                : RedisFault.Is(exception) ? RedisFault.Of(exception, endpoint)
                : exception;
        }
    }

    public ValueTask DisposeAsync() => _redis.DisposeAsync();

    /// <summary>Databases that hold keys, with how many; of a source that names one, that one.</summary>
    public async Task<IReadOnlyList<(int Database, long Keys)>> DatabasesAsync(CancellationToken cancellationToken)
    {
        List<(int, long)> databases = [];
        foreach (string line in (await AskAsync(cancellationToken, "INFO", "keyspace").ConfigureAwait(false)).Text
            .Split('\n', StringSplitOptions.TrimEntries))
        {
            // db0:keys=12,expires=3,avg_ttl=0
            string[] parts = line.Split(':', ',', '=');
            if (parts.Length > 2 && parts[0].StartsWith("db", StringComparison.Ordinal) && parts[1] == "keys"
                && int.TryParse(parts[0].AsSpan(2), CultureInfo.InvariantCulture, out int database)
                && long.TryParse(parts[2], CultureInfo.InvariantCulture, out long keys)
                && (_endpoint.Database.Length == 0 || _endpoint.Database == parts[0][2..]))
            {
                databases.Add((database, keys));
            }
        }

        return databases;
    }

    public async Task SelectAsync(int database, CancellationToken cancellationToken)
    {
        // A node of a cluster has this one only, and does not know the command.
        if (database != 0)
        {
            await AskAsync(cancellationToken, "SELECT", database.ToString(CultureInfo.InvariantCulture))
                .ConfigureAwait(false);
        }
    }

    /// <summary>Some keys that match, and where to go on: 0 at the end. A key may come twice.</summary>
    public async Task<(string Cursor, List<byte[]> Keys)> ScanAsync(
        string cursor, string pattern, CancellationToken cancellationToken)
    {
        RespReply page = await AskAsync(
            cancellationToken, "SCAN", cursor, "MATCH", pattern, "COUNT", PageKeys).ConfigureAwait(false);
        return page.Items is [{ Bytes: not null } next, { Items: { } keys }]
            ? (next.Text, [.. keys.Select(static key => key.Bytes!)])
            : throw RedisFault.Of(new IOException("its answer to SCAN is none"), _endpoint);
    }

    /// <summary>Bytes of memory of each key; null for one that is gone, or that the user may not weigh.</summary>
    public async Task<long?[]> WeighAsync(List<byte[]> keys, CancellationToken cancellationToken)
    {
        foreach (byte[] key in keys)
        {
            _redis.WriteOn("MEMORY USAGE", key);
        }

        return [.. (await SendAsync(cancellationToken).ConfigureAwait(false)).Select(static reply =>
            !reply.IsError && long.TryParse(reply.Text, CultureInfo.InvariantCulture, out long bytes)
                ? bytes : (long?)null)];
    }

    /// <summary>Takes some fields of those keys that are hashes.</summary>
    public async Task MeetFieldsAsync(List<byte[]> keys, RedisFieldNames met, CancellationToken cancellationToken)
    {
        foreach (byte[] key in keys.Take(RedisFieldNames.HashesMax))
        {
            _redis.WriteOn("HSCAN", key, "0", "COUNT", "20");
        }

        foreach (RespReply reply in await SendAsync(cancellationToken).ConfigureAwait(false))
        {
            // What is no hash answers with an error.
            if (reply.Items is [_, { Items: { Length: > 0 } fields }])
            {
                met.Begin();
                for (int i = 0; i < fields.Length; i += 2)
                {
                    met.Add(fields[i].Bytes);
                }
            }
        }
    }

    /// <summary>Sends what was written, within the source's time for a statement.</summary>
    public async Task<RespReply[]> SendAsync(CancellationToken cancellationToken)
    {
        using CancellationTokenSource limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_endpoint.StatementTimeout);
        try
        {
            return await _redis.FlushAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            throw RedisFault.Of(new TimeoutException("no answer came in time"), _endpoint);
        }
        catch (Exception exception) when (RedisFault.Is(exception))
        {
            throw RedisFault.Of(exception, _endpoint);
        }
    }

    private async Task BeginAsync(bool isShard, CancellationToken cancellationToken)
    {
        if (!_endpoint.Password.IsNone)
        {
            string password = _endpoint.Password.Reveal();
            await (_endpoint.User.Length > 0
                ? AskAsync(cancellationToken, "AUTH", _endpoint.User, password)
                : AskAsync(cancellationToken, "AUTH", password)).ConfigureAwait(false);
        }

        // Not every server knows these, nor every user may: they are for the server's good.
        _redis.Write("CLIENT", "SETNAME", "naru");
        _redis.Write("CLIENT", "NO-TOUCH", "ON");
        await SendAsync(cancellationToken).ConfigureAwait(false);
        string about = (await AskAsync(cancellationToken, "INFO", "server").ConfigureAwait(false)).Text
            + (await AskAsync(cancellationToken, "INFO", "cluster").ConfigureAwait(false)).Text;
        KnowsExpireTime = Fact(about, "redis_version").Split('.') is [string major, ..]
            && int.TryParse(major, CultureInfo.InvariantCulture, out int version) && version >= VersionOfExpireTime;
        if (Fact(about, "cluster_enabled") == "1" && !isShard)
        {
            throw new SourceException(
                $"Redis at {_endpoint} is a node of a cluster and holds a part of the keys; name each of its masters "
                + "in `shards`");
        }
    }

    private static string Fact(string about, string name) => about.Split('\n', StringSplitOptions.TrimEntries)
        .FirstOrDefault(line => line.StartsWith($"{name}:", StringComparison.Ordinal))?[(name.Length + 1)..] ?? "";

    private async Task<RespReply> AskAsync(CancellationToken cancellationToken, params string[] words)
    {
        _redis.Write(words);
        RespReply reply = (await SendAsync(cancellationToken).ConfigureAwait(false))[0];
        return reply.IsError ? throw RedisFault.Of(reply, _endpoint) : reply;
    }
}
