using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Naru.State;

namespace Naru.Sources;

/// <summary>A column of a server as the last run saw it.</summary>
internal sealed record SeenColumn(string Name, string Type);

/// <summary>What the last snapshot of a table saw, kept in the state store under `source/seen/TABLE`.</summary>
internal sealed record SeenTable
{
    /// <summary>Of the server, those that are not read included.</summary>
    public required ImmutableArray<SeenColumn> Columns { get; init; }

    /// <summary>The interval that it filled, by its first instant.</summary>
    public long Interval { get; init; }

    /// <summary>With a cursor: its greatest value, by shard.</summary>
    public ImmutableSortedDictionary<string, string> Cursor { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>With a cursor: its column and what was read then, so that a changed definition reads all.</summary>
    public string CursorOf { get; init; } = "";

    /// <summary>Unix microseconds: when all of it was read last.</summary>
    public long FullAt { get; init; }

    /// <summary>The table was not there at the last look.</summary>
    public bool IsGone { get; init; }

    /// <summary>
    /// Columns of the server as somebody has accepted them: a run that meets just these goes along. Empty for none.
    /// </summary>
    public ImmutableArray<SeenColumn> Accepted { get => field.IsDefault ? [] : field; init; } = [];

    /// <summary>Changes that were told, but that the source's policy does not go along with.</summary>
    public ImmutableArray<string> Told { get; init; } = [];
}

/// <summary>One thing that changed on a server.</summary>
/// <param name="Source">The source.</param>
/// <param name="ServerTable">On the server.</param>
/// <param name="Table">In schema `mart`.</param>
/// <param name="Change">column_added, column_removed, type_changed, table_gone, table_back.</param>
/// <param name="Column">Empty for a whole table.</param>
/// <param name="Before">The type.</param>
/// <param name="After">The type.</param>
/// <param name="Policy">What the source says to do.</param>
/// <param name="At">Unix microseconds.</param>
internal sealed record SchemaChange(
    string Source,
    string ServerTable,
    string Table,
    string Change,
    string Column,
    string Before,
    string After,
    string Policy,
    long At)
{
    public override string ToString() => Change switch
    {
        "column_added" => $"column {Column} ({After}) was added",
        "column_removed" => $"column {Column} ({Before}) is gone",
        "type_changed" => $"column {Column} was {Before} and is {After}",
        "table_back" => "the table is there again",
        _ => "the table is gone",
    };
}

/// <summary>Keeps what was seen of servers, and what changed.</summary>
internal sealed class SeenTables(IStateStore store)
{
    private const string Seen = "source/seen/";
    private const string Changes = "source/change/";

    public async Task<(SeenTable? Table, long Revision)> FindAsync(string table, CancellationToken cancellationToken)
    {
        StateRecord? record = await store.ReadAsync(Seen + table, cancellationToken).ConfigureAwait(false);
        return record?.Body is { } body
            ? (JsonSerializer.Deserialize(body, SeenJson.Default.SeenTable), record.Revision) : (null, 0);
    }

    /// <summary>
    /// Keeps what a run saw and what had changed since, together: no change is told twice or never. False where another
    /// was faster: to a run what that one saw is as good.
    /// </summary>
    public async Task<bool> KeepAsync(
        string table,
        (SeenTable Table, long Revision) seen,
        IReadOnlyList<SchemaChange> changes,
        CancellationToken cancellationToken)
    {
        List<StateChange> commit =
        [
            new StateChange(
                Seen + table, seen.Revision, JsonSerializer.Serialize(seen.Table, SeenJson.Default.SeenTable)),
        ];
        for (int i = 0; i < changes.Count; i++)
        {
            commit.Add(new StateChange(
                $"{Changes}{changes[i].At:d20}/{table}/{i:d4}",
                0,
                JsonSerializer.Serialize(changes[i], SeenJson.Default.SchemaChange)));
        }

        return (await store.TryCommitAsync(commit, cancellationToken).ConfigureAwait(false)).Done;
    }

    /// <summary>Oldest first.</summary>
    public async Task<IReadOnlyList<SchemaChange>> ChangesAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<StateRecord> records = await store.ReadAllAsync(Changes, cancellationToken).ConfigureAwait(false);
        return [.. records.Select(static record =>
            JsonSerializer.Deserialize(record.Body!, SeenJson.Default.SchemaChange)!)];
    }

    /// <summary>What is different on the server.</summary>
    public static ImmutableArray<SchemaChange> Compare(
        SeenTable before, ImmutableArray<SeenColumn> after, Func<string, SeenColumn?, SeenColumn?, SchemaChange> make)
    {
        ImmutableArray<SchemaChange>.Builder changes = ImmutableArray.CreateBuilder<SchemaChange>();
        if (before.IsGone)
        {
            changes.Add(make("table_back", null, null));
        }

        foreach (SeenColumn column in before.Columns)
        {
            SeenColumn? now = after.FirstOrDefault(each => each.Name == column.Name);
            if (now is null)
            {
                changes.Add(make("column_removed", column, null));
            }
            else if (now.Type != column.Type)
            {
                changes.Add(make("type_changed", column, now));
            }
        }

        changes.AddRange(after.Where(column => before.Columns.All(each => each.Name != column.Name))
            .Select(column => make("column_added", null, column)));
        return changes.ToImmutable();
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(SeenTable))]
[JsonSerializable(typeof(SchemaChange))]
internal sealed partial class SeenJson : JsonSerializerContext;
