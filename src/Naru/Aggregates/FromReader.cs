using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Core.Text;
using Naru.Core.Windows;
using Naru.Definitions;
using Naru.Lake.DuckDb;

namespace Naru.Aggregates;

/// <summary>The logs that a query may name: those that are right, and those whose own file is wrong.</summary>
internal sealed record KnownLogs(ImmutableArray<LogDefinition> Logs, ImmutableArray<string> Unreadable);

/// <summary>
/// Reads FROM: one windowed log, or in parentheses one SELECT or a UNION ALL of several over windowed logs. Throws
/// <see cref="SqlFault"/>.
/// </summary>
internal sealed class FromReader(KnownLogs logs, SqlEngine engine)
{
    private const long DayMicroseconds = 24 * 3600 * 1_000_000L;
    private const long SizeMicrosecondsMin = 1_000_000;
    private const int DaysMax = 36_525;
    private const long PanesMax = 1_000;
    private const string Example = "FROM tumble(kr_shop.ad_click, event_time, INTERVAL '1 minute')";
    private const string UnionAll = "FROM (SELECT … FROM tumble(a, …) UNION ALL SELECT … FROM tumble(b, …))";

    private static readonly string[] Windows = ["tumble", "hop", "session"];

    private static readonly HashSet<string> IntervalParts =
        new(StringComparer.Ordinal) { "CONSTANT", "CAST", "FUNCTION" };

    /// <summary>What FROM holds, and the names that the outer SELECT sees.</summary>
    public (ImmutableArray<SqlSource> Sources, SqlScope Scope) Read(JsonObject from)
    {
        switch (SqlTree.Type(from))
        {
            case "TABLE_FUNCTION":
                SqlSource source = Source(from, 0);
                return ([source], SqlScope.OfLog(source.Log, SqlTree.Alias(from)));
            case "SUBQUERY":
                return Inner(from);
            case "EMPTY":
                throw new SqlFault(null, "the query reads no log", $"write {Example}");
            case "BASE_TABLE":
                string name = string.Join('.', new[] { "schema_name", "table_name" }
                    .Select(part => SqlTree.Text(from, part)).Where(static part => part.Length > 0));
                throw new SqlFault(
                    from,
                    $"'{name}' is read without a window",
                    $"write FROM tumble({name}, event_time, INTERVAL '1 minute')");
            case "JOIN":
                throw new SqlFault(
                    Call(from) ?? from,
                    "a join is not offered: rows of two streams do not wait for each other",
                    $"put the logs under each other, {UnionAll}, and aggregate them by their common key");
            default:
                throw new SqlFault(from, "FROM is not understood", $"write {Example}");
        }
    }

    private static JsonObject? Call(JsonObject from) =>
        SqlTree.Type(from) == "JOIN" && from["left"] is JsonObject left ? Call(left) : from;

    private (ImmutableArray<SqlSource> Sources, SqlScope Scope) Inner(JsonObject from)
    {
        ImmutableArray<SqlSource>.Builder sources = ImmutableArray.CreateBuilder<SqlSource>();
        Branches(from["subquery"]!["node"]!.AsObject(), sources);
        SqlSource first = sources[0];
        foreach (SqlSource other in sources.Skip(1))
        {
            if (other.Window != first.Window)
            {
                throw new SqlFault(
                    other.Call, "the logs of UNION ALL have different windows", "give every branch the same window");
            }

            if (other.Items!.Value.Length != first.Items!.Value.Length)
            {
                throw new SqlFault(
                    other.Call,
                    $"the SELECTs of UNION ALL have {first.Items!.Value.Length} and "
                        + $"{other.Items!.Value.Length} columns",
                    "give every branch the same columns; NULL or 0 stands for one that a log has not");
            }
        }

        ImmutableArray<SqlSource> named = [.. Unified(sources.ToImmutable())];
        IEnumerable<(string, string)> columns = named[0].Items!.Value.Select(static item =>
            (item.Name, SqlTree.BareColumn(item.Expression) is string name && SqlScope.IsWindow(name)
                ? name : item.Name));
        return (named, SqlScope.OfQuery(columns, SqlTree.Alias(from)));
    }

