using System.Collections.Immutable;
using System.Text;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query.Functions;
using Naru.Query.Gate;
using Naru.Query.Pool;
using Naru.Query.Results;
using Naru.Query.Worker;

namespace Naru.Query.Trino;

/// <summary>SHOW and DESCRIBE, with the columns that clients read by name.</summary>
internal sealed partial class TrinoPlanner
{
    private TrinoPlan? Described(StatementText text, StatementReader reader, IReadOnlyList<string>? parameters)
    {
        if (reader.IsWord(0, "describe") || reader.IsWord(0, "desc"))
        {
            return Describe(text, reader);
        }

        if (!reader.Take("show"))
        {
            return null;
        }

        bool Named(params ReadOnlySpan<string> words) => reader.Take(words);
        return Named("catalogs") ? Catalogs(reader.Like())
            : Named("schemas") || Named("databases") ? ShowSchemas(reader)
            : Named("tables") ? ShowTables(reader)
            : Named("columns") || Named("fields") ? ShowColumns(text, reader)
            : Named("create", "table") || Named("create", "view") ? ShowCreate(reader)
            : Named("functions") ? Functions(reader)
            : Named("session") ? ShowSession(reader.Like())
            : Named("stats", "for") ? Stats(text, reader, parameters)
            : Named("current", "roles") || Named("roles") || Named("role", "grants") ? new RowsPlan([Text("Role")], [])
            : null;
    }

    private TrinoPlan? Describe(StatementText text, StatementReader reader)
    {
        // What is no name is a query: the engine describes those.
        if (reader.IsWord(1, "select") || reader.IsWord(1, "with") || reader.IsWord(1, "from")
            || reader.IsWord(1, "values") || text.Tokens.Length == 1)
        {
            return null;
        }

        bool prepared = text.Tokens.Length == 3 && text.Tokens[2].Kind is SqlTokenKind.Word or SqlTokenKind.QuotedName;
        if (prepared && reader.IsWord(1, "input"))
        {
            return Input(new StatementText(Prepared(Last(text))));
        }

        if (prepared && reader.IsWord(1, "output"))
        {
            return Output(new StatementText(Prepared(Last(text))));
        }

        reader.Name();
        return ColumnsOf(reader.DottedName(), reader);
    }

    private static string Last(StatementText text)
    {
        StatementReader name = new(new StatementText(text.From(text.Tokens.Length - 1)));
        return name.Name();
    }

    private static RowsPlan Input(StatementText prepared) => new(
        [TrinoJson.Column("Position", TrinoType.BigInt), Text("Type")],
        [
            .. Enumerable.Range(0, StatementEdits.CountParameters(prepared))
                .Select(static position => new object?[] { (long)position, "unknown" }),
        ]);

    /// <summary>Asks for no row of the statement, with nulls for its parameters.</summary>
    private TrinoPlan Output(StatementText prepared)
    {
        IReadOnlyList<string> nulls = [.. Enumerable.Repeat("NULL", StatementEdits.CountParameters(prepared))];
        StatementEdits edits = StatementEdits.Apply(prepared, nulls, Words());
        StatementText wrapped = new($"SELECT * FROM (\n{edits.Sql}\n) LIMIT 0");
        return new AskPlan(
            StatementEdits.Apply(wrapped, parameters: null, new Dictionary<string, string>()), AskShape.Columns);
    }

    private static RowsPlan Catalogs(LikePattern like) => new(
        [Text("Catalog")],
        [
            .. new[] { Catalog, VirtualTables.SystemCatalog }.Where(like.Matches)
                .Select(static name => new object?[] { name }),
        ]);

    private RowsPlan ShowSchemas(StatementReader reader)
    {
        string catalog = reader.Take("from") || reader.Take("in") ? reader.Name() : _session.Catalog ?? Catalog;
        RequireCatalog(catalog);
        LikePattern like = reader.Like();
        return new RowsPlan(
            [Text("Schema")],
            [.. Schemas(catalog).Where(like.Matches).Select(static name => new object?[] { name })]);
    }

