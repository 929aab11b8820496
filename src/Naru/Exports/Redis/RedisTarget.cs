using System.Globalization;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Models;
using Naru.Redis;

namespace Naru.Exports.Redis;

/// <summary>
/// Puts rows into a Redis, many commands in a row. Redis has no transaction that would hold an interval, but each of
/// these commands may be carried out twice: an attempt that broke is sent again whole.
/// </summary>
internal sealed class RedisTarget(RedisTargetDefinition target, string password) : IExportTarget
{
    private const int RowsInFlight = 500;
    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private RespConnection? _redis;

    public ValueTask DisposeAsync() => _redis?.DisposeAsync() ?? ValueTask.CompletedTask;

    public async Task<ExportTally> SendAsync(ExportJob job, CancellationToken cancellationToken)
    {
        CheckColumns(job);
        try
        {
            _redis = await RespConnection.OpenAsync(
                new RespAddress(target.Host, target.Port, target.Tls), cancellationToken).ConfigureAwait(false);
            await SignInAsync(cancellationToken).ConfigureAwait(false);
            HeldRows held = HeldRows.Begin(job);
            long put = await SendAsync(job, held.Puts, cancellationToken).ConfigureAwait(false);
            long removed = held.Removes
                ? await SendAsync(job, RowSet.Removed, cancellationToken).ConfigureAwait(false) : 0;
            held.End();
            return new ExportTally(put, put, 0, removed, _redis.BytesSent);
        }
        catch (Exception exception)
            when (exception is SocketException or System.IO.IOException or AuthenticationException)
        {
            throw new FillException(string.Create(
                CultureInfo.InvariantCulture,
                $"Redis at {target.Host}:{target.Port} does not answer: {exception.Message}"),
                exception);
        }
    }

    /// <summary>What tells rows apart in Redis must be what tells them apart in the export.</summary>
    private void CheckColumns(ExportJob job)
    {
        IEnumerable<string> own = target.Form == RedisForm.Set
            ? target.Key.Columns.Append(target.Value!) : target.Key.Columns;
        if (!own.ToHashSet(StringComparer.Ordinal).SetEquals(job.Rows.Key))
        {
            throw new FillException(
                $"the export's key is {string.Join(", ", job.Rows.Key)}, and rows are put by "
                + $"{string.Join(", ", own)}; give the export the key [{string.Join(", ", own)}]");
        }

        if (target.Value is { } value && !job.Rows.Columns.Any(column => column.Name == value))
        {
            throw new FillException($"the query has no column \"{value}\", which `value` names");
        }
    }

    private async Task SignInAsync(CancellationToken cancellationToken)
    {
        if (password.Length > 0)
        {
            _redis!.Write(target.User.Length > 0 ? ["AUTH", target.User, password] : ["AUTH", password]);
        }

        _redis!.Write("SELECT", target.Database.ToString(CultureInfo.InvariantCulture));
        foreach (RespReply reply in await _redis.FlushAsync(cancellationToken).ConfigureAwait(false))
        {
            // Its own words, which hold no password.
            Refuse(reply);
        }
    }

    private async Task<long> SendAsync(ExportJob job, RowSet set, CancellationToken cancellationToken)
    {
        string[] names = [.. set == RowSet.Removed ? job.Rows.Key : job.Rows.Columns.Select(static each => each.Name)];
        List<(long Row, int Commands)> batch = [];
        long sent = 0;
        foreach (ExportRow row in job.Rows.Texts(set))
        {
            int before = _redis!.Pending;
            Put(job.Rows, set, names, row.Cells);
            batch.Add((row.Number, _redis.Pending - before));
            if (batch.Count == RowsInFlight)
            {
                sent += await FlushAsync(job, batch, cancellationToken).ConfigureAwait(false);
            }
        }

        return batch.Count == 0 ? sent : sent + await FlushAsync(job, batch, cancellationToken).ConfigureAwait(false);
    }

