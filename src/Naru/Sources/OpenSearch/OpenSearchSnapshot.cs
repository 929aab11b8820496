using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Naru.Sources.OpenSearch;

/// <summary>
/// A point in time of each table that is read, opened when the table is first asked for and deleted at the end. Parts
/// are slices of it. The cluster says how many documents a slice has; one that gives fewer or more fails the read, and
/// so does an answer of which a shard is missing: what is read is whole or nothing.
/// </summary>
internal sealed class OpenSearchSnapshot(OpenSearchClient client, OpenSearchProduct product, int sessions)
    : ISourceSnapshot
{
    private const int SlicesMax = 1_024;
    private const long RowsWorthSlicing = 100_000;

    private readonly ConcurrentDictionary<SourceTableName, Lazy<Task<OpenSearchPoint>>> _points = new();
    private readonly SemaphoreSlim _free = new(sessions, sessions);

    public string Point => $"{product} at {client.Where}, a point in time of each table";

    public bool IsConsistent => true;

    public async Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken)
    {
        // The point first: whatever its documents have is in the mapping by then.
        OpenSearchPoint point = await PointAsync(table, cancellationToken).ConfigureAwait(false);
        if (!point.IsOpen)
        {
            return null;
        }

        SourceTable? described = await OpenSearchDescriber.DescribeAsync(client, table, cancellationToken)
            .ConfigureAwait(false);
        return described is null ? null : described with
        {
            Rows = await point.CountAsync(cancellationToken).ConfigureAwait(false),
        };
    }

    public Task<IReadOnlyList<SourceChunk>> SplitAsync(
        SourceTable table, long rowsPerChunk, CancellationToken cancellationToken)
    {
        long rows = table.Rows ?? 0;
        long slices = Math.Clamp(
            Math.Max((rows + rowsPerChunk - 1) / rowsPerChunk, rows >= RowsWorthSlicing ? sessions : 1), 1, SlicesMax);
        return Task.FromResult<IReadOnlyList<SourceChunk>>(slices == 1
            ? [SourceChunk.Whole]
            :
            [
                .. Enumerable.Range(0, (int)slices).Select(slice => new SourceChunk(
                    string.Create(CultureInfo.InvariantCulture, $"slice {slice + 1} of {slices}"),
                    string.Create(CultureInfo.InvariantCulture, $"{slice}/{slices}"))),
            ]);
    }

    public async Task<string?> GreatestAsync(
        SourceTable table, SourceColumn column, CancellationToken cancellationToken)
    {
        OpenSearchCursor.Check(table, column);
        OpenSearchPoint point = await PointAsync(table.Name, cancellationToken).ConfigureAwait(false);
        return await point.GreatestAsync(column, cancellationToken).ConfigureAwait(false);
    }

    public async Task ReadAsync(SourceRead read, IRowSink sink, CancellationToken cancellationToken)
    {
        OpenSearchPoint point = await PointAsync(read.Table.Name, cancellationToken).ConfigureAwait(false);
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            long rows = await new OpenSearchPages(client, point, read).ReadAsync(sink, cancellationToken)
                .ConfigureAwait(false);
            point.Took(read, rows);
        }
        finally
        {
            _free.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (Lazy<Task<OpenSearchPoint>> opened in _points.Values.Where(static each => each.IsValueCreated))
        {
            await ((Task)opened.Value).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (opened.Value.IsCompletedSuccessfully)
            {
                OpenSearchPoint point = await opened.Value.ConfigureAwait(false);
                await point.DisposeAsync().ConfigureAwait(false);
            }
        }

        _free.Dispose();
    }

    /// <summary>Not cancelled with the one who asked first: others may wait for it.</summary>
    private Task<OpenSearchPoint> PointAsync(SourceTableName table, CancellationToken cancellationToken) =>
        _points.GetOrAdd(table, name => new Lazy<Task<OpenSearchPoint>>(
            () => OpenSearchPoint.OpenAsync(client, product, name))).Value.WaitAsync(cancellationToken);
}

/// <summary>Which fields a read can begin from, and how the server is told.</summary>
internal static class OpenSearchCursor
{
    private const long MillisecondNanoseconds = 1_000_000;

