using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Naru.Core.Text;
using Naru.Lake.Catalog;
using Naru.Query.Functions;

namespace Naru.Query.Gate;

/// <summary>Expressions and references: what a statement calls and reads.</summary>
internal sealed partial class SqlGate
{
    private void Expressions(JsonElement list, Scope? scope)
    {
        foreach (JsonElement item in list.EnumerateArray())
        {
            Expression(item, scope);
        }
    }

    private void Expression(JsonElement expression, Scope? scope)
    {
        if (expression.ValueKind == JsonValueKind.Null)
        {
            return;
        }

        if (++_expressionDepth > ExpressionDepthMax)
        {
            throw new QueryException(TooComplex($"an expression is nested deeper than {ExpressionDepthMax} levels"));
        }

        string kind = expression.GetProperty("class").GetString()!;
        if (kind == "PARAMETER")
        {
            throw Refuse(QueryCodes.ParametersNotSupported, "parameters ($1, ?) cannot be given here");
        }

        FrozenDictionary<string, Part> shape = Shape(SyntaxShapes.Expressions, kind, "expression");
        if (kind is "FUNCTION" or "WINDOW")
        {
            Function(expression);
            if (kind == "FUNCTION")
            {
                PreferOwn(expression);
            }
        }
        else if (kind == "COLUMN_REF")
        {
            Column(expression);
        }

        bool lambda = kind == "LAMBDA";
        if (lambda && ++_lambdaDepth > LambdaDepthMax)
        {
            throw new QueryException(TooComplex($"lambdas are nested deeper than {LambdaDepthMax} levels"));
        }

        foreach (JsonProperty part in expression.EnumerateObject())
        {
            Walk(shape, part, scope, kind);
        }

        _lambdaDepth -= lambda ? 1 : 0;
        _expressionDepth--;
    }

    /// <summary>A schema before the name changes nothing: no schema holds functions but DuckDB's own.</summary>
    private void Function(JsonElement expression)
    {
        string name = expression.GetProperty("function_name").GetString()!;
        if (OwnFunctions.MayCall(name) || (step == GateStep.Rewritten && OwnFunctions.IsInner(name)))
        {
            _ownFunctions.Add(name);
            return;
        }

        if (SqlFunctions.MayCall(name))
        {
            return;
        }

        QueryError error = SqlFunctions.IsRefused(name) || SqlFunctions.IsRefusedInFrom(name)
            ? new QueryError(QueryCodes.FunctionNotAllowed, $"function \"{name}\" may not be called here")
            : new QueryError(QueryCodes.UnknownFunction, $"function \"{name}\" does not exist")
            {
                Hint = NearestName.Find(name, SqlFunctions.Known.Concat(OwnFunctions.NewNames)) is string near
                    ? $"did you mean {near}?"
                    : null,
            };
        throw new QueryException(At(Location(expression), error));
    }

    /// <summary>
    /// Puts our function's name for one that means ours. Not where DuckDB cannot run ours, and not where the text has
    /// anything else in front of the name: those calls are DuckDB's own.
    /// </summary>
    private void PreferOwn(JsonElement function)
    {
        string name = function.GetProperty("function_name").GetString()!;
        long location = Location(function);
        if (OwnAggregates.InternalNameOf(name) is not string own
            || location < 0
            || !FirstNameIs(location, name)
            || (function.TryGetProperty("order_bys", out JsonElement order)
                && order.ValueKind == JsonValueKind.Object
                && order.GetProperty("orders").GetArrayLength() > 0))
        {
            return;
        }

        Rename((int)location, own);
    }

    private void TableFunction(JsonElement reference, Scope? scope)
    {
        JsonElement function = reference.GetProperty("function");
        string name = function.GetProperty("class").GetString() == "FUNCTION"
            ? function.GetProperty("function_name").GetString()!
            : throw NotUnderstood("a table function of this form");
        if (!SqlFunctions.MayCallInFrom(name))
        {
            bool refused = SqlFunctions.IsRefusedInFrom(name) || SqlFunctions.IsRefused(name);
            throw new QueryException(At(Location(function), refused
                ? new QueryError(QueryCodes.FunctionNotAllowed, $"function \"{name}\" may not be called here")
                {
                    Hint = "tables are read by name; SHOW ALL TABLES lists what you may read",
                }
                : new QueryError(QueryCodes.UnknownFunction, $"table function \"{name}\" does not exist")
                {
                    Hint = NearestName.Find(name, SqlFunctions.KnownInFrom) is string near
                        ? $"did you mean {near}?"
                        : null,
                }));
        }

        FrozenDictionary<string, Part> shape = Shape(SyntaxShapes.Expressions, "FUNCTION", "expression");
        foreach (JsonProperty part in function.EnumerateObject())
        {
            Walk(shape, part, scope, "FUNCTION");
        }
    }

