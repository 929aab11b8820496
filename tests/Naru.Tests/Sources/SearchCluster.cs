using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Naru.Tests.Sources;

/// <summary>
/// Answers as the references of OpenSearch and Elasticsearch say that they answer: paths, bodies and answers of points
/// in time, searches, mappings and lists of indices, and nothing else. A request that the references do not know is
/// noted in <see cref="Odd"/> and refused. No part of either product is in it.
/// </summary>
internal sealed class SearchCluster : IAsyncDisposable
{
    private static readonly string[] BodyKeys =
        ["pit", "timeout", "size", "track_total_hits", "sort", "search_after", "slice", "query", "_source", "fields"];

    private readonly WebApplication _application;
    private readonly bool _isOpenSearch;
    private readonly Random _random;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<PointDocument>> _points = [];
    private int _opened;

    private SearchCluster(WebApplication application, bool isOpenSearch)
    {
        (_application, _isOpenSearch) = (application, isOpenSearch);
        _random = TestSeed.Random(out _);
    }

    public int Port => new Uri(_application.Urls.First()).Port;

    public Dictionary<string, SearchIndex> Indices { get; } = [];

    public Dictionary<string, string[]> Aliases { get; } = [];

    public Dictionary<string, string[]> DataStreams { get; } = [];

    /// <summary>One word for each page that is asked for; an empty one for none.</summary>
    public ConcurrentQueue<string> Faults { get; } = new();

    /// <summary>Called before each page.</summary>
    public Action OnPage { get; set; } = static () => { };

    /// <summary>Requests that no reference describes.</summary>
    public ConcurrentQueue<string> Odd { get; } = new();

    public ConcurrentQueue<string> Requests { get; } = new();

    /// <summary>What `Authorization` must say.</summary>
    public string? Authorization { get; set; }

    public bool IsDead { get; set; }

    public int ResultWindow { get; set; } = 10_000;

    public string Version { get; set; } = "";

    public int OpenPoints
    {
        get
        {
            lock (_gate)
            {
                return _points.Count;
            }
        }
    }

    public static async Task<SearchCluster> StartAsync(bool isOpenSearch)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(static kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        WebApplication application = builder.Build();
        SearchCluster cluster = new(application, isOpenSearch) { Version = isOpenSearch ? "2.11.0" : "8.15.0" };
        application.Run(cluster.TakeAsync);
        await application.StartAsync(TestContext.Current.CancellationToken);
        return cluster;
    }

    public async ValueTask DisposeAsync() => await _application.DisposeAsync();

