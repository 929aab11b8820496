using System.Text.Json;

namespace Naru.Sources.OpenSearch;

/// <summary>Which of the two a cluster is; they have the same ancestor, but not the same points in time.</summary>
/// <param name="IsOpenSearch">Else Elasticsearch.</param>
/// <param name="Version">As it says.</param>
internal sealed record OpenSearchProduct(bool IsOpenSearch, string Version)
{
    private static readonly Version FirstElastic = new(7, 12);
    private static readonly Version FirstOpen = new(2, 4);

    public override string ToString() => $"{(IsOpenSearch ? "OpenSearch" : "Elasticsearch")} {Version}";

    public static async Task<OpenSearchProduct> AskAsync(OpenSearchClient client, CancellationToken cancellationToken)
    {
        using JsonDocument answer = await client.AskAsync(
            OpenSearchOrder.Get("/"), "what it is", cancellationToken).ConfigureAwait(false);
        JsonElement version = answer.RootElement.ValueKind == JsonValueKind.Object
            && answer.RootElement.TryGetProperty("version", out JsonElement told) ? told : default;
        if (version.ValueKind != JsonValueKind.Object || !version.TryGetProperty("number", out JsonElement number))
        {
            throw new SourceException(
                $"{client.Where} does not say that it is OpenSearch or Elasticsearch; see `host` and `port` of the "
                + "source");
        }

        // Set to be taken for Elasticsearch 7.10, OpenSearch says another number, but not another tagline.
        bool isOpen = (version.TryGetProperty("distribution", out JsonElement distribution)
                && distribution.ToString() == "opensearch")
            || (answer.RootElement.TryGetProperty("tagline", out JsonElement tagline)
                && tagline.ToString().Contains("OpenSearch", StringComparison.Ordinal));
        bool isDisguised = isOpen && distribution.ValueKind == JsonValueKind.Undefined;
        OpenSearchProduct product = new(isOpen, number.ToString());
        string plain = product.Version.Split('-')[0];
        bool isOld = !isDisguised && System.Version.TryParse(plain, out Version? known)
            && known < (isOpen ? FirstOpen : FirstElastic);
        return isOld
            ? throw new SourceException(
                $"{client.Where} is {product}, which has no points in time that can be read to their end; it takes "
                + $"OpenSearch {FirstOpen} or Elasticsearch {FirstElastic}, or later")
            : product;
    }
}

/// <summary>One cluster. Its tables are indices, aliases, data streams, and patterns of them.</summary>
internal sealed class OpenSearchSource(OpenSearchClient client) : ISourceServer
{
    /// <summary>A cluster has no databases.</summary>
    public Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<string>>([]);

    public async Task<IReadOnlyList<SourceTableSize>> TablesAsync(CancellationToken cancellationToken)
    {
        using JsonDocument answer = await client.AskAsync(
            OpenSearchOrder.Get("/_resolve/index/*"), "the list of indices", cancellationToken).ConfigureAwait(false);
        Dictionary<string, (long? Rows, long? Bytes)> sizes = await SizesAsync(cancellationToken).ConfigureAwait(false);
        List<SourceTableSize> tables = [];
        foreach (JsonElement index in List(answer.RootElement, "indices"))
        {
            string name = index.GetProperty("name").ToString();
            bool isOpen = List(index, "attributes").All(static each => each.ToString() != "closed");
            if (isOpen && !index.TryGetProperty("data_stream", out _))
            {
                tables.Add(Sum(name, isView: false, [name], sizes));
            }
        }

        foreach (JsonElement alias in List(answer.RootElement, "aliases"))
        {
            tables.Add(Sum(alias.GetProperty("name").ToString(), isView: true, Names(alias, "indices"), sizes));
        }

        foreach (JsonElement stream in List(answer.RootElement, "data_streams"))
        {
            tables.Add(Sum(
                stream.GetProperty("name").ToString(), isView: false, Names(stream, "backing_indices"), sizes));
        }

        return [.. tables.OrderBy(static table => table.Name.Name, StringComparer.Ordinal)];
    }