    public static void Check(SourceTable table, SourceColumn column)
    {
        bool isOrdered = column.ServerType is "date" or "date_nanos" or "keyword" or "byte" or "short" or "integer"
            or "long";
        if (!isOrdered)
        {
            throw new SourceException(
                $"{column.Name} of {table.Name} is {column.ServerType}, which can be no `cursor`: take a field that is "
                + "a date, a whole number or a keyword in every index of the table");
        }
    }

    /// <summary>A condition on a field, from a value that a sort gave.</summary>
    public static void Write(Utf8JsonWriter json, SourceFrom from)
    {
        bool isNumber = long.TryParse(
            from.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value);
        json.WriteStartObject("range");
        json.WriteStartObject(from.Column.Name);
        switch (from.Column.ServerType)
        {
            case "date" or "date_nanos" when isNumber:
                // Nanoseconds are sorted by, but asked for in milliseconds: some are read again.
                json.WriteNumber("gte", from.Column.ServerType == "date" ? value
                    : (value / MillisecondNanoseconds) - (value < 0 ? 1 : 0));
                json.WriteString("format", "epoch_millis");
                break;
            case "keyword":
                json.WriteString("gte", from.Value);
                break;
            default:
                json.WriteNumber("gte", value);
                break;
        }

        json.WriteEndObject();
        json.WriteEndObject();
    }
}

/// <summary>An open point in time of one table. Safe for all threads.</summary>
internal sealed class OpenSearchPoint : IAsyncDisposable
{
    /// <summary>Each page renews it.</summary>
    public const string KeepAlive = "5m";

    private readonly OpenSearchClient _client;
    private readonly SourceTableName _table;
    private readonly ConcurrentDictionary<string, long> _slices = new();
    private readonly HashSet<string> _ids = new(StringComparer.Ordinal);
    private readonly Lock _gate = new();
    private string _id;
    private long _rows = -1;

    private OpenSearchPoint(OpenSearchClient client, OpenSearchProduct product, SourceTableName table, string id)
    {
        (_client, Product, _table, _id) = (client, product, table, id);
        if (id.Length > 0)
        {
            _ids.Add(id);
        }
    }

    public OpenSearchProduct Product { get; }

    /// <summary>False where there is no such table.</summary>
    public bool IsOpen => _ids.Count > 0;

    /// <summary>Of all its indices.</summary>
    public int Shards { get; private set; }

