using System.Collections.Immutable;
using System.Security.Cryptography;
using Naru.Query.Gate;

namespace Naru.Query.Trino;

/// <summary>
/// Finds out what a client's statement wants before any engine sees it: Trino's session statements, prepared ones, SHOW
/// and DESCRIBE are answered here from the tables that the caller may read; all else goes to a worker and its gate.
/// </summary>
internal sealed partial class TrinoPlanner(TrinoStart start, ReadableTables readable, TrinoPlanner.Context context)
{
    /// <summary>EXECUTE of a statement that EXECUTEs …: deeper than anyone means.</summary>
    private const int DepthMax = 4;

    private const string Catalog = ReadableTables.Catalog;

    private readonly TrinoSession _session = start.Session;
    private int _depth;

    /// <summary>What a planner knows of its server.</summary>
    /// <param name="Registry">Queries that can be killed.</param>
    /// <param name="Zone">The project's.</param>
    internal sealed record Context(QueryRegistry Registry, TimeZoneInfo Zone);

    /// <exception cref="TrinoException">It cannot be done, and why.</exception>
    public TrinoPlan Plan() => Plan(start.Sql, parameters: null);

    private TrinoPlan Plan(string sql, IReadOnlyList<string>? parameters)
    {
        if (++_depth > DepthMax)
        {
            throw new TrinoException(TrinoErrors.NotSupported, "prepared statements are nested too deeply");
        }

        StatementText text = new(sql);
        StatementReader reader = new(text);
        return SessionStatement(text, reader, parameters)
            ?? Described(text, reader, parameters)
            ?? new AskPlan(StatementEdits.Apply(text, parameters, Words()), AskShape.Rows);
    }

    private TrinoPlan? SessionStatement(
        StatementText text, StatementReader reader, IReadOnlyList<string>? parameters)
    {
        if (reader.IsWord(0, "execute"))
        {
            reader.Take("execute");
            return Execute(text, reader);
        }

        if (reader.Take("prepare"))
        {
            string name = reader.Name();
            reader.Expect("from");
            return Prepare(text, reader, name);
        }

        if (reader.Take("deallocate", "prepare"))
        {
            string name = reader.Name();
            reader.ExpectEnd();
            Prepared(name);
            return new UpdatePlan("DEALLOCATE", Header("Deallocated-Prepare", Escape(name)));
        }

        if (reader.Take("use"))
        {
            ImmutableArray<string> name = reader.DottedName();
            reader.ExpectEnd();
            return Use(name);
        }

        if (reader.Take("call"))
        {
            return Call(reader);
        }

        if (reader.Take("explain"))
        {
            return Explain(text, reader, parameters);
        }

        return reader.Take("set") ? Set(text, reader)
            : reader.Take("reset", "session") ? ResetSession(text, reader)
            : Transaction(reader);
    }

    private static UpdatePlan? Transaction(StatementReader reader)
    {
        if (reader.Take("start", "transaction"))
        {
            // Each statement sees one snapshot and changes nothing: a transaction has nothing to hold together.
            string id = $"{RandomNumberGenerator.GetHexString(32, lowercase: true)}";
            return new UpdatePlan("START TRANSACTION", Header("Started-Transaction-Id", id));
        }

        return reader.Take("commit") ? new UpdatePlan("COMMIT", Header("Clear-Transaction-Id", "true"))
            : reader.Take("rollback") ? new UpdatePlan("ROLLBACK", Header("Clear-Transaction-Id", "true"))
            : null;
    }

    private TrinoPlan Execute(StatementText text, StatementReader reader)
    {
        string sql;
        if (reader.IsWord(0, "immediate") && !reader.IsWord(1, "using"))
        {
            reader.Take("immediate");
            sql = reader.StringLiteral();
        }
        else
        {
            sql = Prepared(reader.Name());
        }

        ImmutableArray<string> given = reader.Take("using") ? reader.Expressions(closed: false) : [];
        reader.ExpectEnd();
        IReadOnlyList<string> parameters = [.. given.Select(Parameter)];
        return Plan(sql, parameters);
    }

    /// <summary>A parameter's own literals are put into the engine's words as the statement's are.</summary>
    private string Parameter(string expression) =>
        StatementEdits.Apply(new StatementText(expression), parameters: null, Words()).Sql;