    private void Put(ExportRows rows, RowSet set, string[] names, string?[] cells)
    {
        string key = target.Key.Of(name => cells[Array.IndexOf(names, name)] ?? "");
        if (set == RowSet.Removed)
        {
            _redis!.Write(target.Form == RedisForm.Set
                ? ["SREM", key, cells[Array.IndexOf(names, target.Value)] ?? ""] : ["DEL", key]);
            return;
        }

        switch (target.Form)
        {
            case RedisForm.Set:
                _redis!.Write("SADD", key, cells[Array.IndexOf(names, target.Value)] ?? "");
                break;
            case RedisForm.String:
                PutString(rows, key, cells);
                break;
            default:
                PutHash(key, names, cells);
                break;
        }

        if (target.Ttl is { } ttl)
        {
            _redis!.Write(
                "PEXPIRE", key, ((long)ttl.TotalMilliseconds).ToString(CultureInfo.InvariantCulture));
        }
    }

    private void PutString(ExportRows rows, string key, string?[] cells)
    {
        if (target.Value is not { } column)
        {
            JsonObject row = [];
            for (int i = 0; i < cells.Length; i++)
            {
                row[rows.Columns[i].Name] = NodeOf(rows.Columns[i].Type, cells[i]);
            }

            _redis!.Write("SET", key, row.ToJsonString(Plain));
        }
        else if (cells[rows.Columns.IndexOf(rows.Columns.Single(each => each.Name == column))] is { } value)
        {
            _redis!.Write("SET", key, value);
        }
        else
        {
            _redis!.Write("DEL", key);
        }
    }

    /// <summary>Numbers with all their digits; those that JSON does not know are texts.</summary>
    private static JsonNode? NodeOf(ExportType type, string? cell) => type switch
    {
        _ when cell is null => null,
        ExportType.Boolean or ExportType.SmallInt or ExportType.Integer or ExportType.BigInt or ExportType.Decimal
            or ExportType.Json or ExportType.TextList or ExportType.Nested => JsonNode.Parse(cell),
        ExportType.Float or ExportType.Double when char.IsAsciiDigit(cell[^1]) => JsonNode.Parse(cell),
        _ => JsonValue.Create(cell),
    };

    /// <summary>Null is a field that is not there.</summary>
    private void PutHash(string key, string[] names, string?[] cells)
    {
        List<string> set = ["HSET", key];
        List<string> none = ["HDEL", key];
        for (int i = 0; i < names.Length; i++)
        {
            if (cells[i] is { } cell)
            {
                set.Add(names[i]);
                set.Add(cell);
            }
            else
            {
                none.Add(names[i]);
            }
        }

        if (set.Count > 2)
        {
            _redis!.Write([.. set]);
        }

        if (none.Count > 2)
        {
            _redis!.Write([.. none]);
        }
    }

    private async Task<long> FlushAsync(
        ExportJob job, List<(long Row, int Commands)> batch, CancellationToken cancellationToken)
    {
        RespReply[] replies = await _redis!.FlushAsync(cancellationToken).ConfigureAwait(false);
        long taken = 0;
        int at = 0;
        foreach ((long row, int commands) in batch)
        {
            RespReply? error = replies[at..(at + commands)].Where(static reply => reply.IsError)
                .Select(static reply => (RespReply?)reply).FirstOrDefault();
            at += commands;
            if (error is not { } wrong)
            {
                taken++;
            }
            else if (wrong.Text.StartsWith("WRONGTYPE", StringComparison.Ordinal))
            {
                job.Rows.Reject(row, wrong.Text);
            }
            else
            {
                Refuse(wrong);
            }
        }

        batch.Clear();
        return taken;
    }

    private static void Refuse(RespReply reply)
    {
        if (reply.IsError)
        {
            throw new FillException($"Redis refused it: {reply.Text}");
        }
    }
}
