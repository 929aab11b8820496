using System.Text.Json;

namespace Naru.Query.Rewriting;

/// <summary>Where in the text as sent a place of the text as run comes from. Offsets are bytes of either.</summary>
internal sealed class SourceMap
{
    private readonly SortedList<long, long> _places = [];

    /// <summary>Places not told are taken to lie as far behind the last told one before them.</summary>
    public bool Runs { get; init; }

    public void Add(long place, long original) => _places.TryAdd(place, original);

    /// <summary>Null where nothing is known.</summary>
    public long? OriginalOf(long place)
    {
        if (_places.TryGetValue(place, out long exact))
        {
            return exact;
        }

        if (!Runs)
        {
            return null;
        }

        int low = 0;
        int high = _places.Count;
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = _places.Keys[middle] <= place ? (middle + 1, high) : (low, middle);
        }

        return low == 0 ? null : _places.Values[low - 1] + (place - _places.Keys[low - 1]);
    }

    /// <summary>Both trees are one statement's: the places of equal nodes belong together.</summary>
    public static SourceMap OfTrees(JsonElement run, JsonElement original)
    {
        SourceMap map = new();
        map.Walk(run, original);
        return map;
    }

    private void Walk(JsonElement run, JsonElement original)
    {
        if (run.ValueKind != original.ValueKind)
        {
            return;
        }

        if (run.ValueKind == JsonValueKind.Array)
        {
            foreach ((JsonElement one, JsonElement other) in run.EnumerateArray().Zip(original.EnumerateArray()))
            {
                Walk(one, other);
            }
        }
        else if (run.ValueKind == JsonValueKind.Object)
        {
            if (run.TryGetProperty("query_location", out JsonElement place) && place.TryGetInt64(out long to)
                && original.TryGetProperty("query_location", out JsonElement source)
                && source.TryGetInt64(out long from))
            {
                Add(to, from);
            }

            foreach (JsonProperty part in run.EnumerateObject())
            {
                if (original.TryGetProperty(part.Name, out JsonElement other))
                {
                    Walk(part.Value, other);
                }
            }
        }
    }
}