    /// <summary>
    /// Without a schema, those of the schemas in which the session's unqualified names are looked up.
    /// </summary>
    private RowsPlan ShowTables(StatementReader reader)
    {
        ImmutableArray<string> schemas = readable.Path;
        string catalog = Catalog;
        if (reader.Take("from") || reader.Take("in"))
        {
            ImmutableArray<string> name = reader.DottedName();
            string named = name[^1];
            catalog = name.Length > 1 ? name[0] : _session.Catalog ?? Catalog;
            RequireCatalog(catalog);
            if (!Schemas(catalog).Contains(named, SqlName.Comparer))
            {
                throw new TrinoException(TrinoErrors.SchemaNotFound, $"schema '{named}' does not exist");
            }

            schemas = [named];
        }
        else if (_session.Schema is string current && Schemas(Catalog).Contains(current, SqlName.Comparer))
        {
            schemas = [current];
        }

        LikePattern like = reader.Like();
        bool system = SqlName.Same(catalog, VirtualTables.SystemCatalog);
        IEnumerable<string> tables = readable.All
            .Where(table => !system && schemas.Contains(table.Name.Schema, SqlName.Comparer))
            .Select(static table => table.Name.SqlName)
            .Concat(schemas.SelectMany(schema => TrinoServer.TablesOf(catalog, schema)));
        return new RowsPlan(
            [Text("Table")],
            [
                .. tables.Where(like.Matches).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
                    .Select(static name => new object?[] { name }),
            ]);
    }

    private TrinoPlan ShowColumns(StatementText text, StatementReader reader)
    {
        if (!reader.Take("from") && !reader.Take("in"))
        {
            throw text.Mistake(reader.At, "'FROM', 'IN'");
        }

        return ColumnsOf(reader.DottedName(), reader);
    }

    private TrinoPlan ColumnsOf(ImmutableArray<string> name, StatementReader reader)
    {
        LikePattern like = reader.Like();
        string catalog = name.Length == 3 ? name[0] : _session.Catalog ?? Catalog;
        string schema = name.Length > 1 ? name[^2] : _session.Schema ?? "";
        if (name.Length <= 3 && TrinoServer.TablesOf(catalog, schema).Contains(name[^1], SqlName.Comparer))
        {
            StatementText one = new($"SELECT * FROM {catalog}.{schema}.\"{name[^1]}\" LIMIT 0");
            StatementEdits edits = StatementEdits.Apply(one, parameters: null, new Dictionary<string, string>());
            return new AskPlan(edits, AskShape.Described);
        }

        TableDescription table = Table(name);
        return new RowsPlan(
            [Text("Column"), Text("Type"), Text("Extra"), Text("Comment")],
            [
                .. table.Schema.Columns.Where(column => like.Matches(column.Name)).Select(column => new object?[]
                {
                    column.Name,
                    TypeName(column),
                    column.Name is "p_ymd" or "p_hour" ? "partition key" : "",
                    table.Comments.GetValueOrDefault(column.Name, ""),
                }),
            ]);
    }

    private RowsPlan ShowCreate(StatementReader reader)
    {
        TableDescription table = Table(reader.DottedName());
        reader.ExpectEnd();
        StringBuilder sql = new();
        sql.Append("CREATE TABLE ").Append(Catalog).Append('.').Append(ReadableTables.Sql(table.Name)).Append(" (\n");
        sql.AppendJoin(",\n", table.Schema.Columns.Select(column =>
            $"   {column.Name} {TypeName(column)}{(column.Nullable ? "" : " NOT NULL")}"));
        sql.Append("\n)");
        if (table.Description.Length > 0)
        {
            sql.Append("\nCOMMENT '").Append(table.Description.Replace("'", "''", StringComparison.Ordinal));
            sql.Append('\'');
        }

        return new RowsPlan([Text("Create Table")], [[sql.ToString()]]);
    }