    public async Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken)
    {
        SourceTable? described = await OpenSearchDescriber.DescribeAsync(client, table, cancellationToken)
            .ConfigureAwait(false);
        if (described is null)
        {
            return null;
        }

        string path = $"/{OpenSearchDescriber.PathOf(table)}/_count";
        using JsonDocument count = await client.AskAsync(
            OpenSearchOrder.Get(path), $"the number of documents of {table}", cancellationToken).ConfigureAwait(false);
        return described with { Rows = count.RootElement.GetProperty("count").GetInt64() };
    }

    public async Task<ISourceSnapshot> BeginAsync(int sessions, CancellationToken cancellationToken) =>
        new OpenSearchSnapshot(
            client,
            await OpenSearchProduct.AskAsync(client, cancellationToken).ConfigureAwait(false),
            sessions);

    public ValueTask DisposeAsync()
    {
        client.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>Nothing where the user may not see them: a list without sizes is a list.</summary>
    private async Task<Dictionary<string, (long? Rows, long? Bytes)>> SizesAsync(CancellationToken cancellationToken)
    {
        const string Path = "/_cat/indices?format=json&bytes=b&expand_wildcards=all&h=index,docs.count,store.size";
        using OpenSearchAnswer answer = await client.SendAsync(OpenSearchOrder.Get(Path), cancellationToken)
            .ConfigureAwait(false);
        Dictionary<string, (long? Rows, long? Bytes)> sizes = new(StringComparer.Ordinal);
        if (!answer.IsOk)
        {
            return sizes;
        }

        using JsonDocument rows = client.Parse(answer.Body, "the sizes of indices");
        foreach (JsonElement row in rows.RootElement.EnumerateArray())
        {
            sizes[row.GetProperty("index").ToString()] = (Number(row, "docs.count"), Number(row, "store.size"));
        }

        return sizes;
    }

    private static SourceTableSize Sum(
        string name, bool isView, string[] indices, Dictionary<string, (long? Rows, long? Bytes)> sizes)
    {
        (long? Rows, long? Bytes)[] known = [.. indices.Select(index => sizes.GetValueOrDefault(index))];
        bool hasRows = known.All(static each => each.Rows is not null);
        bool hasBytes = known.All(static each => each.Bytes is not null);
        return new SourceTableSize(
            new SourceTableName("", name),
            isView,
            hasRows ? known.Sum(static each => each.Rows) : null,
            hasBytes ? known.Sum(static each => each.Bytes) : null);
    }

    private static long? Number(JsonElement row, string name) =>
        row.TryGetProperty(name, out JsonElement value) && long.TryParse(
            value.ToString(), System.Globalization.NumberStyles.None,
            System.Globalization.CultureInfo.InvariantCulture, out long number) ? number : null;

    private static IEnumerable<JsonElement> List(JsonElement holder, string name) =>
        holder.TryGetProperty(name, out JsonElement list) && list.ValueKind == JsonValueKind.Array
            ? list.EnumerateArray() : [];

    /// <summary>A single one may come as itself.</summary>
    private static string[] Names(JsonElement holder, string name) =>
        holder.TryGetProperty(name, out JsonElement names) && names.ValueKind == JsonValueKind.String
            ? [names.ToString()] : [.. List(holder, name).Select(static each => each.ToString())];
}

/// <summary>Reads what an index, or what goes by a name, is like.</summary>
internal static class OpenSearchDescriber
{
    /// <summary>Null when there is no such index.</summary>
    public static async Task<SourceTable?> DescribeAsync(
        OpenSearchClient client, SourceTableName table, CancellationToken cancellationToken)
    {
        using OpenSearchAnswer answer = await client.SendAsync(
            OpenSearchOrder.Get($"/{PathOf(table)}/_mapping"), cancellationToken).ConfigureAwait(false);
        if (answer.Status == 404)
        {
            return null;
        }

        if (!answer.IsOk)
        {
            throw client.Fault(answer, $"the mapping of {table}");
        }

        using JsonDocument document = client.Parse(answer.Body, $"the mapping of {table}");
        OpenSearchMapping mapping = OpenSearchMapping.Of(document.RootElement);
        if (mapping.WithoutSource is { } lost)
        {
            throw new SourceException(
                $"{lost} does not keep its documents (`_source` is off in its mapping), so they cannot be read");
        }

        string cut = mapping.WithCutSource is { } index
            ? $"as JSON; {index} leaves fields out of what it keeps (`_source` in its mapping), which are null" : "";
        return mapping.Indices == 0 ? null : new SourceTable
        {
            Name = table,
            Columns =
            [
                .. mapping.Columns().Select(column =>
                    cut.Length > 0 && column.Name == OpenSearchTypes.Unmapped ? column with { Note = cut } : column),
            ],
            Key = [OpenSearchTypes.Index, OpenSearchTypes.Id],
        };
    }

    /// <summary>A name as a part of a path: nothing in it leads to another one.</summary>
    public static string PathOf(SourceTableName table) =>
        table.Name is "" or "." or ".." || table.Name[0] is '_' or '-' or '+'
            ? throw new SourceException(
                $"'{table.Name}' is no name of an index, an alias, a data stream or a pattern of them")
            : Uri.EscapeDataString(table.Name);
}