    /// <summary>Loses every point in time, as a node does that is started again.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _points.Clear();
        }
    }

    private async Task TakeAsync(HttpContext http)
    {
        if (IsDead)
        {
            http.Abort();
            return;
        }

        using StreamReader reader = new(http.Request.Body);
        string body = await reader.ReadToEndAsync(http.RequestAborted);
        string order = $"{http.Request.Method} {http.Request.Path}{http.Request.QueryString}";
        Requests.Enqueue($"{order} {body}");
        if (Authorization is { } wanted && http.Request.Headers.Authorization != wanted)
        {
            await AnswerAsync(http, 401, Error("security_exception", "unable to authenticate user", 401));
            return;
        }

        string[] path = [.. http.Request.Path.Value!.Split('/').Skip(1)];
        bool isTable = path[0].Length > 0 && path[0][0] != '_';
        string shape = string.Join('/', isTable ? ["*", .. path[1..]] : path);
        switch ($"{http.Request.Method} {shape}", _isOpenSearch)
        {
            case ("GET ", _):
                await AnswerAsync(http, 200, Info());
                break;
            case ("GET _resolve/index/*", _):
                await AnswerAsync(http, 200, Resolved());
                break;
            case ("GET _cat/indices", _) when http.Request.QueryString.Value
                == "?format=json&bytes=b&expand_wildcards=all&h=index,docs.count,store.size":
                await AnswerAsync(http, 200, Sizes());
                break;
            case ("GET */_mapping", _):
                await MappingAsync(http, path[0]);
                break;
            case ("GET */_count", _):
                await AnswerAsync(http, 200, new JsonObject { ["count"] = Documents(path[0])?.Count ?? 0 });
                break;
            case ("POST */_search/point_in_time", true) when http.Request.QueryString.Value
                == "?keep_alive=5m&allow_partial_pit_creation=false" && body.Length == 0:
            case ("POST */_pit", false) when http.Request.QueryString.Value == "?keep_alive=5m" && body.Length == 0:
                await OpenAsync(http, path[0]);
                break;
            case ("DELETE _search/point_in_time", true):
            case ("DELETE _pit", false):
                await CloseAsync(http, JsonNode.Parse(body)!.AsObject());
                break;
            case ("POST _search", _)
                when http.Request.QueryString.Value == "?allow_partial_search_results=false":
                await SearchAsync(http, JsonNode.Parse(body)!.AsObject());
                break;
            default:
                await RefuseAsync(http, order);
                break;
        }
    }

    private async Task RefuseAsync(HttpContext http, string why)
    {
        Odd.Enqueue(why);
        await AnswerAsync(http, 400, Error("illegal_argument_exception", why, 400));
    }

    private JsonObject Info()
    {
        JsonObject version = new() { ["number"] = Version, ["lucene_version"] = "9.7.0" };
        version[_isOpenSearch ? "distribution" : "build_flavor"] = _isOpenSearch ? "opensearch" : "default";
        return new JsonObject
        {
            ["name"] = "node-1",
            ["cluster_name"] = "test",
            ["version"] = version,
            ["tagline"] = _isOpenSearch
                ? "The OpenSearch Project: https://opensearch.org/" : "You Know, for Search",
        };
    }

    private JsonObject Resolved() => new()
    {
        ["indices"] = new JsonArray([.. Indices.Keys.Where(static name => name[0] != '.').Select(name => new JsonObject
        {
            ["name"] = name, ["attributes"] = new JsonArray("open"),
        })]),
        ["aliases"] = new JsonArray([.. Aliases.Select(static alias => new JsonObject
        {
            ["name"] = alias.Key, ["indices"] = new JsonArray([.. alias.Value.Select(static each => (JsonNode)each)]),
        })]),
        ["data_streams"] = new JsonArray([.. DataStreams.Select(static stream => new JsonObject
        {
            ["name"] = stream.Key,
            ["backing_indices"] = new JsonArray([.. stream.Value.Select(static each => (JsonNode)each)]),
            ["timestamp_field"] = "@timestamp",
        })]),
    };

    private JsonArray Sizes() => new([.. Indices.Select(static index => new JsonObject
    {
        ["index"] = index.Key,
        ["docs.count"] = index.Value.Documents.Count.ToString(CultureInfo.InvariantCulture),
        ["store.size"] = "1000",
    })]);

    private Task MappingAsync(HttpContext http, string name)
    {
        if (Resolve(name) is not { } indices)
        {
            return AnswerAsync(http, 404, Missing(name));
        }

        JsonObject answer = [];
        foreach (string index in indices)
        {
            answer[index] = new JsonObject { ["mappings"] = JsonNode.Parse(Indices[index].Mapping) };
        }

        return AnswerAsync(http, 200, answer);
    }

    private Task OpenAsync(HttpContext http, string name)
    {
        if (Documents(name) is not { } documents)
        {
            return AnswerAsync(http, 404, Missing(name));
        }

        string id = $"pit-{Interlocked.Increment(ref _opened)}+/=";
        lock (_gate)
        {
            _points[id] = documents;
        }

        JsonObject answer = new() { ["_shards"] = Shards(name, failed: 0) };
        answer[_isOpenSearch ? "pit_id" : "id"] = id;
        if (_isOpenSearch)
        {
            answer["creation_time"] = 1_700_000_000_000;
        }

        return AnswerAsync(http, 200, answer);
    }

    private Task CloseAsync(HttpContext http, JsonObject body)
    {
        string id = _isOpenSearch ? body["pit_id"]!.AsArray().Single()!.ToString() : body["id"]!.ToString();
        bool isKnown;
        lock (_gate)
        {
            isKnown = _points.Remove(Plain(id));
        }

        return AnswerAsync(http, isKnown ? 200 : 404, _isOpenSearch
            ? new JsonObject { ["pits"] = new JsonArray(new JsonObject { ["successful"] = isKnown, ["pit_id"] = id }) }
            : new JsonObject { ["succeeded"] = isKnown, ["num_freed"] = isKnown ? 1 : 0 });
    }

    private async Task SearchAsync(HttpContext http, JsonObject body)
    {
        string? odd = body.Select(static each => each.Key).Except(BodyKeys).FirstOrDefault();
        if (odd is not null || body["pit"]?["keep_alive"]?.ToString() != "5m")
        {
            await RefuseAsync(http, $"a search with {odd ?? body.ToJsonString()}");
            return;
        }

        bool isPage = body["size"]!.GetValue<int>() > 0 && body["sort"]![0]!.AsObject().Single().Key[0] == '_';
        string fault = "";
        if (isPage)
        {
            OnPage();
            Faults.TryDequeue(out string? next);
            fault = next ?? "";
        }

        switch (fault)
        {
            case "429" or "503":
                http.Response.Headers.RetryAfter = "0";
                await AnswerAsync(http, int.Parse(fault, CultureInfo.InvariantCulture), Error(
                    "es_rejected_execution_exception", "rejected execution of coordinating operation", 429));
                return;
            case "breaker":
                await AnswerAsync(http, 429, Error("circuit_breaking_exception", "[parent] Data too large", 429));
                return;
            case "html":
                await http.Response.WriteAsync("<html>a proxy</html>");
                return;
            case "forget":
                Forget();
                break;
            case "die":
                IsDead = true;
                http.Abort();
                return;
            default:
                break;
        }

        if (body["size"]!.GetValue<int>() > ResultWindow)
        {
            await AnswerAsync(http, 400, Error(
                "illegal_argument_exception",
                "Result window is too large; it can be set by the [index.max_result_window] index level setting", 400));
            return;
        }

        await FindAsync(http, body, fault);
    }

    private async Task FindAsync(HttpContext http, JsonObject body, string fault)
    {
        string id = Plain(body["pit"]!["id"]!.ToString());
        List<PointDocument>? all;
        lock (_gate)
        {
            all = _points.GetValueOrDefault(id);
        }

        if (all is null)
        {
            await AnswerAsync(http, 404, Error("search_context_missing_exception", "No search context found", 404));
            return;
        }

        PointDocument[] found = [.. all.Where(each => Matches(each, body))];
        int size = body["size"]!.GetValue<int>();
        List<JsonNode> hits = [];
        if (size > 0)
        {
            if (Sorted(found, body) is not { } sorted)
            {
                await RefuseAsync(http, $"a sort by {body["sort"]!.ToJsonString()}");
                return;
            }

            hits.AddRange(sorted.Take(size).Select(each => Hit(each.Document, each.Place, body)));
        }

        if (fault == "lose" && hits.Count > 0)
        {
            hits.RemoveAt(0);
        }

        JsonObject inner = new() { ["max_score"] = null, ["hits"] = new JsonArray([.. hits]) };
        if (body["track_total_hits"]!.GetValue<bool>())
        {
            inner["total"] = new JsonObject { ["value"] = found.Length, ["relation"] = "eq" };
        }

        JsonObject answer = new()
        {
            ["pit_id"] = _isOpenSearch ? id : $"{id}~{Random(1_000)}",
            ["took"] = 1,
            ["timed_out"] = fault == "late",
            ["_shards"] = Shards("", failed: fault == "shard" ? 1 : 0),
            ["hits"] = inner,
        };
        await AnswerAsync(http, 200, answer, isTorn: fault == "cut");
    }

    /// <summary>Where each stands; documents of one place in no order that could be relied on.</summary>
    private IEnumerable<(PointDocument Document, long Place)>? Sorted(PointDocument[] found, JsonObject body)
    {
        (string field, JsonNode? how) = body["sort"]![0]!.AsObject().Single();
        long after = body["search_after"]?[0]?.GetValue<long>() ?? long.MinValue;
        return (field, _isOpenSearch) switch
        {
            ("_shard_doc", false) => found.Select(static each => (each, each.Place))
                .Where(each => each.Place > after).OrderBy(static each => each.Place),
            ("_seq_no", true) => found.Select(static each => (each, each.Document.SequenceNumber))
                .Where(each => each.SequenceNumber > after)
                .Select(each => (each, Order: Random(int.MaxValue)))
                .OrderBy(static each => each.each.SequenceNumber).ThenBy(static each => each.Order)
                .Select(static each => each.each),
            _ when field[0] != '_' && how!["order"]!.ToString() == "desc" => found
                .Select(each => (each, Number(each, field)))
                .OrderByDescending(static each => each.Item2),
            _ => null,
        };
    }

    private static bool Matches(PointDocument document, JsonObject body)
    {
        if (body["slice"] is { } slice
            && document.Place % slice["max"]!.GetValue<int>() != slice["id"]!.GetValue<int>())
        {
            return false;
        }

        if (body["query"]?["exists"]?["field"] is { } field)
        {
            return Values(document.Document.Source, field.ToString()).Any();
        }

        if (body["query"]?["range"] is not JsonObject range)
        {
            return true;
        }

        (string name, JsonNode? limits) = range.Single();
        return Values(document.Document.Source, name).Any()
            && Number(document, name) >= limits!["gte"]!.GetValue<long>();
    }

    private static JsonObject Hit(PointDocument document, long place, JsonObject body)
    {
        SearchDocument own = document.Document;
        JsonObject hit = new() { ["_index"] = document.Index, ["_id"] = own.Id, ["_score"] = null };
        if (own.Routing is { } routing)
        {
            hit["_routing"] = routing;
        }

        JsonObject source = JsonNode.Parse(own.Source)!.AsObject();
        switch (body["_source"])
        {
            case JsonValue flag when !flag.GetValue<bool>():
                break;
            case JsonArray names:
                HashSet<string> tops = [.. names.Select(static name => name!.ToString().Split('.')[0])];
                foreach (string key in source.Select(static each => each.Key).ToArray())
                {
                    if (!tops.Contains(key.Split('.')[0]))
                    {
                        source.Remove(key);
                    }
                }

                hit["_source"] = source;
                break;
            default:
                hit["_source"] = source;
                break;
        }

        JsonObject fields = [];
        foreach (JsonNode? field in body["fields"]?.AsArray() ?? [])
        {
            string name = field!["field"]!.ToString();
            JsonNode[] values = [.. Values(own.Source, name).Select(value => Formatted(value, field["format"]))
                .OfType<JsonNode>()];
            if (values.Length > 0)
            {
                fields[name] = new JsonArray(values);
            }
        }

        if (fields.Count > 0)
        {
            hit["fields"] = fields;
        }

        hit["sort"] = new JsonArray(place);
        return hit;
    }

    /// <summary>Null for what is no time: a field that ignores what is malformed has no value then.</summary>
    private static JsonNode? Formatted(JsonNode value, JsonNode? format) => format?.ToString() switch
    {
        "epoch_millis" => Millis(value) is { } millis ? millis.ToString(CultureInfo.InvariantCulture) : null,
        _ => value.DeepClone(),
    };

    private static long? Millis(JsonNode value) => value.GetValueKind() == JsonValueKind.Number
        ? value.GetValue<long>()
        : DateTimeOffset.TryParse(
            value.ToString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset time)
            ? time.ToUnixTimeMilliseconds() : null;

    private static long Number(PointDocument document, string field)
    {
        JsonNode? value = Values(document.Document.Source, field).FirstOrDefault();
        return value is null ? long.MinValue : Millis(value) ?? long.MinValue;
    }

    private static IEnumerable<JsonNode> Values(string source, string path)
    {
        IEnumerable<JsonNode?> at = [JsonNode.Parse(source)];
        foreach (string step in path.Split('.'))
        {
            at = at.SelectMany(Each).Select(node => (node as JsonObject)?[step]);
        }

        return at.SelectMany(Each).OfType<JsonNode>();
    }

    private static IEnumerable<JsonNode?> Each(JsonNode? node) => node as IEnumerable<JsonNode?> ?? [node];

    private List<PointDocument>? Documents(string name)
    {
        if (Resolve(name) is not { } indices)
        {
            return null;
        }

        List<PointDocument> documents = [];
        foreach (string index in indices)
        {
            lock (Indices[index].Documents)
            {
                documents.AddRange(Indices[index].Documents.Select(document => new PointDocument(
                    index, document, documents.Count)));
            }
        }

        return [.. documents.Select(static (document, place) => document with { Place = place })];
    }

    private string[]? Resolve(string name) => Indices.ContainsKey(name) ? [name]
        : Aliases.GetValueOrDefault(name) ?? DataStreams.GetValueOrDefault(name)
            ?? (name.EndsWith('*')
                ? [.. Indices.Keys.Where(each => each.StartsWith(name[..^1], StringComparison.Ordinal)).Order()]
                : null);

    private JsonObject Shards(string name, int failed)
    {
        int total = (Resolve(name) ?? [.. Indices.Keys]).Sum(index => Indices[index].Shards);
        JsonObject shards = new()
        {
            ["total"] = total, ["successful"] = total - failed, ["skipped"] = 0, ["failed"] = failed,
        };
        if (failed > 0)
        {
            shards["failures"] = new JsonArray(new JsonObject
            {
                ["shard"] = 0, ["reason"] = new JsonObject { ["type"] = "i_o_exception", ["reason"] = "disk" },
            });
        }

        return shards;
    }

    private int Random(int below)
    {
        lock (_random)
        {
            return _random.Next(below);
        }
    }

    private static string Plain(string id) => id.Split('~')[0];

    private static JsonObject Missing(string name) =>
        Error("index_not_found_exception", $"no such index [{name}]", 404);

    private static JsonObject Error(string type, string reason, int status) => new()
    {
        ["error"] = new JsonObject
        {
            ["root_cause"] = new JsonArray(new JsonObject { ["type"] = type, ["reason"] = reason }),
            ["type"] = type,
            ["reason"] = reason,
        },
        ["status"] = status,
    };

    private static async Task AnswerAsync(HttpContext http, int status, JsonNode answer, bool isTorn = false)
    {
        byte[] text = Encoding.UTF8.GetBytes(answer.ToJsonString());
        http.Response.StatusCode = status;
        http.Response.ContentType = "application/json";
        if (!isTorn)
        {
            await http.Response.Body.WriteAsync(text);
            return;
        }

        http.Response.ContentLength = text.Length;
        await http.Response.Body.WriteAsync(text.AsMemory(0, text.Length / 2));
        await http.Response.Body.FlushAsync();
        http.Abort();
    }

    private sealed record PointDocument(string Index, SearchDocument Document, long Place);
}

/// <summary>An index: its mapping and documents.</summary>
internal sealed class SearchIndex(string mapping, int shards = 1)
{
    public string Mapping { get; set; } = mapping;

    public int Shards => shards;

    public List<SearchDocument> Documents { get; } = [];

    /// <summary>Adds a document, or puts it in the place of the one with its id.</summary>
    public void Put(string id, string source, string? routing = null)
    {
        int shard = Math.Abs(string.GetHashCode(routing ?? id, StringComparison.Ordinal)) % shards;
        lock (Documents)
        {
            Documents.RemoveAll(each => each.Id == id && each.Routing == routing);
            long next = Documents.Where(each => each.Shard == shard).Select(static each => each.SequenceNumber)
                .DefaultIfEmpty(-1).Max() + 1;
            Documents.Add(new SearchDocument(id, shard, next, routing, source));
        }
    }

    public void Fill(int documents, Func<int, string> source)
    {
        long[] next = new long[shards];
        for (int i = 0; i < documents; i++)
        {
            int shard = i % shards;
            Documents.Add(new SearchDocument($"d{i}", shard, next[shard]++, null, source(i)));
        }
    }
}

internal sealed record SearchDocument(string Id, int Shard, long SequenceNumber, string? Routing, string Source);