    private void Table(JsonElement reference, Scope? scope)
    {
        string type = reference.GetProperty("type").GetString()!;
        FrozenDictionary<string, Part> shape = Shape(SyntaxShapes.Tables, type, "table");
        _from?.Look(reference);
        switch (type)
        {
            case "BASE_TABLE":
                BaseTable(reference, scope);
                break;
            case "TABLE_FUNCTION":
                TableFunction(reference, scope);
                break;
            case "SHOW_REF":
                Show(reference);
                break;
        }

        foreach (JsonProperty part in reference.EnumerateObject())
        {
            Walk(shape, part, scope, type);
        }
    }

    /// <summary>
    /// DESCRIBE and SUMMARIZE of a query or table; the lists stand alone (<see cref="ShowCommand"/>).
    /// </summary>
    private static void Show(JsonElement reference)
    {
        string kind = reference.GetProperty("show_type").GetString()!;
        bool hasQuery = reference.GetProperty("query").ValueKind == JsonValueKind.Object;
        if (!hasQuery || kind is not ("DESCRIBE" or "SUMMARY"))
        {
            throw new QueryException(new QueryError(QueryCodes.NotSupported, "this SHOW cannot be asked here")
            {
                Hint = "SHOW TABLES and SHOW SCHEMAS stand alone; in a query read information_schema.tables",
            });
        }
    }

    private void BaseTable(JsonElement reference, Scope? scope)
    {
        string catalog = reference.GetProperty("catalog_name").GetString()!;
        string schema = reference.GetProperty("schema_name").GetString()!;
        string name = reference.GetProperty("table_name").GetString()!;
        long location = Location(reference);
        bool alone = catalog.Length == 0 && schema.Length == 0;
        if ((alone && Scope.Has(scope, name, recursive: false))
            || (catalog.Length == 0 && SqlName.Same(schema, "recurring") && Scope.Has(scope, name, recursive: true)))
        {
            return;
        }

        string? internalSchema = VirtualTables.InternalSchema(catalog, schema);
        if (catalog.Length > 0 && internalSchema is null && !SqlName.Same(catalog, ReadableTables.Catalog))
        {
            throw new QueryException(At(location, new QueryError(
                QueryCodes.UnknownTable, $"table \"{catalog}.{schema}.{name}\" does not exist")
            {
                Hint = $"the one catalog is {ReadableTables.Catalog}: write {schema}.{name}",
            }));
        }

        int start = catalog.Length > 0 ? BlankFirstName(location) : (int)location;
        if (internalSchema is not null)
        {
            Virtual(internalSchema, schema, name, start);
            return;
        }

        TableDescription table = readable.Find(schema, name) ?? throw Unreadable(schema, name, location);
        _tables[table.Name] = table;
        if (_from is not null)
        {
            _from.Add(table, reference);
        }
        else
        {
            _reads.Add(new TableRead(table.Name, []));
        }

        if (_tables.Count > TablesMax)
        {
            throw new QueryException(TooComplex($"the statement reads more than {TablesMax} tables"));
        }
    }

    private QueryException Unreadable(string schema, string name, long location)
    {
        if (readable.NeedsSecureRight(schema, name))
        {
            return new QueryException(At(location, new QueryError(
                QueryCodes.Forbidden, $"reading \"{schema}.{name}\" needs the secure right")
            {
                Hint = $"ask an administrator for secure on \"{schema}.{name.Split('$')[0]}\"",
                Status = StatusCodes.Status403Forbidden,
            }));
        }

        return new QueryException(At(location, readable.Unknown(schema, name)));
    }

    /// <param name="internalSchema">What the schema is called in the query's own DuckDB.</param>
    /// <param name="schema">As written.</param>
    /// <param name="name">Of the table.</param>
    /// <param name="start">Where the schema's name stands.</param>
    private void Virtual(string internalSchema, string schema, string name, int start)
    {
        ImmutableArray<string> names = VirtualTables.In(internalSchema);
        string? known = names.FirstOrDefault(known => SqlName.Same(known, name));
        if (known is null)
        {
            throw new QueryException(At(start, new QueryError(
                QueryCodes.UnknownTable, $"table \"{schema}.{name}\" does not exist")
            {
                Hint = $"there are {string.Join(", ", names)}",
            }));
        }

        _virtual.Add(new VirtualTable(internalSchema, known));
        Rename(start, internalSchema);
    }

