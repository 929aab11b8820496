using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.DuckDb;

namespace Naru.Aggregates;

/// <summary>Types of everything, and the plan.</summary>
internal sealed partial class AggregateCompiler
{
    private const int SummedPrecisionMax = 28;
    private const int RevisionFieldId = 11;
    private const int FinalFieldId = 12;
    private const int YmdFieldId = 90;
    private const int HourFieldId = 91;

    private readonly List<AggregateColumn> _keyColumns = [];
    private readonly List<AggregateColumn> _argumentColumns = [];
    private readonly List<AggregateMeasure> _measures = [];
    private readonly List<AggregateOutput> _outputs = [];

    private string? _havingSql;

    /// <summary>Conditions, keys, arguments and measures; false when something is wrong.</summary>
    private bool TypeInputs()
    {
        int before = _text.Mistakes.Count;
        foreach (SqlSource source in _sources)
        {
            foreach (JsonObject condition in source.Conditions)
            {
                string select = $"SELECT * FROM {source.Stub} WHERE {_engine.Text(condition)}";
                _text.Try(() => { TypeOf(condition, [select]); });
            }
        }

        for (int i = 0; i < _keys.Count; i++)
        {
            _text.Try(() => _keyColumns.Add(new AggregateColumn(KeyName(i), InputType(_keys[i]))));
        }

        for (int i = 0; i < _arguments.Count; i++)
        {
            _text.Try(() => _argumentColumns.Add(new AggregateColumn($"a{i}", InputType(_arguments[i]))));
        }

        if (_text.Mistakes.Count > before)
        {
            return false;
        }

        foreach (Call call in _calls)
        {
            _text.Try(() => _measures.Add(new AggregateMeasure(
                call.Function, call.Argument, call.SecondArgument, MeasureType(call))));
        }

        return _text.Mistakes.Count == before;
    }

    private ColumnType InputType(JsonObject expression)
    {
        // A column as it is in every log has its own type: json is text to the engine.
        ColumnType?[] bare = [.. _sources.Select(source =>
            SqlTree.BareColumn(source.OverLog(expression)) is string name ? source.ColumnOf(name)?.Type : null)];
        string common = TypeOf(expression,
            [.. _sources.Select(source => $"SELECT {_engine.Text(source.OverLog(expression))} FROM {source.Stub}")]);
        ColumnType kept = Kept(expression, common);
        return bare[0] is { } own && bare.All(type => type == own) ? own : kept;
    }

    /// <summary>The one type that an expression has in all logs.</summary>
    private string TypeOf(JsonObject at, string[] selects)
    {
        try
        {
            return _engine.Describe(string.Join(" UNION ALL ", selects))[0];
        }
        catch (DuckDbException exception)
        {
            throw Typing.Fault(at, exception);
        }
    }

    private static ColumnType Kept(JsonObject at, string type) => ValueTypes.Of(type)
        ?? throw new SqlFault(at, $"a value of type {type} cannot be kept", ValueTypes.Mend(type));

    private ColumnType MeasureType(Call call)
    {
        if (call.Argument < 0)
        {
            return ColumnType.Int64;
        }

        ColumnType argument = _argumentColumns[call.Argument].Type;
        switch (call.Function)
        {
            case AggregateFunction.Sum:
                return SumType(call.At, argument);
            case AggregateFunction.BoolAnd or AggregateFunction.BoolOr when argument != ColumnType.Boolean:
                throw new SqlFault(
                    call.At,
                    $"{SqlTree.Function(call.At)}() needs a condition, not {argument.Sql}",
                    $"compare: {SqlTree.Function(call.At)}(x > 0)");
            case AggregateFunction.Count or AggregateFunction.CountDistinct or AggregateFunction.ApproxCountDistinct:
                return ColumnType.Int64;
            default:
                return argument;
        }
    }

    private static ColumnType SumType(JsonObject at, ColumnType argument) => argument.Kind switch
    {
        ColumnKind.Int32 => ColumnType.Int64,
        ColumnKind.Int64 => ColumnType.Decimal(38, 0),
        ColumnKind.Double => ColumnType.Double,
        ColumnKind.Decimal when argument.Precision <= SummedPrecisionMax => ColumnType.Decimal(38, argument.Scale),
        ColumnKind.Decimal => throw new SqlFault(
            at,
            $"{SqlTree.Function(at)}() of {argument.Sql} could overflow its 38 digits",
            $"cast it to at most {SummedPrecisionMax} digits: "
                + $"CAST(x AS DECIMAL({SummedPrecisionMax},{Math.Min((int)argument.Scale, SummedPrecisionMax)}))"),
        ColumnKind.Boolean => throw new SqlFault(
            at, $"{SqlTree.Function(at)}() needs a number, not BOOLEAN", "count the rows: count_if(x)"),
        _ => throw new SqlFault(
            at,
            $"{SqlTree.Function(at)}() needs a number, not {argument.Sql}",
            "cast it: CAST(x AS DECIMAL(18,6))"),
    };

    /// <summary>The select list and HAVING over tables without rows; false when something is wrong.</summary>
    private bool TypeOutputs()
    {
        int before = _text.Mistakes.Count;
        (string Name, ColumnType Type)[] columns =
        [
            (SqlScope.WindowStart, ColumnType.Timestamp),
            (SqlScope.WindowEnd, ColumnType.Timestamp),
            .. _keyColumns.Select(static key => (key.Name, key.Type)),
            .. _measures.Select(static (measure, i) => (MeasureName(i), measure.Type)),
        ];
        _engine.Table("base", columns);
        foreach (Item item in _items)
        {
            _text.Try(() => _outputs.Add(Output(item, columns)));
        }

        _text.Try(() =>
        {
            if (_having is not null)
            {
                string condition = _engine.Text(_having);
                TypeOf(_select["having"]!.AsObject(), [$"SELECT * FROM base WHERE {condition}"]);
                _havingSql = $"TRY({condition})";
            }
        });
        return _text.Mistakes.Count == before;
    }