    private void Branches(JsonObject node, ImmutableArray<SqlSource>.Builder sources)
    {
        if (SqlTree.Type(node) == "SET_OPERATION_NODE")
        {
            if (SqlTree.Text(node, "setop_type") != "UNION" || !SqlTree.IsOn(node, "setop_all"))
            {
                throw new SqlFault(
                    First(node), "only UNION ALL puts logs together", "write UNION ALL, with columns by position");
            }

            RefuseModifiers(node);
            Branches(node["left"]!.AsObject(), sources);
            Branches(node["right"]!.AsObject(), sources);
            return;
        }

        if (SqlTree.Type(node) != "SELECT_NODE")
        {
            throw new SqlFault(First(node), "the inner query is not understood", $"write {UnionAll}");
        }

        sources.Add(Branch(node, sources.Count));
    }

    private SqlSource Branch(JsonObject node, int number)
    {
        RefuseModifiers(node);
        bool grouped = SqlTree.IsFilled(node["group_expressions"]) || node["having"] is not null
            || SqlTree.Text(node, "aggregate_handling") != "STANDARD_HANDLING";
        if (grouped)
        {
            throw new SqlFault(
                First(node), "the inner SELECT aggregates already", "group in the outer SELECT, and only there");
        }

        JsonObject from = node["from_table"]!.AsObject();
        if (SqlTree.Type(from) != "TABLE_FUNCTION")
        {
            Read(from);
            throw new SqlFault(from, "an inner SELECT reads one windowed log", $"write {UnionAll}");
        }

        SqlSource source = Source(from, number);
        JsonObject[] list = [.. node["select_list"]!.AsArray().Select(static item => item!.AsObject())];
        SqlResolver resolver = new(SqlScope.OfLog(source.Log, SqlTree.Alias(from)), list);
        ImmutableArray<(string, JsonObject)> items = [.. list.Select((item, i) => Item(item, resolver, number, i))];
        IGrouping<string, (string, JsonObject)>? twice =
            items.GroupBy(static item => item.Item1).FirstOrDefault(static group => group.Count() > 1);
        if (twice is not null)
        {
            throw new SqlFault(First(node), $"the inner SELECT has two columns '{twice.Key}'", "rename one of them");
        }

        ImmutableArray<JsonObject> conditions = node["where_clause"] is JsonObject where
            ? [RowCondition(resolver.Resolve(where, SqlClause.Row), source)] : [];
        return source with { Items = items, Conditions = conditions };
    }

    /// <summary>Names are the first branch's; those of others are their places.</summary>
    private static (string Name, JsonObject Expression) Item(
        JsonObject item, SqlResolver resolver, int branch, int place)
    {
        JsonObject expression = resolver.Resolve(item, SqlClause.Row);
        string name = SqlTree.Alias(item);
        if (name.Length == 0 && SqlTree.Class(item) == "COLUMN_REF")
        {
            name = SqlTree.ColumnNames(item)[^1];
        }

        name = branch > 0 ? $"column {place}" : name.ToLowerInvariant();
        bool isWindow = SqlTree.BareColumn(expression) is string bare && SqlScope.IsWindow(bare);
        if (name.Length == 0)
        {
            throw new SqlFault(item, "a column of the inner SELECT has no name", "name it: … AS cost");
        }

        if (SqlScope.IsWindow(name) && !isWindow)
        {
            throw new SqlFault(item, $"'{name}' is a bound of the window", "give the column another name");
        }

        if (!isWindow && SqlTree.ColumnsOf(expression).Any(SqlScope.IsWindow))
        {
            throw new SqlFault(
                item, "nothing can be computed from the window row by row", "compute it in the outer SELECT");
        }

        return (name, expression);
    }

    /// <summary>A condition on rows may read neither the window nor what is sensitive.</summary>
    public static JsonObject RowCondition(JsonObject condition, SqlSource source)
    {
        if (SqlTree.ColumnsOf(condition).FirstOrDefault(SqlScope.IsWindow) is string bound)
        {
            throw new SqlFault(
                condition, $"WHERE cannot read {bound}: a row is in its window only afterwards", "use HAVING");
        }

        if (source.SensitiveIn(condition) is string field)
        {
            throw new SqlFault(
                condition,
                $"'{field}' of log {source.Log.FullName} is sensitive: it may only be counted",
                $"use count({field}), count(DISTINCT {field}) or approx_count_distinct({field})");
        }

        return condition;
    }