    /// <summary>
    /// `naru.kr_shop.order.amount` and `information_schema.tables.table_name` follow their tables' names.
    /// </summary>
    private void Column(JsonElement expression)
    {
        JsonElement names = expression.GetProperty("column_names");
        int count = names.GetArrayLength();
        long location = Location(expression);
        if (count < 3 || location < 0)
        {
            return;
        }

        string first = names[0].GetString()!;
        if (InformationTables.IsSchema(first))
        {
            RenameSchema((int)location);
        }
        else if (count >= 4 && SqlName.Same(first, ReadableTables.Catalog) && FirstNameIs(location, first))
        {
            int start = BlankFirstName(location);
            if (InformationTables.IsSchema(names[1].GetString()!))
            {
                RenameSchema(start);
            }
        }
        else if (count >= 4 && SqlName.Same(first, VirtualTables.SystemCatalog) && FirstNameIs(location, first)
            && VirtualTables.InternalSchema(first, names[1].GetString()!) is string schema)
        {
            Rename(BlankFirstName(location), schema);
        }
    }

    private bool FirstNameIs(long location, string name)
    {
        SqlToken token = new SqlLexer(text.Body.Span, (int)location).Next();
        string written = Encoding.UTF8.GetString(text.Body.Span[token.Start..token.End]).Trim('"');
        return SqlName.Same(written, name);
    }

    /// <summary>
    /// Overwrites a name and the dot after it with blanks, so that every later offset stays. Returns what follows.
    /// </summary>
    private int BlankFirstName(long location)
    {
        SqlLexer lexer = new(text.Body.Span, (int)location);
        SqlToken name = lexer.Next();
        SqlToken dot = lexer.Next();
        SqlToken next = lexer.Next();
        bool dotted = name.Kind is SqlTokenKind.Word or SqlTokenKind.QuotedName
            && dot.Kind == SqlTokenKind.Symbol && text.Body.Span[dot.Start] == '.';
        if (location < 0 || !dotted)
        {
            throw NotUnderstood("a name of this form");
        }

        _edits.Add((name.Start, name.End, null));
        _edits.Add((dot.Start, dot.End, null));
        return next.Start;
    }

    /// <summary>DuckDB's own information_schema cannot be replaced; ours has a name of the same length.</summary>
    private void RenameSchema(int start) => Rename(start, InformationTables.InternalSchema);

    /// <summary>Writes another name of the same length over the one that starts there.</summary>
    private void Rename(int start, string name)
    {
        SqlToken token = new SqlLexer(text.Body.Span, Math.Max(start, 0)).Next();
        string replacement = token.Kind == SqlTokenKind.QuotedName ? $"\"{name}\"" : name;
        if (start < 0 || token.End - token.Start != replacement.Length)
        {
            throw NotUnderstood("a name of this form");
        }

        _edits.Add((token.Start, token.End, replacement));
    }

    private static long Location(JsonElement node) =>
        node.TryGetProperty("query_location", out JsonElement location) && location.TryGetInt64(out long offset)
            ? offset
            : -1;

    private static void Only(JsonElement node, params ReadOnlySpan<string> names)
    {
        foreach (JsonProperty part in node.EnumerateObject())
        {
            if (!names.Contains(part.Name))
            {
                throw NotUnderstood($"\"{part.Name}\"");
            }
        }
    }

    private static void RequireAbsent(JsonElement value, string code, string message)
    {
        bool absent = value.ValueKind switch
        {
            JsonValueKind.Null or JsonValueKind.False => true,
            JsonValueKind.String => value.GetString()!.Length == 0,
            JsonValueKind.Array => value.GetArrayLength() == 0,
            _ => false,
        };
        if (!absent)
        {
            throw Refuse(code, message);
        }
    }

    private QueryError At(long offset, QueryError error) => text.PositionOf(offset) is (int line, int column)
        ? error with { Line = line, Column = column }
        : error;

    private static QueryError TooComplex(string message) =>
        new(QueryCodes.TooComplex, message) { Hint = "split it, or use common table expressions" };

    private static QueryException Refuse(string code, string message) => new(new QueryError(code, message));

    private static QueryException NotUnderstood(string what) => new(new QueryError(
        QueryCodes.NotUnderstood, $"{what} is not understood here, so the statement is refused"));
}