    private static UpdatePlan Prepare(StatementText text, StatementReader reader, string name)
    {
        if (reader.IsEnd)
        {
            throw text.Mistake(reader.At, "a statement");
        }

        if (reader.IsWord(0, "prepare") || reader.IsWord(0, "execute") || reader.IsWord(0, "deallocate"))
        {
            throw new TrinoException(
                TrinoErrors.NotSupported, "a statement that prepares or executes another cannot be prepared");
        }

        return new UpdatePlan("PREPARE", Header("Added-Prepare", $"{Escape(name)}={Escape(text.From(reader.At))}"));
    }

    private UpdatePlan Use(ImmutableArray<string> name)
    {
        string catalog = name.Length == 2 ? name[0] : Catalog;
        RequireCatalog(catalog);
        string schema = name.Length <= 2
            ? name[^1]
            : throw new TrinoException(TrinoErrors.Syntax, "USE takes a schema, or a catalog and a schema");
        if (!Schemas(catalog).Contains(schema, SqlName.Comparer))
        {
            throw new TrinoException(TrinoErrors.SchemaNotFound, $"schema does not exist: {catalog}.{schema}");
        }

        return new UpdatePlan("USE", Header("Set-Catalog", catalog), Header("Set-Schema", schema));
    }

    private TrinoPlan Set(StatementText text, StatementReader reader)
    {
        if (reader.Take("session", "authorization") || reader.Take("session", "user"))
        {
            throw new TrinoException(TrinoErrors.NotSupported, "a session is its key's owner; sign in as another");
        }

        if (reader.Take("session"))
        {
            return SetSession(text, reader);
        }

        if (reader.Take("role"))
        {
            string role = reader.Name();
            return role is "none" or "all"
                ? new UpdatePlan("SET ROLE", Header("Set-Role", $"{Catalog}={role.ToUpperInvariant()}"))
                : throw new TrinoException(
                    TrinoErrors.RoleNotFound, $"role '{role}' does not exist; rights are those of the key");
        }

        if (reader.Take("time", "zone"))
        {
            throw new TrinoException(
                TrinoErrors.NotSupported,
                $"times are shown in the project's zone, {context.Zone.Id}; use at_timezone(…) for another");
        }

        throw text.Mistake(reader.At, "'ROLE', 'SESSION'");
    }

    private static UpdatePlan SetSession(StatementText text, StatementReader reader)
    {
        string name = string.Join('.', reader.DottedName());
        if (!reader.TakeSymbol('='))
        {
            throw text.Mistake(reader.At, "'='");
        }

        string value = reader.IsEnd || text.StringValue(text.Tokens[reader.At]) is not string literal
            ? text.From(reader.At)
            : literal;
        RequireProperty(name);
        SessionProperties.Check(name, value);
        return new UpdatePlan("SET SESSION", Header("Set-Session", $"{name}={Escape(value)}"));
    }

    private static UpdatePlan ResetSession(StatementText text, StatementReader reader)
    {
        if (reader.IsEnd)
        {
            throw text.Mistake(reader.At, "<identifier>");
        }

        string name = string.Join('.', reader.DottedName());
        reader.ExpectEnd();
        RequireProperty(name);
        return new UpdatePlan("RESET SESSION", Header("Clear-Session", name));
    }

    private static void RequireProperty(string name)
    {
        if (!SessionProperties.All.Contains(name))
        {
            string known = string.Join(", ", SessionProperties.All);
            throw new TrinoException(
                TrinoErrors.InvalidSessionProperty, $"session property '{name}' does not exist; there are {known}");
        }
    }

    /// <summary>`CALL system.runtime.kill_query('id', 'message')`, by position or by name.</summary>
    private UpdatePlan Call(StatementReader reader)
    {
        string procedure = string.Join('.', reader.DottedName());
        if (procedure is not ("system.runtime.kill_query" or "runtime.kill_query" or "kill_query"))
        {
            throw new TrinoException(
                TrinoErrors.ProcedureNotFound,
                $"procedure not registered: {procedure}; there is system.runtime.kill_query");
        }

        Dictionary<string, string> given = [];
        if (!reader.TakeSymbol('('))
        {
            reader.ExpectEnd();
        }

        for (int position = 0; !reader.TakeSymbol(')'); position++)
        {
            string name = position == 0 ? "query_id" : "message";
            if (reader.IsWord(0, "query_id") || reader.IsWord(0, "message"))
            {
                name = reader.Name();
                _ = reader.TakeSymbol('=') && reader.TakeSymbol('>');
            }

            given[name] = reader.StringLiteral();
            reader.TakeSymbol(',');
        }

        reader.ExpectEnd();
        return Kill(given.GetValueOrDefault("query_id"), given.GetValueOrDefault("message"));
    }