    public static async Task<OpenSearchPoint> OpenAsync(
        OpenSearchClient client, OpenSearchProduct product, SourceTableName table)
    {
        string name = OpenSearchDescriber.PathOf(table);
        string path = product.IsOpenSearch
            ? $"/{name}/_search/point_in_time?keep_alive={KeepAlive}&allow_partial_pit_creation=false"
            : $"/{name}/_pit?keep_alive={KeepAlive}";
        using OpenSearchAnswer answer = await client.SendAsync(OpenSearchOrder.Post(path), CancellationToken.None)
            .ConfigureAwait(false);
        if (answer.Status == 404)
        {
            return new OpenSearchPoint(client, product, table, "");
        }

        string what = $"a point in time of {table}";
        if (!answer.IsOk)
        {
            throw client.Fault(answer, what);
        }

        using JsonDocument document = client.Parse(answer.Body, what);
        JsonElement root = document.RootElement;
        string id = root.TryGetProperty(product.IsOpenSearch ? "pit_id" : "id", out JsonElement told)
            ? told.ToString() : "";
        if (id.Length == 0)
        {
            throw new SourceException($"{client.Where} gave no point in time of {table}");
        }

        OpenSearchPoint point = new(client, product, table, id);
        try
        {
            OpenSearchPages.CheckShards(root, client.Where, table);
            point.Shards = root.TryGetProperty("_shards", out JsonElement shards)
                && shards.TryGetProperty("total", out JsonElement total) ? total.GetInt32() : 0;
            return point;
        }
        catch
        {
            await point.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Documents at this point.</summary>
    public async Task<long> CountAsync(CancellationToken cancellationToken)
    {
        byte[] body = Body(json =>
        {
            json.WriteNumber("size", 0);
            json.WriteBoolean("track_total_hits", true);
        });
        using JsonDocument answer = await SearchAsync(body, cancellationToken).ConfigureAwait(false);
        long rows = OpenSearchPages.Total(answer.RootElement);
        Interlocked.Exchange(ref _rows, rows);
        return rows;
    }

    /// <summary>The value that sorts last; null where no document has one.</summary>
    public async Task<string?> GreatestAsync(SourceColumn column, CancellationToken cancellationToken)
    {
        byte[] body = Body(json =>
        {
            json.WriteNumber("size", 1);
            json.WriteBoolean("_source", false);
            json.WriteBoolean("track_total_hits", false);
            json.WriteStartObject("query");
            json.WriteStartObject("exists");
            json.WriteString("field", column.Name);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartArray("sort");
            json.WriteStartObject();
            json.WriteStartObject(column.Name);
            json.WriteString("order", "desc");
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndArray();
        });
        using JsonDocument answer = await SearchAsync(body, cancellationToken).ConfigureAwait(false);
        JsonElement hits = answer.RootElement.GetProperty("hits").GetProperty("hits");
        return hits.GetArrayLength() == 0 ? null : hits[0].GetProperty("sort")[0].ToString();
    }

    /// <summary>A search's body: what a search of this point always says, then the rest.</summary>
    public byte[] Body(Action<Utf8JsonWriter> more)
    {
        ArrayBufferWriter<byte> body = new();
        using Utf8JsonWriter json = new(body);
        json.WriteStartObject();
        json.WriteStartObject("pit");
        json.WriteString("id", Volatile.Read(ref _id));
        json.WriteString("keep_alive", KeepAlive);
        json.WriteEndObject();
        json.WriteString("timeout", string.Create(
            CultureInfo.InvariantCulture, $"{_client.StatementTimeout.TotalSeconds:0}s"));
        more(json);
        json.WriteEndObject();
        json.Flush();
        return body.WrittenSpan.ToArray();
    }

    /// <summary>The point's name may be another one after each answer; all of them are deleted.</summary>
    public void Renamed(JsonElement answer)
    {
        if (answer.TryGetProperty("pit_id", out JsonElement told) && told.GetString() is { Length: > 0 } id)
        {
            Volatile.Write(ref _id, id);
            lock (_gate)
            {
                _ids.Add(id);
            }
        }
    }

    /// <summary>Holds the slices of a table, once all are read, against the number of its documents.</summary>
    public void Took(SourceRead read, long rows)
    {
        if (read.From is not null)
        {
            return;
        }

        _slices[read.Chunk.Condition] = rows;
        int slash = read.Chunk.Condition.IndexOf('/', StringComparison.Ordinal);
        int slices = slash < 0 ? 1 : int.Parse(
            read.Chunk.Condition.AsSpan(slash + 1), NumberStyles.None, CultureInfo.InvariantCulture);
        long all = Interlocked.Read(ref _rows);
        if (_slices.Count == slices && all >= 0 && _slices.Values.Sum() is var sum && sum != all)
        {
            throw new SourceException(string.Create(
                CultureInfo.InvariantCulture,
                $"{_client.Where} has {all} documents of {_table} at this point in time, but gave {sum}"));
        }
    }

    public async ValueTask DisposeAsync()
    {
        const int TriesToDelete = 2;
        string[] ids;
        lock (_gate)
        {
            ids = [.. _ids];
        }

        foreach (string id in ids)
        {
            string list = JsonSerializer.Serialize(id, OpenSearchJson.Default.String);
            (string path, string body) = Product.IsOpenSearch
                ? ("/_search/point_in_time", $$"""{"pit_id":[{{list}}]}""") : ("/_pit", $$"""{"id":{{list}}}""");
            try
            {
                OpenSearchOrder order = new(HttpMethod.Delete, path)
                {
                    Body = Encoding.UTF8.GetBytes(body), Tries = TriesToDelete,
                };
                (await _client.SendAsync(order, CancellationToken.None).ConfigureAwait(false)).Dispose();
            }
            catch (Exception exception) when (exception is SourceException or OpenSearchTooLargeException)
            {
                // The cluster drops it by itself when nobody has used it for a while.
            }
        }
    }

    private async Task<JsonDocument> SearchAsync(byte[] body, CancellationToken cancellationToken)
    {
        JsonDocument answer = await _client.AskAsync(
            OpenSearchOrder.Post(OpenSearchPages.Path, body), $"a search of {_table}", cancellationToken)
            .ConfigureAwait(false);
        try
        {
            Renamed(answer.RootElement);
            OpenSearchPages.CheckShards(answer.RootElement, _client.Where, _table);
            return answer;
        }
        catch
        {
            answer.Dispose();
            throw;
        }
    }
}

[JsonSerializable(typeof(string))]
internal sealed partial class OpenSearchJson : JsonSerializerContext;
