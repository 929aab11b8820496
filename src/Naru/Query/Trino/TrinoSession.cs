using System.Collections.Immutable;
using System.Globalization;
using Microsoft.Extensions.Primitives;
using Naru.Core.Text;
using Naru.Query.Pool;

namespace Naru.Query.Trino;

/// <summary>
/// What a client says of itself with a statement: its headers are the whole session, for the server keeps none.
/// Trino's clients write `X-Trino-…`, Presto's `X-Presto-…`; each is answered with its own.
/// </summary>
internal sealed record TrinoSession
{
    private const string Trino = "X-Trino-";
    private const string Presto = "X-Presto-";

    /// <summary>`X-Trino-` or `X-Presto-`.</summary>
    public required string Prefix { get; init; }

    /// <summary>A name to show; who may what is decided by the key alone.</summary>
    public string? User { get; init; }

    public string? Source { get; init; }

    public string? Catalog { get; init; }

    public string? Schema { get; init; }

    public string? TimeZone { get; init; }

    public bool InTransaction { get; init; }

    /// <summary>The client reads `timestamp(6)`, and not only `timestamp` with milliseconds.</summary>
    public bool PreciseTimes { get; init; }

    public ImmutableSortedDictionary<string, string> Properties { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>SQL by the name that the client prepared it under.</summary>
    public ImmutableSortedDictionary<string, string> Prepared { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    public static TrinoSession Read(HttpRequest request)
    {
        IHeaderDictionary headers = request.Headers;
        string prefix = headers.Keys.Any(static name => name.StartsWith(Presto, StringComparison.OrdinalIgnoreCase))
            && !headers.Keys.Any(static name => name.StartsWith(Trino, StringComparison.OrdinalIgnoreCase))
                ? Presto
                : Trino;
        string? One(string name) => headers[prefix + name].ToString() is { Length: > 0 } text ? text : null;
        string? transaction = One("Transaction-Id");
        return new TrinoSession
        {
            Prefix = prefix,
            User = One("User"),
            Source = One("Source"),
            Catalog = One("Catalog"),
            Schema = One("Schema"),
            TimeZone = One("Time-Zone"),
            InTransaction = transaction is not null
                && !transaction.Equals("NONE", StringComparison.OrdinalIgnoreCase),
            PreciseTimes = List(headers[prefix + "Client-Capabilities"])
                .Contains("PARAMETRIC_DATETIME", StringComparer.OrdinalIgnoreCase),
            Properties = Pairs(headers[prefix + "Session"]),
            Prepared = Pairs(headers[prefix + "Prepared-Statement"]),
        };
    }

    /// <summary>What the statement may take, if the session says.</summary>
    /// <exception cref="TrinoException">A property is no duration.</exception>
    public TimeSpan? TimeMax()
    {
        TimeSpan? least = null;
        foreach (string name in SessionProperties.Durations)
        {
            if (Properties.TryGetValue(name, out string? text))
            {
                TimeSpan duration = SessionProperties.Duration(name, text);
                least = least is null || duration < least ? duration : least;
            }
        }

        return least;
    }

    /// <summary>`SET SESSION pool = 'etl'`; null where the session says nothing.</summary>
    /// <exception cref="TrinoException">There is no such pool.</exception>
    public PoolName? Pool() =>
        Properties.TryGetValue(SessionProperties.Pool, out string? text) ? SessionProperties.PoolOf(text) : null;

    private static IEnumerable<string> List(StringValues values) => values
        .SelectMany(static value =>
            (value ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));

    /// <summary>`name=value,…`, the values in the form of URLs; a later one of a name holds.</summary>
    private static ImmutableSortedDictionary<string, string> Pairs(StringValues values)
    {
        ImmutableSortedDictionary<string, string>.Builder pairs =
            ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (string pair in List(values))
        {
            int equals = pair.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0)
            {
                string name = pair[..equals].Trim().ToLowerInvariant();
                pairs[Unescape(name)] = Unescape(pair[(equals + 1)..].Trim());
            }
        }

        return pairs.ToImmutable();
    }

    /// <summary>As java.net.URLEncoder wrote it: a plus is a space.</summary>
    private static string Unescape(string text) =>
        Uri.UnescapeDataString(text.Replace('+', ' '));
}

/// <summary>The session properties that there are.</summary>
internal static class SessionProperties
{
    public const string Pool = "pool";

    public static readonly ImmutableArray<string> Durations =
        ["query_max_execution_time", "query_max_planning_time", "query_max_run_time"];

    public static ImmutableArray<string> All => Durations.Add(Pool);

    /// <exception cref="TrinoException">The value is none of this property.</exception>
    public static void Check(string name, string text)
    {
        if (name == Pool)
        {
            PoolOf(text);
        }
        else
        {
            Duration(name, text);
        }
    }

    public static PoolName PoolOf(string text) => PoolNames.TryParse(text, out PoolName pool)
        ? pool
        : throw new TrinoException(
            TrinoErrors.InvalidSessionProperty, $"pool is invalid: there is no '{text}', only {PoolNames.All}");

    /// <summary>Trino writes `10m`, `1.5h`, `300s`, `2d`.</summary>
    public static TimeSpan Duration(string name, string text)
    {
        if (DurationText.TryParse(text, out TimeSpan duration) && duration > TimeSpan.Zero)
        {
            return duration;
        }

        int letters = text.AsSpan().TrimEnd("smhdun").Length;
        (double seconds, bool known) = text[letters..] switch
        {
            "ms" => (0.001, true),
            "s" => (1, true),
            "m" => (60, true),
            "h" => (3600, true),
            "d" => (86_400, true),
            _ => (0.0, false),
        };
        return known && double.TryParse(
            text[..letters], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double count)
            && count > 0 && count * seconds < TimeSpan.FromDays(100).TotalSeconds
            ? TimeSpan.FromSeconds(count * seconds)
            : throw new TrinoException(
                TrinoErrors.InvalidSessionProperty, $"{name} is invalid: {text} is no duration such as 10m");
    }
}
