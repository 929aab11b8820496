using System.Globalization;
using System.Text.Json;
using System.Text.Unicode;
using Naru.Lake.Columns;

namespace Naru.Sources.OpenSearch;

/// <summary>
/// Reads one slice of a point in time page after page, each from where the last one ended. Elasticsearch has an order
/// for that in which no two documents stand at the same place (`_shard_doc`). OpenSearch has it from 3.3 on only, so
/// there the order is `_seq_no`, which no two documents of one shard share: of a full page the documents with its last
/// number are read again with the next, for the same number of another shard may have been cut off. That takes pages of
/// more documents than there are shards.
/// </summary>
internal sealed class OpenSearchPages
{
    /// <summary>Without the shards that are there, when not all are.</summary>
    public const string Path = "/_search?allow_partial_search_results=false";

    private const int FirstSize = 1_000;
    private const int SizeMax = 10_000;
    private const int PageBytesWanted = 8 << 20;

    private readonly OpenSearchClient _client;
    private readonly OpenSearchPoint _point;
    private readonly SourceRead _read;
    private readonly OpenSearchReader _reader;
    private readonly int _sizeMin;
    private int _size = FirstSize;
    private long? _after;
    private long _total = -1;
    private long _rows;
    private ColumnBatch? _batch;
    private int _batchRows;
    private long _batchBytes;

    public OpenSearchPages(OpenSearchClient client, OpenSearchPoint point, SourceRead read)
    {
        (_client, _point, _read) = (client, point, read);
        _reader = new OpenSearchReader(read);
        _sizeMin = point.Product.IsOpenSearch ? point.Shards + 1 : 1;
        if (_sizeMin > SizeMax)
        {
            throw new SourceException(string.Create(
                CultureInfo.InvariantCulture,
                $"{read.Table.Name} has {point.Shards} shards, more than a page can have documents; take it in parts, "
                + $"by narrower patterns"));
        }

        _size = Math.Max(_size, _sizeMin);
    }

    /// <summary>Gives the number of documents.</summary>
    public async Task<long> ReadAsync(IRowSink sink, CancellationToken cancellationToken)
    {
        _batch = sink.Begin();
        try
        {
            while (await TakePageAsync(sink, cancellationToken).ConfigureAwait(false))
            {
            }

            if (_rows != _total)
            {
                throw new SourceException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{_client.Where} has {_total} documents in {_read.Chunk.Label} of {_read.Table.Name}, but gave "
                    + $"{_rows}"));
            }