    /// <summary>Columns of all branches under the first one's names, and in the type that all of them have.</summary>
    private IEnumerable<SqlSource> Unified(ImmutableArray<SqlSource> sources)
    {
        (string Name, JsonObject Expression)[] first = [.. sources[0].Items!.Value];
        List<JsonObject>[] columns = [.. sources.Select(source =>
            source.Items!.Value.Select(static item => item.Expression).ToList())];
        for (int i = 0; i < first.Length; i++)
        {
            JsonObject[] branches = [.. columns.Select(column => column[i])];
            bool[] windows = [.. branches.Select(static branch =>
                SqlTree.BareColumn(branch) is string name && SqlScope.IsWindow(name))];
            if (windows.Distinct().Count() > 1 || (windows[0] && branches.DistinctBy(SqlTree.Key).Count() > 1))
            {
                throw new SqlFault(
                    branches[1], $"column '{first[i].Name}' is a bound of the window in one branch only",
                    "put the same columns in the same places");
            }

            if (!windows[0])
            {
                Unify(sources, branches);
            }

            for (int branch = 0; branch < branches.Length; branch++)
            {
                columns[branch][i] = branches[branch];
            }
        }

        return sources.Select((source, number) => source with
        {
            Items = [.. first.Select((item, i) => (item.Name, columns[number][i]))],
        });
    }

    private void Unify(ImmutableArray<SqlSource> sources, JsonObject[] branches)
    {
        string[] selects =
            [.. branches.Select((branch, i) => $"SELECT {engine.Text(branch)} AS c FROM {sources[i].Stub}")];
        for (int i = 0; i < branches.Length; i++)
        {
            string type = OfTypes(branches[i], () => engine.Describe(selects[i])[0]);
            string common = OfTypes(branches[i], () => engine.Describe(string.Join(" UNION ALL ", selects))[0]);
            if (type != common)
            {
                branches[i] = engine.Cast(branches[i], common);
            }
        }
    }

    private static string OfTypes(JsonObject at, Func<string> work)
    {
        try
        {
            return work();
        }
        catch (DuckDbException exception)
        {
            throw Typing.Fault(at, exception);
        }
    }

    private static void RefuseModifiers(JsonObject node)
    {
        if (SqlTree.IsFilled(node["modifiers"]) || SqlTree.IsFilled(node["cte_map"]?["map"])
            || node["sample"] is not null || node["qualify"] is not null)
        {
            throw new SqlFault(
                First(node), "an inner SELECT has a select list, FROM and WHERE", "take the other clauses out");
        }
    }

    /// <summary>What stands first in a SELECT, for the place of a mistake.</summary>
    private static JsonNode? First(JsonObject node) =>
        node["select_list"] ?? (node["left"] is JsonObject left ? First(left) : null);

    private SqlSource Source(JsonObject from, int number)
    {
        JsonObject call = from["function"]!.AsObject();
        string name = SqlTree.Function(call);
        if (!Windows.Contains(name))
        {
            string? near = NearestName.Find(name, Windows);
            throw new SqlFault(
                call,
                $"there is no window {name}()",
                near is null ? "windows: tumble, hop, session" : $"did you mean {near}()?");
        }

        if (from["sample"] is not null || SqlTree.IsFilled(from["column_name_alias"]))
        {
            throw new SqlFault(call, "a windowed log takes no sample and no list of names", "take it out");
        }

        JsonObject[] arguments = [.. SqlTree.Children(call).Select(static item => item!.AsObject())];
        string form = name switch
        {
            "tumble" => "tumble(kr_shop.ad_click, event_time, INTERVAL '1 minute')",
            "hop" => "hop(kr_shop.ad_click, event_time, INTERVAL '1 minute', INTERVAL '5 minutes'): slide, then size",
            _ => "session(kr_shop.page_view, event_time, INTERVAL '30 minutes')",
        };
        if (arguments.Length != (name == "hop" ? 4 : 3))
        {
            throw new SqlFault(call, $"{name}() has {arguments.Length} arguments", $"write {form}");
        }

        LogDefinition log = Log(arguments[0], form);
        CheckTime(arguments[1], log);
        SqlSource source = new()
        {
            Log = log,
            Window = Window(name, arguments),
            Call = call,
            Stub = $"source{number}",
        };
        engine.Table(source.Stub, SqlScope.ColumnsOf(log).Select(static column => (column.Name, column.Type)));
        return source;
    }