    private static RowsPlan Functions(StatementReader reader)
    {
        if (reader.Take("from") || reader.Take("in"))
        {
            reader.DottedName();
        }

        LikePattern like = reader.Like();
        return new RowsPlan(
            [
                Text("Function"), Text("Return Type"), Text("Argument Types"), Text("Function Type"),
                TrinoJson.Column("Deterministic", TrinoType.Boolean), Text("Description"),
            ],
            [
                .. Callable().Where(function => like.Matches(function.Name))
                    .OrderBy(static function => function.Name, StringComparer.Ordinal)
                    .Select(static function => new object?[]
                    {
                        function.Name, "", function.Arguments, "", null, function.Meaning,
                    }),
            ]);
    }

    /// <summary>Ours with what they take and mean; of the engine's own the names are known.</summary>
    private static IEnumerable<(string Name, string Arguments, string Meaning)> Callable()
    {
        OwnFunction[] own =
        [
            .. OwnFunctions.Trino.Concat(OwnFunctions.New).SelectMany(static group => group.Functions),
        ];
        HashSet<string> described = new(own.Select(static function => function.Name), SqlName.Comparer);
        return own
            .Select(static function => (
                function.Name,
                function.Form[(function.Name.Length + 1)..function.Form.LastIndexOf(')')],
                function.Meaning))
            .Concat(SqlFunctions.Known.Where(name => !described.Contains(name)).Select(static name => (name, "", "")));
    }

    private RowsPlan ShowSession(LikePattern like) => new(
        [Text("Name"), Text("Value"), Text("Default"), Text("Type"), Text("Description")],
        [
            .. SessionProperties.All.Where(like.Matches).Select(name => new object?[]
            {
                name, _session.Properties.GetValueOrDefault(name) ?? "", "", "varchar",
                name == SessionProperties.Pool
                    ? $"workers that run it: {PoolNames.All}"
                    : "time that a statement may take, such as 10m",
            }),
        ]);

    /// <summary>None are kept that a client could plan with, which Trino too says by nulls.</summary>
    private RowsPlan Stats(StatementText text, StatementReader reader, IReadOnlyList<string>? parameters)
    {
        IEnumerable<string> names = [];
        if (reader.TakeSymbol('('))
        {
            // The statement between the parentheses is judged when it is asked; its text must be one at least.
            Plan(text.Joined(reader.At, text.Tokens.Length - 1), parameters);
        }
        else
        {
            names = Table(reader.DottedName()).Schema.Columns.Select(static column => column.Name);
            reader.ExpectEnd();
        }

        return new RowsPlan(
            [
                Text("column_name"), TrinoJson.Column("data_size", TrinoType.Double),
                TrinoJson.Column("distinct_values_count", TrinoType.Double),
                TrinoJson.Column("nulls_fraction", TrinoType.Double), TrinoJson.Column("row_count", TrinoType.Double),
                Text("low_value"), Text("high_value"),
            ],
            [.. names.Append(null).Select(static name => new object?[] { name, null, null, null, null, null, null })]);
    }

    private TableDescription Table(ImmutableArray<string> name)
    {
        if (name.Length == 3)
        {
            RequireCatalog(name[0]);
        }

        string schema = name.Length > 1 ? name[^2] : "";
        TableDescription? found = name.Length > 3 ? null : readable.Find(schema, name[^1]);
        return found ?? throw new TrinoException(
            TrinoErrors.TableNotFound, TrinoErrors.Of(readable.Unknown(schema, name[^1])).Message);
    }

    private IEnumerable<string> Schemas(string catalog)
    {
        IEnumerable<string> names = SqlName.Same(catalog, VirtualTables.SystemCatalog)
            ? VirtualTables.SystemSchemas
            : readable.All.Select(static table => table.Name.Schema)
                .Concat(ReadableTables.SearchPath).Append(InformationTables.Schema);
        return names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
    }

    private string TypeName(Column column) => TrinoType.Of(column.Type, _session.PreciseTimes).Name;

    private static ResultColumn Text(string name) => TrinoJson.Column(name, TrinoType.Varchar);
}