            ColumnBatch last = _batch;
            _batch = null;
            await sink.EndAsync(last, _batchRows, cancellationToken).ConfigureAwait(false);
            return _rows;
        }
        catch
        {
            _batch?.Dispose();
            throw;
        }
    }

    /// <summary>Throws where an answer is not of all shards.</summary>
    public static void CheckShards(JsonElement answer, string where, SourceTableName table)
    {
        bool isLate = answer.TryGetProperty("timed_out", out JsonElement late)
            && late.ValueKind == JsonValueKind.True;
        if (isLate)
        {
            throw new SourceException(
                $"{where} ended a search of {table} before it was whole; raise `statement_timeout` of the source",
                passes: true);
        }

        bool isPart = answer.TryGetProperty("_clusters", out JsonElement clusters)
            && new[] { "skipped", "partial", "failed" }.Any(each => Number(clusters, each) > 0);
        if (isPart)
        {
            throw new SourceException($"{where} left out a remote cluster of {table}", passes: true);
        }

        if (!answer.TryGetProperty("_shards", out JsonElement shards))
        {
            return;
        }

        long missing = Math.Max(Number(shards, "failed"), Number(shards, "total") - Number(shards, "successful"));
        if (missing > 0)
        {
            string why = shards.TryGetProperty("failures", out JsonElement failures)
                && failures.ValueKind == JsonValueKind.Array && failures.GetArrayLength() > 0
                && failures[0].TryGetProperty("reason", out JsonElement reason)
                    ? $" ({OpenSearchClient.Words(reason.ToString())})" : "";
            throw new SourceException(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{where} answered without {missing} of {Number(shards, "total")} shards of {table}{why}"),
                passes: true);
        }
    }

    /// <summary>Documents that a search found.</summary>
    public static long Total(JsonElement answer) =>
        answer.GetProperty("hits").GetProperty("total").GetProperty("value").GetInt64();

    private static long Number(JsonElement holder, string name) =>
        holder.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number
            ? value.GetInt64() : 0;

    /// <summary>False after the last one.</summary>
    private async Task<bool> TakePageAsync(IRowSink sink, CancellationToken cancellationToken)
    {
        int asked = _size;
        using OpenSearchAnswer? answer = await AskAsync(cancellationToken).ConfigureAwait(false);
        if (answer is null)
        {
            return true;
        }

        string what = $"a page of {_read.Table.Name}";
        if (!Utf8.IsValid(answer.Body.Span))
        {
            throw new SourceException($"{_client.Where} answered {what} with what is not UTF-8", passes: true);
        }

        using JsonDocument page = _client.Parse(answer.Body, what);
        _point.Renamed(page.RootElement);
        CheckShards(page.RootElement, _client.Where, _read.Table.Name);
        if (_total < 0)
        {
            _total = Total(page.RootElement);
        }

        JsonElement hits = page.RootElement.GetProperty("hits").GetProperty("hits");
        int count = hits.GetArrayLength();
        bool isFull = count >= asked;
        long end = count == 0 ? 0 : Place(hits[count - 1]);
        bool isCut = isFull && _point.Product.IsOpenSearch;
        foreach (JsonElement hit in hits.EnumerateArray())
        {
            if (isCut && Place(hit) == end)
            {
                break;
            }

            await TakeAsync(hit, sink, cancellationToken).ConfigureAwait(false);
        }

        _reader.CheckLists();
        if (isFull)
        {
            long after = isCut ? end - 1 : end;
            _after = _after is null || after > _after ? after : throw new SourceException(
                $"{_client.Where} gave documents of {_read.Table.Name} out of their order");
        }

        Fit(answer.Body.Length, count);
        return isFull;
    }

    private async Task TakeAsync(JsonElement hit, IRowSink sink, CancellationToken cancellationToken)
    {
        _batchBytes += _reader.Append(_batch!, _batchRows, hit);
        _batchRows++;
        _rows++;
        if (!sink.IsFull(_batchRows, _batchBytes))
        {
            return;
        }

        ColumnBatch full = _batch!;
        _batch = null;
        _batch = await sink.TakeAsync(full, _batchRows, cancellationToken).ConfigureAwait(false);
        _batchRows = 0;
        _batchBytes = 0;
    }

    /// <summary>A place in the order of pages.</summary>
    private long Place(JsonElement hit) =>
        hit.TryGetProperty("sort", out JsonElement sort) && sort.GetArrayLength() > 0
            && sort[0].TryGetInt64(out long place) ? place : throw new SourceException(
                $"{_client.Where} gave a document of {_read.Table.Name} without its place in the order");

    /// <summary>Null where the page was too large, and a smaller one is to be asked for.</summary>
    private async Task<OpenSearchAnswer?> AskAsync(CancellationToken cancellationToken)
    {
        try
        {
            OpenSearchAnswer answer = await _client.SendAsync(OpenSearchOrder.Post(Path, Body()), cancellationToken)
                .ConfigureAwait(false);
            if (answer.IsOk)
            {
                return answer;
            }

            using (answer)
            {
                bool isTooMany = answer.Status == 400 && answer.Body.Span.IndexOf("max_result_window"u8) >= 0;
                return isTooMany
                    ? throw new OpenSearchTooLargeException($"{_client.Where} takes no pages of {_size} documents")
                    : throw _client.Fault(answer, $"a page of {_read.Table.Name}");
            }
        }
        catch (OpenSearchTooLargeException exception)
        {
            if (_size == _sizeMin)
            {
                throw new SourceException(
                    $"{exception.Message}, and a page of {_read.Table.Name} cannot be smaller; leave large fields out "
                    + "with `except`",
                    passes: false,
                    exception);
            }

            _size = Math.Max(_sizeMin, _size / 4);
            return null;
        }
    }

    /// <summary>The next page is to have about as many bytes as pages should.</summary>
    private void Fit(int bytes, int count)
    {
        if (count > 0)
        {
            long wanted = (long)PageBytesWanted * count / Math.Max(bytes, 1);
            _size = (int)Math.Clamp(Math.Min(wanted, _size * 2L), _sizeMin, SizeMax);
        }
    }

    private byte[] Body() => _point.Body(json =>
    {
        json.WriteNumber("size", _size);
        json.WriteBoolean("track_total_hits", _total < 0);
        json.WriteStartArray("sort");
        json.WriteStartObject();
        json.WriteString(_point.Product.IsOpenSearch ? "_seq_no" : "_shard_doc", "asc");
        json.WriteEndObject();
        json.WriteEndArray();
        if (_after is { } after)
        {
            json.WriteStartArray("search_after");
            json.WriteNumberValue(after);
            json.WriteEndArray();
        }

        WriteSlice(json);
        if (_read.From is { } from)
        {
            json.WriteStartObject("query");
            OpenSearchCursor.Write(json, from);
            json.WriteEndObject();
        }

        WriteFields(json);
    });

    private void WriteSlice(Utf8JsonWriter json)
    {
        int slash = _read.Chunk.Condition.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
        {
            return;
        }

        json.WriteStartObject("slice");
        json.WritePropertyName("id");
        json.WriteRawValue(_read.Chunk.Condition.AsSpan(0, slash));
        json.WritePropertyName("max");
        json.WriteRawValue(_read.Chunk.Condition.AsSpan(slash + 1));
        json.WriteEndObject();
    }

    private void WriteFields(Utf8JsonWriter json)
    {
        switch (_reader.SourceFields)
        {
            case null:
                json.WriteBoolean("_source", true);
                break;
            case { Count: 0 }:
                json.WriteBoolean("_source", false);
                break;
            case { } some:
                json.WriteStartArray("_source");
                foreach (string field in some)
                {
                    json.WriteStringValue(field);
                }

                json.WriteEndArray();
                break;
        }

        json.WriteStartArray("fields");
        foreach ((string field, string? format) in _reader.ServerFields)
        {
            json.WriteStartObject();
            json.WriteString("field", field);
            if (format is not null)
            {
                json.WriteString("format", format);
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