    private LogDefinition Log(JsonObject argument, string form)
    {
        string name = SqlTree.Class(argument) == "COLUMN_REF" ? string.Join('.', SqlTree.ColumnNames(argument))
            : argument["value"]?["value"] is JsonValue text && text.GetValueKind() == JsonValueKind.String
                ? text.GetValue<string>() : "";
        bool written = SqlTree.Class(argument) == "COLUMN_REF";
        LogDefinition? log = logs.Logs.FirstOrDefault(log =>
            string.Equals(log.FullName, name, StringComparison.OrdinalIgnoreCase));
        if (log is not null)
        {
            return written ? log : throw new SqlFault(argument, "the log is written in quotes", $"write {name}");
        }

        if (name.Length == 0)
        {
            throw new SqlFault(argument, "the first argument of a window is a log", $"write {form}");
        }

        if (logs.Unreadable.Contains(name))
        {
            throw new SqlFault(argument, $"the file of log '{name}' is wrong", $"mend logs/{name}.yaml first");
        }

        IEnumerable<string> known = logs.Logs.Select(static log => log.FullName);
        string? near = NearestName.Find(name, known)
            ?? logs.Logs.FirstOrDefault(log => log.Name == name)?.FullName;
        throw new SqlFault(
            argument,
            $"there is no log '{name}'",
            near is null ? "a log is written region_group.name, as its file in logs/" : $"did you mean '{near}'?");
    }

    private static void CheckTime(JsonObject argument, LogDefinition log)
    {
        string name = SqlTree.BareColumn(argument) ?? "";
        string[] known = ["event_time", SqlScope.EventTime, log.TimeKey];
        if (!known.Contains(name, StringComparer.OrdinalIgnoreCase))
        {
            throw new SqlFault(
                argument,
                name.Length == 0 ? "the second argument of a window is the event time"
                    : $"windows do not run on '{name}'",
                "write event_time: a log's own key for it is told by 'time:' in its file");
        }
    }

    private WindowSpec Window(string name, JsonObject[] arguments)
    {
        DuckDbInterval first = Interval(arguments[2]);
        if (name == "session")
        {
            return new WindowSpec(WindowKind.Session, Microseconds(first), 0, IsDays: false);
        }

        if (name == "tumble")
        {
            return first.Days > 0
                ? new WindowSpec(WindowKind.Tumble, first.Days, first.Days, IsDays: true)
                : new WindowSpec(WindowKind.Tumble, first.Microseconds, first.Microseconds, IsDays: false);
        }

        DuckDbInterval size = Interval(arguments[3]);
        bool days = first.Days > 0 && size.Days > 0;
        WindowSpec window = days
            ? new WindowSpec(WindowKind.Hop, size.Days, first.Days, IsDays: true)
            : new WindowSpec(WindowKind.Hop, Microseconds(size), Microseconds(first), IsDays: false);
        if (window.Slide > window.Size)
        {
            throw new SqlFault(
                arguments[2],
                "the slide is longer than the window: events between two windows would be in none",
                "hop(log, time, slide, size): the slide comes first");
        }

        if (window.Size / window.Pane > PanesMax)
        {
            throw new SqlFault(
                arguments[2],
                $"a window would be made of {window.Size / window.Pane} pieces, more than {PanesMax}",
                "take a longer slide, or a size that is a multiple of the slide");
        }

        return window;
    }

    private static long Microseconds(DuckDbInterval interval) =>
        (interval.Days * DayMicroseconds) + interval.Microseconds;

    private DuckDbInterval Interval(JsonObject argument)
    {
        bool constant = true;
        SqlTree.Visit(argument, node => constant &= IntervalParts.Contains(SqlTree.Class(node))
            && (SqlTree.Class(node) != "FUNCTION" || IsIntervalFunction(SqlTree.Function(node))));
        DuckDbInterval? value = null;
        try
        {
            value = constant ? engine.Interval(engine.Text(argument)) : null;
        }
        catch (DuckDbException)
        {
            // The engine's words speak of casts that the user did not write.
        }

        if (value is not { } interval)
        {
            throw new SqlFault(
                argument, "the length of a window is a constant interval", "write it as INTERVAL '5 minutes'");
        }

        if (interval.Months != 0)
        {
            throw new SqlFault(
                argument, "months and years have no fixed length", "write days: INTERVAL '7 days'");
        }

        if (interval.Days != 0 && interval.Microseconds != 0)
        {
            throw new SqlFault(
                argument,
                "whole days follow the calendar and hours do not, so they cannot be mixed",
                "write whole days, or hours alone");
        }

        if (interval.Days < 0 || interval.Microseconds < 0 || Microseconds(interval) < SizeMicrosecondsMin)
        {
            throw new SqlFault(
                argument, "a window, its slide and a session's gap are at least a second long", "write it longer");
        }

        return Microseconds(interval) <= DaysMax * DayMicroseconds
            ? interval
            : throw new SqlFault(argument, $"a window is at most {DaysMax} days long", "write it shorter");
    }

    private static bool IsIntervalFunction(string name) =>
        name is "trunc" or "-" || name.StartsWith("to_", StringComparison.Ordinal);
}
