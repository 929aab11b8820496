using System.Collections.Immutable;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query;
using Naru.Query.Gate;
using Naru.Yaml;

namespace Naru.Models.Checks;

/// <summary>Makes SQL of a model's checks, over its table's columns, and tries it.</summary>
/// <param name="model">The model's name.</param>
/// <param name="file">Its file.</param>
/// <param name="columns">Of its table.</param>
/// <param name="readable">What models may read, and <see cref="Rows"/>.</param>
internal sealed class CheckCompiler(string model, string file, TableSchema columns, ReadableTables readable)
{
    /// <summary>What `$rows` is in SQL: the rows that an attempt has made, before they are committed.</summary>
    public static readonly TableName Rows = new("naru", "candidate_rows");

    /// <summary>As a table that may be named in SQL.</summary>
    public static TableDescription Describe(TableSchema columns) =>
        new(Rows, columns, "rows of an attempt that are judged before they are committed", System: true);

    public ImmutableArray<ModelCheck> Compile(
        ImmutableArray<WrittenCheck> written, (Interval Interval, ProjectZone Zone) sample, MistakeList mistakes)
    {
        ImmutableArray<ModelCheck>.Builder checks = ImmutableArray.CreateBuilder<ModelCheck>();
        ImmutableArray<string> keys =
            [.. written.Where(static each => each.Kind == CheckKind.Unique).SelectMany(static each => each.Columns)];
        foreach (WrittenCheck check in written)
        {
            if (Sql(check, keys, mistakes) is (string offending, string count))
            {
                MistakeList wrong = new();
                ModelText? rows = ModelText.ReadCheck(file, offending, wrong);
                if (rows is not null && ModelText.ReadCheck(file, count, wrong) is { } counted)
                {
                    checks.Add(new ModelCheck(check) { Offending = rows, Count = counted });
                }

                foreach (Mistake mistake in wrong.Sorted())
                {
                    mistakes.Add(At(check, mistake.Message, mistake.Hint));
                }
            }
            else if (check.Kind is CheckKind.RowCount or CheckKind.NotEmpty)
            {
                checks.Add(new ModelCheck(check));
            }
        }

        Try(checks.ToImmutable(), sample, mistakes);
        return checks.ToImmutable();
    }

    private (string Offending, string Count)? Sql(
        WrittenCheck check, ImmutableArray<string> keys, MistakeList mistakes)
    {
        if (!check.Columns.All(column => Known(check, column, mistakes)))
        {
            return null;
        }

        string list = string.Join(", ", check.Columns.Select(Name));
        const string PerRow = "count(*)";
        switch (check.Kind)
        {
            case CheckKind.NotNull:
                string shown = string.Join(", ", check.Columns.Concat(keys.Where(key => columns.IndexOf(key) >= 0))
                    .Distinct(SqlName.Comparer).Select(Name));
                string nulls = string.Join(" OR ", check.Columns.Select(column => $"{Name(column)} IS NULL"));
                return Both($"SELECT {shown} FROM $rows WHERE {nulls}", PerRow);
            case CheckKind.Unique:
                string whole = string.Join(" AND ", check.Columns.Select(column => $"{Name(column)} IS NOT NULL"));
                return Grouped($"SELECT {list}, count(*) AS {ModelCheck.RowsColumn} FROM $rows WHERE {whole} "
                    + $"GROUP BY {list} HAVING count(*) > 1");
            case CheckKind.AcceptedValues:
                return Grouped($"SELECT {list}, count(*) AS {ModelCheck.RowsColumn} FROM $rows "
                    + $"WHERE {list} NOT IN ({string.Join(", ", check.Values)}) GROUP BY {list}");
            case CheckKind.Relationship:
                return Related(check, mistakes) is (string table, string key)
                    ? Grouped($"SELECT {list}, count(*) AS {ModelCheck.RowsColumn} FROM $rows AS judged "
                        + $"WHERE {list} IS NOT NULL AND NOT EXISTS "
                        + $"(SELECT 1 FROM {table} AS other WHERE other.{key} = judged.{list}) GROUP BY {list}")
                    : null;
            case CheckKind.Holds:
                return Both($"SELECT * FROM $rows WHERE NOT ({check.Body}\n)", PerRow);
            case CheckKind.NoRows:
                return Both(check.Body, PerRow);
            default:
                return null;
        }
    }

    private static (string Offending, string Count) Both(string offending, string count) =>
        (offending, $"SELECT {count} FROM (\n{offending}\n)");

    private static (string Offending, string Count) Grouped(string offending) =>
        Both(offending, $"CAST(coalesce(sum({ModelCheck.RowsColumn}), 0) AS BIGINT)");

    private bool Known(WrittenCheck check, string column, MistakeList mistakes)
    {
        if (columns.Columns.Any(each => SqlName.Same(each.Name, column)))
        {
            return true;
        }

        string? near = NearestName.Find(column, columns.Columns.Select(static each => each.Name));
        mistakes.Add(At(
            check,
            $"column \"{column}\" does not exist in the model",
            near is null ? $"columns: {string.Join(", ", columns.Columns.Select(static each => each.Name))}"
                : $"did you mean {near}?"));
        return false;
    }

    private (string Table, string Key)? Related(WrittenCheck check, MistakeList mistakes)
    {
        string[] parts = check.Table.Split('.', 2);
        (string schema, string name) = parts.Length == 2 ? (parts[0], parts[1]) : ("", parts[0]);
        if (readable.Find(schema, name) is not { } table)
        {
            QueryError unknown = readable.Unknown(schema, name);
            mistakes.Add(At(check, unknown.Message, unknown.Hint ?? ""));
            return null;
        }

        if (table.Schema.Columns.Any(each => SqlName.Same(each.Name, check.Key)))
        {
            return (ReadableTables.Sql(table.Name), Name(check.Key));
        }

        string? near = NearestName.Find(check.Key, table.Schema.Columns.Select(static each => each.Name));
        mistakes.Add(At(
            check,
            $"table {table.Name} has no column \"{check.Key}\"",
            near is null ? $"SHOW COLUMNS FROM {table.Name}" : $"did you mean {near}?"));
        return null;
    }

    /// <summary>All at once; one by one only where something is wrong, to say which it is.</summary>
    private void Try(
        ImmutableArray<ModelCheck> checks, (Interval Interval, ProjectZone Zone) sample, MistakeList mistakes)
    {
        ModelCheck[] asked = [.. checks.Where(static check => check.Count is not null)];
        IntervalCalendar calendar = new(sample.Zone);
        string Bound(ModelCheck check) => check.Count!.Bind(model, sample.Interval, calendar);
        string all = string.Join(", ", asked.Select(check => $"({Bound(check)})"));
        if (asked.Length == 0 || Fault($"SELECT {all}", sample.Zone) is null)
        {
            return;
        }

        foreach (ModelCheck check in asked)
        {
            if (Fault(Bound(check), sample.Zone) is { } error)
            {
                mistakes.Add(At(check.Written, error.Message, error.Hint ?? ""));
            }
        }
    }

    private Mistake At(WrittenCheck check, string message, string hint) =>
        new(file, check.Line, check.Column, $"the check {check.Text}: {message}", hint);

    private QueryError? Fault(string sql, ProjectZone zone)
    {
        try
        {
            StatementDescriber.Describe(sql, readable, zone.Zone);
            return null;
        }
        catch (QueryException exception)
        {
            return exception.Error;
        }
    }

    private string Name(string column)
    {
        string known = columns.Columns.Select(static each => each.Name)
            .FirstOrDefault(each => SqlName.Same(each, column)) ?? column;
        return $"\"{known.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
