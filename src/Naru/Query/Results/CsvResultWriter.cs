using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using Naru.Lake.DuckDb;
using Naru.Query.Worker;

namespace Naru.Query.Results;

/// <summary>
/// RFC 4180 with `\n` line ends, UTF-8, a header line. Null is an empty cell, an empty string is `""`. Nested values
/// are JSON. Guarded, a text cell or header that a spreadsheet would run as a formula (it begins with = + - @, TAB, CR
/// or NUL) gets an apostrophe before it; numbers, dates and the like are typed and never begin a formula.
/// </summary>
internal sealed class CsvResultWriter : ResultWriter
{
    private static readonly SearchValues<byte> Quoted = SearchValues.Create(",\"\r\n"u8);
    private static readonly SearchValues<byte> Triggers = SearchValues.Create("=+-@\t\r\0"u8);

    private readonly CellWriter _plain;
    private readonly CellWriter _json;
    private readonly OutputBuffer _nested = new();
    private readonly bool _guard;
    private bool[] _nestedColumns = [];

    public CsvResultWriter(OutputBuffer output, ZoneClock clock, bool guard)
        : base(output)
    {
        _plain = new CellWriter(output, clock, json: false);
        _json = new CellWriter(_nested, clock, json: true);
        _guard = guard;
    }

    public override void Begin(ImmutableArray<DuckDbColumn> columns)
    {
        _nestedColumns = new bool[columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            _nestedColumns[i] = columns[i].Type.Kind is DuckDbTypeKind.List or DuckDbTypeKind.Array
                or DuckDbTypeKind.Struct or DuckDbTypeKind.Map;
            if (i > 0)
            {
                Output.Append((byte)',');
            }

            WriteText(Encoding.UTF8.GetBytes(columns[i].Name));
        }

        Output.Append((byte)'\n');
    }

    public override void WriteRow(DuckDbVector[] vectors, int row)
    {
        for (int i = 0; i < vectors.Length; i++)
        {
            if (i > 0)
            {
                Output.Append((byte)',');
            }

            ref readonly DuckDbVector vector = ref vectors[i];
            if (vector.IsNull(row))
            {
                continue;
            }

            WriteCell(vector, row, _nestedColumns[i]);
        }

        Output.Append((byte)'\n');
    }

    public override void End(RunFinished finished)
    {
    }

    private void WriteCell(in DuckDbVector vector, int row, bool nested)
    {
        if (nested)
        {
            _nested.Clear();
            _json.WriteJson(vector, row);
            WriteText(_nested.Written);
            return;
        }

        switch (vector.Type.Kind)
        {
            case DuckDbTypeKind.Varchar:
                WriteText(vector.Utf8At(row));
                break;
            case DuckDbTypeKind.Enum:
                WriteText(Encoding.UTF8.GetBytes(vector.EnumAt(row)));
                break;
            default:
                _plain.WritePlain(vector, row);
                break;
        }
    }

    private void WriteText(ReadOnlySpan<byte> text)
    {
        if (text.IsEmpty)
        {
            Output.Append("\"\""u8);
            return;
        }

        bool formula = _guard && Triggers.Contains(text[0]);
        if (!formula && text.IndexOfAny(Quoted) < 0)
        {
            Output.Append(text);
            return;
        }

        Output.Append((byte)'"');
        if (formula)
        {
            Output.Append((byte)'\'');
        }

        while (true)
        {
            int quote = text.IndexOf((byte)'"');
            if (quote < 0)
            {
                Output.Append(text);
                break;
            }

            Output.Append(text[..(quote + 1)]);
            Output.Append((byte)'"');
            text = text[(quote + 1)..];
        }

        Output.Append((byte)'"');
    }
}