    private AggregateOutput Output(Item item, (string Name, ColumnType Type)[] columns)
    {
        string sql = _engine.Text(item.Expression);
        int index = Array.FindIndex(columns, column => column.Name == SqlTree.BareColumn(item.Expression));
        if (index >= 0)
        {
            return new AggregateOutput(item.Name, columns[index].Type, sql, index);
        }

        string found = TypeOf(item.At, [$"SELECT {sql} FROM base"]);
        ColumnType type = Kept(item.At, found);
        return new AggregateOutput(item.Name, type, Safe(sql, found, type), -1);
    }

    /// <summary>NULL for a row on which it fails: one event must not stop an aggregate.</summary>
    private static string Safe(string sql, string found, ColumnType type) =>
        found == type.Sql ? $"TRY({sql})" : $"TRY(CAST({sql} AS {type.Sql}))";

    private AggregateSource Source(SqlSource source)
    {
        SortedSet<string> read = new(StringComparer.Ordinal);
        List<string?> direct = [];
        List<string> items = [SqlIdentifier.Quote(SqlScope.EventTime), SqlIdentifier.Quote(SqlScope.EventId)];
        foreach ((JsonObject expression, AggregateColumn column) in _keys.Zip(_keyColumns)
            .Concat(_arguments.Zip(_argumentColumns)))
        {
            JsonObject overLog = source.OverLog(expression);
            read.UnionWith(SqlTree.ColumnsOf(overLog));
            string sql = _engine.Text(overLog);
            string found = TypeOf(expression, [$"SELECT {sql} FROM {source.Stub}"]);
            string? bare = found == column.Type.Sql ? SqlTree.BareColumn(overLog) : null;
            direct.Add(bare);
            items.Add($"{(bare is null ? Safe(sql, found, column.Type) : sql)} AS {column.Name}");
        }

        read.UnionWith(source.Conditions.SelectMany(SqlTree.ColumnsOf));
        string where = source.Conditions.IsEmpty ? ""
            : $" WHERE {string.Join(" AND ", source.Conditions.Select(part => $"TRY({_engine.Text(part)})"))}";
        return new AggregateSource
        {
            Log = source.Log.FullName,
            Columns = Columns(source, read),
            DirectColumns = [.. direct],
            Sql = $"SELECT {string.Join(", ", items)} FROM {AggregateSource.RowsMark}{where}",
            IsFiltered = !source.Conditions.IsEmpty,
        };
    }

    /// <summary>In the order of the log; time and id, which every source gives, first.</summary>
    private static ImmutableArray<SourceColumn> Columns(SqlSource source, SortedSet<string> read) =>
    [
        new SourceColumn(SqlScope.EventTime, ColumnType.Timestamp, false),
        new SourceColumn(SqlScope.EventId, ColumnType.String, false),
        .. SqlScope.ColumnsOf(source.Log).Where(column => read.Contains(column.Name)
            && column.Name is not (SqlScope.EventTime or SqlScope.EventId)),
    ];

    private AggregatePlan? Plan(AggregateHeader header)
    {
        AggregatePlan plan = new()
        {
            Name = _text.Name,
            Description = header.Description,
            Owner = header.Owner,
            Sql = _text.Text[header.End..].Trim().TrimEnd(';').TrimEnd(),
            Text = _text.Text,
            Fingerprint = "",
            Window = _sources[0].Window,
            Sources = [.. _sources.Select(Source)],
            Keys = [.. _keyColumns],
            Arguments = [.. _argumentColumns],
            Measures = [.. _measures],
            Outputs = [.. _outputs],
            Having = _havingSql,
            Schema = Schema(),
        };
        plan = plan with
        {
            Lateness = header.Lateness ?? plan.Lateness,
            Disorder = header.Disorder ?? plan.Disorder,
            Live = header.Live ?? plan.Live,
            RestatesItself = header.RestatesItself,
        };
        return plan with { Fingerprint = FingerprintOf(plan) };
    }

    private TableSchema Schema() => new(
    [
        .. _outputs.Select(static (output, i) =>
            new Column(output.Name, output.Type, !SqlScope.IsWindow(output.Name), LogTables.FirstFieldId + i)),
        new("_revision", ColumnType.Int32, false, RevisionFieldId),
        new("_final", ColumnType.Boolean, false, FinalFieldId),
        new(LogTables.Ymd, ColumnType.Date, false, YmdFieldId),
        new(LogTables.Hour, ColumnType.Int32, false, HourFieldId),
    ]);

    /// <summary>
    /// Over what the text was compiled to, so that neither blanks nor comments make another version of it.
    /// </summary>
    private static string FingerprintOf(AggregatePlan plan)
    {
        StringBuilder text = new();
        text.Append(plan.Window).Append('\n')
            .Append(DurationText.Format(plan.Lateness)).Append('\n')
            .Append(DurationText.Format(plan.Disorder)).Append('\n');
        foreach (AggregateSource source in plan.Sources)
        {
            text.Append(source.Log).Append('\n').AppendJoin('\n', source.Columns).Append('\n')
                .Append(source.Sql).Append('\n');
        }

        text.AppendJoin('\n', plan.Keys).Append('\n').AppendJoin('\n', plan.Arguments).Append('\n')
            .AppendJoin('\n', plan.Measures).Append('\n').AppendJoin('\n', plan.Outputs).Append('\n')
            .Append(plan.Having).Append('\n');
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
    }
}
