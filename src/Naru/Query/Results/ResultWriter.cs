using System.Collections.Immutable;
using Naru.Lake.DuckDb;
using Naru.Query.Worker;

namespace Naru.Query.Results;

/// <summary>Writes rows into a buffer in one of the text formats. One instance a result.</summary>
internal abstract class ResultWriter(OutputBuffer output)
{
    protected OutputBuffer Output { get; } = output;

    public static ResultWriter Create(RunRequest request, OutputBuffer output, ZoneClock clock) =>
        request.Format switch
        {
            ResultFormat.Json => new JsonResultWriter(output, clock),
            ResultFormat.Ndjson => new NdjsonResultWriter(output, clock),
            ResultFormat.Csv => new CsvResultWriter(output, clock, request.GuardFormulas),
            ResultFormat.Trino => new TrinoResultWriter(output, clock, request.PreciseTimes),
            _ => throw new ArgumentOutOfRangeException(nameof(request), request.Format, "not a text format"),
        };

    public abstract void Begin(ImmutableArray<DuckDbColumn> columns);

    /// <summary>One row; the vectors are the chunk's columns in order.</summary>
    public abstract void WriteRow(DuckDbVector[] vectors, int row);

    public abstract void End(RunFinished finished);
}

/// <summary>
/// `{"columns":[{"name","type"}],"rows":[[…],…],"row_count":…,"truncated":…,"elapsed_ms":…}`.
/// </summary>
internal sealed class JsonResultWriter(OutputBuffer output, ZoneClock clock) : ResultWriter(output)
{
    private readonly CellWriter _cells = new(output, clock, json: true);
    private bool _any;

    public override void Begin(ImmutableArray<DuckDbColumn> columns)
    {
        Output.Append("{\"columns\":["u8);
        for (int i = 0; i < columns.Length; i++)
        {
            Output.Append(i == 0 ? "{\"name\":"u8 : ",{\"name\":"u8);
            JsonText.Append(Output, System.Text.Encoding.UTF8.GetBytes(columns[i].Name));
            Output.Append(",\"type\":"u8);
            JsonText.Append(Output, System.Text.Encoding.UTF8.GetBytes(TypeText.Of(columns[i].Type)));
            Output.Append((byte)'}');
        }

        Output.Append("],\"rows\":["u8);
    }

    public override void WriteRow(DuckDbVector[] vectors, int row)
    {
        Output.Append(_any ? ",\n["u8 : "\n["u8);
        _any = true;
        for (int i = 0; i < vectors.Length; i++)
        {
            if (i > 0)
            {
                Output.Append((byte)',');
            }

            _cells.WriteJson(vectors[i], row);
        }

        Output.Append((byte)']');
    }

    public override void End(RunFinished finished)
    {
        Output.Append("],\"row_count\":"u8);
        Output.AppendNumber(finished.Rows);
        Output.Append(finished.Truncated ? ",\"truncated\":true"u8 : ",\"truncated\":false"u8);
        Output.Append(",\"elapsed_ms\":"u8);
        Output.AppendNumber(Math.Round(finished.SetupMilliseconds + finished.RunMilliseconds, 1));
        Output.Append("}\n"u8);
    }
}

/// <summary>One object a row; a name that occurs again gets `_1`, `_2` … so that no value is lost.</summary>
internal sealed class NdjsonResultWriter(OutputBuffer output, ZoneClock clock) : ResultWriter(output)
{
    private readonly CellWriter _cells = new(output, clock, json: true);
    private byte[][] _starts = [];

    public override void Begin(ImmutableArray<DuckDbColumn> columns)
    {
        OutputBuffer text = new();
        HashSet<string> taken = new(StringComparer.Ordinal);
        _starts = new byte[columns.Length][];
        for (int i = 0; i < columns.Length; i++)
        {
            string name = columns[i].Name;
            for (int again = 1; !taken.Add(name); again++)
            {
                name = $"{columns[i].Name}_{again}";
            }

            text.Clear();
            text.Append(i == 0 ? (byte)'{' : (byte)',');
            JsonText.Append(text, System.Text.Encoding.UTF8.GetBytes(name));
            text.Append((byte)':');
            _starts[i] = text.Written.ToArray();
        }
    }

    public override void WriteRow(DuckDbVector[] vectors, int row)
    {
        for (int i = 0; i < vectors.Length; i++)
        {
            Output.Append(_starts[i]);
            _cells.WriteJson(vectors[i], row);
        }

        Output.Append("}\n"u8);
    }

    public override void End(RunFinished finished)
    {
    }
}
