using System.Collections.Immutable;
using System.Text;
using Naru.Core.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>`naru.logs`: every log, published or not, and what is wrong with its file.</summary>
internal sealed class LogsTable(DefinitionStore store) : ISystemTable
{
    public string Name => "logs";

    public string Description => "every log: its version, owner, lifetimes, and what is wrong with its file";

    public TableSchema Schema { get; } = new(
    [
        new("log", ColumnType.String, false, 1),
        new("log_id", ColumnType.Int32, true, 2),
        new("version", ColumnType.Int32, true, 3),
        new("state", ColumnType.String, false, 4),
        new("problem", ColumnType.String, true, 5),
        new("description", ColumnType.String, true, 6),
        new("owner", ColumnType.String, true, 7),
        new("fields", ColumnType.Int32, true, 8),
        new("sensitive_fields", ColumnType.Int32, true, 9),
        new("lifetime_secure", ColumnType.String, true, 10),
        new("lifetime_hot", ColumnType.String, true, 11),
        new("lifetime_warm", ColumnType.String, true, 12),
        new("lifetime_total", ColumnType.String, true, 13),
        new("published_at", ColumnType.Timestamp, true, 14),
        new("breaking_reason", ColumnType.String, true, 15),
        new("definition", ColumnType.Json, true, 16),
    ]);

    public ValueTask FillAsync(ColumnBatch rows, CancellationToken cancellationToken)
    {
        DefinitionSet current = store.Current;
        DefinitionRegistry registry = store.Registry;
        ILookup<string, Mistake> problems = store.Mistakes.ToLookup(
            static mistake => Path.GetFileNameWithoutExtension(mistake.File), StringComparer.Ordinal);
        foreach (LogDefinition log in current.Logs)
        {
            Fill(rows, log, registry.Find(log.FullName)?.Texts[^1], Problem(problems[log.FullName]));
        }

        foreach (IGrouping<string, Mistake> unpublished in problems.Where(
            group => current.Logs.All(log => log.FullName != group.Key)))
        {
            Fill(rows, unpublished.Key, Problem(unpublished)!);
        }

        return ValueTask.CompletedTask;
    }

    private static string? Problem(IEnumerable<Mistake> mistakes)
    {
        string text = string.Join('\n', mistakes);
        return text.Length == 0 ? null : text;
    }

    private static void Fill(ColumnBatch rows, LogDefinition log, RegistryText? text, string? problem)
    {
        string state = log.Retired ? "retired" : problem is null ? "published" : "published, file is wrong";
        ColumnVector[] columns = rows.Columns;
        Text(columns[0], log.FullName);
        columns[1].AppendInt32(log.Id);
        columns[2].AppendInt32(log.Version);
        Text(columns[3], state);
        Text(columns[4], problem);
        Text(columns[5], log.Description);
        Text(columns[6], log.Owner);
        columns[7].AppendInt32(log.Fields.Length);
        columns[8].AppendInt32(log.Fields.Count(static field => field.Sensitive));
        Text(columns[9], Written(log.Lifetime.Secure));
        Text(columns[10], Written(log.Lifetime.Hot));
        Text(columns[11], Written(log.Lifetime.Warm));
        Text(columns[12], Written(log.Lifetime.Total));
        if (text is null)
        {
            columns[13].AppendNull();
        }
        else
        {
            columns[13].AppendInt64(text.PublishedAt.ToUnixTimeMilliseconds() * 1000);
        }

        Text(columns[14], text?.Reason);
        Text(columns[15], DefinitionView.Json(log));
        rows.EndRow();
    }

    private static void Fill(ColumnBatch rows, string file, string problem)
    {
        for (int i = 0; i < rows.Columns.Length; i++)
        {
            string? value = i switch { 0 => file, 3 => "not published", 4 => problem, _ => null };
            Text(rows.Columns[i], value);
        }

        rows.EndRow();
    }

    private static string Written(TimeSpan? lifetime) =>
        lifetime is { } value ? DurationText.Format(value) : "unlimited";

    private static void Text(ColumnVector column, string? text)
    {
        if (text is null)
        {
            column.AppendNull();
        }
        else
        {
            column.AppendString(Encoding.UTF8.GetBytes(text));
        }
    }
}