    private UpdatePlan Kill(string? id, string? message)
    {
        if (string.IsNullOrEmpty(id))
        {
            throw new TrinoException(
                TrinoErrors.InvalidProcedureArgument,
                "say which query: kill_query(query_id => '…', message => '…')");
        }

        return context.Registry.TryKill(id, start.Principal, message)
            ? new UpdatePlan("CALL")
            : throw new TrinoException(TrinoErrors.NotFound, $"target query not found: {id}");
    }

    private TrinoPlan Explain(StatementText text, StatementReader reader, IReadOnlyList<string>? parameters)
    {
        bool analyze = reader.Take("analyze");
        reader.Take("verbose");
        (string type, string format) = reader.TakeSymbol('(') ? Options(text, reader) : ("distributed", "text");
        if (type == "io")
        {
            throw new TrinoException(TrinoErrors.NotSupported, "EXPLAIN (TYPE IO) is not offered; LOGICAL is");
        }

        if (reader.IsEnd)
        {
            throw text.Mistake(reader.At, "a statement");
        }

        TrinoPlan plan = Plan(text.From(reader.At), parameters);
        if (plan is not AskPlan asked)
        {
            return type == "validate"
                ? new RowsPlan([TrinoJson.Column("Valid", Results.TrinoType.Boolean)], [[true]])
                : new RowsPlan([Text("Query Plan")], [[text.From(reader.At)]]);
        }

        (int line, int column) = text.PositionOf(text.Tokens[reader.At].Start);
        string prefix = analyze ? "EXPLAIN ANALYZE" : format == "json" ? "EXPLAIN (FORMAT JSON)" : "EXPLAIN";
        return asked with
        {
            Shape = type == "validate" ? AskShape.Valid : AskShape.Plan,
            Prefix = asked.Prefix.Length > 0 ? asked.Prefix : prefix,
            Origin = (line, column),
        };
    }

    /// <summary>`TYPE LOGICAL, FORMAT JSON)`.</summary>
    private static (string Type, string Format) Options(StatementText text, StatementReader reader)
    {
        string type = "distributed";
        string format = "text";
        while (!reader.TakeSymbol(')'))
        {
            int at = reader.At;
            if (reader.Take("type"))
            {
                type = reader.Name();
            }
            else if (reader.Take("format"))
            {
                format = reader.Name();
            }

            bool known = type is "logical" or "distributed" or "validate" or "io" && format is "text" or "json";
            if (!known || reader.At == at)
            {
                throw text.Mistake(at, "TYPE LOGICAL, DISTRIBUTED or VALIDATE, FORMAT TEXT or JSON");
            }

            reader.TakeSymbol(',');
        }

        return (type, format);
    }

    /// <summary>Words that mean something of the session's.</summary>
    private Dictionary<string, string> Words()
    {
        static string Literal(string text) => $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";
        return new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["current_user"] = Literal(User),
            ["current_catalog"] = Literal(_session.Catalog ?? Catalog),
            ["current_schema"] = _session.Schema is string schema ? Literal(schema) : "CAST(NULL AS VARCHAR)",
            ["current_timezone()"] = Literal(context.Zone.Id),
            ["version()"] = Literal(TrinoServer.Version),
        };
    }

    private string User => start.User;

    private string Prepared(string name) => _session.Prepared.GetValueOrDefault(name.ToLowerInvariant())
        ?? throw new TrinoException(TrinoErrors.NotFound, $"prepared statement not found: {name}");

    private static void RequireCatalog(string name)
    {
        if (!SqlName.Same(name, Catalog) && !SqlName.Same(name, VirtualTables.SystemCatalog))
        {
            throw new TrinoException(
                TrinoErrors.CatalogNotFound, $"catalog '{name}' does not exist; the one catalog is {Catalog}");
        }
    }

    private static KeyValuePair<string, string> Header(string name, string value) => new(name, value);

    /// <summary>As java.net.URLDecoder reads it.</summary>
    private static string Escape(string text) => Uri.EscapeDataString(text);
}
