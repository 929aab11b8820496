using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Naru.Core.Windows;
using Naru.Definitions;
using Naru.Lake.Columns;

namespace Naru.Aggregates;

/// <summary>One windowed log of FROM, and what an inner SELECT makes of its rows.</summary>
internal sealed record SqlSource
{
    public required LogDefinition Log { get; init; }

    public required WindowSpec Window { get; init; }

    /// <summary>The call of tumble, hop or session.</summary>
    public required JsonObject Call { get; init; }

    /// <summary>
    /// Columns of the inner SELECT by name, as expressions over the log; null when the log is read directly.
    /// </summary>
    public ImmutableArray<(string Name, JsonObject Expression)>? Items { get; init; }

    /// <summary>Conditions of its own, over the log.</summary>
    public ImmutableArray<JsonObject> Conditions { get; init; } = [];

    /// <summary>Name of the table without rows that has the log's columns.</summary>
    public required string Stub { get; init; }

    /// <summary>An expression of the outer SELECT as one over the log.</summary>
    public JsonObject OverLog(JsonObject expression)
    {
        if (Items is not { } items)
        {
            return SqlTree.Copy(expression);
        }

        if (SqlTree.BareColumn(expression) is string name && !SqlScope.IsWindow(name))
        {
            return SqlTree.Copy(items.First(item => item.Name == name).Expression);
        }

        return SqlTree.MapOperands(expression, OverLog);
    }

    /// <summary>The sensitive field that an expression over the log reads, if any.</summary>
    public string? SensitiveIn(JsonObject overLog)
    {
        HashSet<string> read = SqlTree.ColumnsOf(overLog);
        return Log.Fields.FirstOrDefault(field => field.Sensitive && read.Contains(field.Name))?.Name;
    }

    public SourceColumn? ColumnOf(string name) =>
        SqlScope.ColumnsOf(Log).FirstOrDefault(column => column.Name == name);
}
