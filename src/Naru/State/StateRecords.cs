using System.Text;
using System.Text.Json;

namespace Naru.State;

/// <summary>
/// A record as a commit left it. Body is JSON text; null says that the commit removed it, which only
/// <see cref="IStateStore.ReadSinceAsync"/> tells.
/// </summary>
internal sealed record StateRecord(string Key, long Revision, string? Body);

/// <summary>
/// What a commit does to a record: sets its body, or removes it (null), or only holds that it is so.
/// </summary>
/// <param name="Key">Whose.</param>
/// <param name="Expected">The revision that it must have; 0: there is none.</param>
/// <param name="Body">JSON text; null removes the record.</param>
internal sealed record StateChange(string Key, long Expected, string? Body)
{
    /// <summary>Nothing is changed: the commit is made only while the record has the expected revision.</summary>
    public bool IsCheck { get; private init; }

    public static StateChange Check(string key, long expected) => new(key, expected, null) { IsCheck = true };
}

/// <summary>Whether it was done, and the store's revision after it.</summary>
internal readonly record struct StateCommit(bool Done, long Revision);

/// <summary>
/// What came after a revision.
/// </summary>
/// <param name="Revision">The store's, as of these records: ask for what comes after it the next time.</param>
/// <param name="IsWhole">
/// Removals since the asked revision are partly forgotten, so these are all records that there are: what is not among
/// them is gone.
/// </param>
/// <param name="Records">Each record that changed, as it is now; removed ones with no body.</param>
internal sealed record StateChanges(long Revision, bool IsWhole, IReadOnlyList<StateRecord> Records);

/// <summary>The state cannot be read or written now: a fact, and its mend.</summary>
internal sealed class StateException : Exception
{
    public StateException(string message)
        : base(message)
    {
    }

    public StateException(string message, Exception inner)
        : base(message, inner)
    {
    }
}

/// <summary>What every store asks of keys, bodies and commits, and how long it remembers removals.</summary>
internal static class StateRules
{
    public const int KeyLengthMax = 512;
    public const int BodyBytesMax = 16 << 20;

    /// <summary>A removal is remembered for at least so many revisions.</summary>
    public const long RemovalsKept = 100_000;

    /// <summary>A mistake of the caller: throws <see cref="ArgumentException"/>.</summary>
    public static void Check(IReadOnlyList<StateChange> changes)
    {
        HashSet<string> keys = new(changes.Count, StringComparer.Ordinal);
        foreach (StateChange change in changes)
        {
            CheckKey(change.Key);
            if (!keys.Add(change.Key))
            {
                throw new ArgumentException($"a commit changes the record \"{change.Key}\" twice", nameof(changes));
            }

            ArgumentOutOfRangeException.ThrowIfNegative(change.Expected);
            if (change.Body is { } body)
            {
                CheckBody(change.Key, body);
            }
        }
    }

    public static void CheckKey(string key)
    {
        if (key.Length is 0 or > KeyLengthMax)
        {
            throw new ArgumentException($"a record's key has 1 to {KeyLengthMax} characters", nameof(key));
        }

        CheckPrefix(key);
    }

    public static void CheckPrefix(string prefix)
    {
        if (prefix.AsSpan().ContainsAnyExceptInRange('!', '~'))
        {
            throw new ArgumentException($"the key \"{prefix}\" is not of printable ASCII alone", nameof(prefix));
        }
    }

    private static void CheckBody(string key, string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        if (bytes.Length > BodyBytesMax)
        {
            throw new ArgumentException($"the body of \"{key}\" has more than {BodyBytesMax} bytes", nameof(body));
        }

        try
        {
            Utf8JsonReader reader = new(bytes);
            while (reader.Read())
            {
            }
        }
        catch (JsonException exception)
        {
            throw new ArgumentException($"the body of \"{key}\" is no JSON", nameof(body), exception);
        }
    }
}
