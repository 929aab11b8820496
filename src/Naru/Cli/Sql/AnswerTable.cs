using System.Globalization;
using System.Text;
using System.Text.Json;
using Spectre.Console;

namespace Naru.Cli.Sql;

/// <summary>A JSON answer drawn as a table: with lines on a terminal, plain aligned columns elsewhere.</summary>
internal sealed class AnswerTable
{
    private const int CellWidthMax = 80;
    private const string Null = "";

    private readonly string[] _names;
    private readonly bool[] _numbers;
    private readonly List<string[]> _rows = [];
    private readonly bool _truncated;
    private readonly double _milliseconds;

    private AnswerTable(JsonElement answer)
    {
        JsonElement columns = answer.GetProperty("columns");
        _names = [.. columns.EnumerateArray().Select(static column => column.GetProperty("name").GetString()!)];
        string[] types = [.. columns.EnumerateArray().Select(static column => column.GetProperty("type").GetString()!)];
        _numbers = [.. types.Select(IsNumber)];
        foreach (JsonElement row in answer.GetProperty("rows").EnumerateArray())
        {
            int column = 0;
            _rows.Add([.. row.EnumerateArray().Select(value => Text(value, types[column++]))]);
        }

        _truncated = answer.GetProperty("truncated").GetBoolean();
        _milliseconds = answer.GetProperty("elapsed_ms").GetDouble();
    }

    public static AnswerTable Read(ReadOnlyMemory<byte> json)
    {
        using JsonDocument document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 1000 });
        return new AnswerTable(document.RootElement);
    }

    /// <summary>`2 rows in 5 ms`, and whether there were more.</summary>
    public string Summary
    {
        get
        {
            string rows = _rows.Count == 1
                ? "1 row"
                : string.Create(CultureInfo.InvariantCulture, $"{_rows.Count:N0} rows");
            string more = _truncated ? " (there are more: --max-rows, or another --format)" : "";
            return string.Create(CultureInfo.InvariantCulture, $"{rows} in {_milliseconds:0.#} ms{more}");
        }
    }

    /// <summary>What EXPLAIN answers is a drawing already.</summary>
    private string? Plan =>
        _names is ["explain_key", "explain_value"] && _rows is [[_, string plan]] ? plan.TrimEnd('\n') : null;

    public void Draw(IAnsiConsole console)
    {
        if (Plan is string plan)
        {
            console.WriteLine(plan);
            return;
        }

        Table table = new() { Border = TableBorder.Rounded };
        for (int i = 0; i < _names.Length; i++)
        {
            TableColumn column = new(Markup.Escape(_names[i])) { NoWrap = true };
            table.AddColumn(_numbers[i] ? column.RightAligned() : column);
        }

        foreach (string[] row in _rows)
        {
            table.AddRow(row.Select(cell => new Text(Shortened(cell))));
        }

        console.Write(table);
    }

    public string Plain()
    {
        if (Plan is string plan)
        {
            return plan + "\n";
        }

        StringBuilder text = new();
        int[] widths = new int[_names.Length];
        for (int i = 0; i < widths.Length; i++)
        {
            widths[i] = _rows.Select(row => TextWidth.Of(OneLine(row[i]))).Append(TextWidth.Of(_names[i])).Max();
        }

        AppendLine(text, _names, widths);
        foreach (string[] row in _rows)
        {
            AppendLine(text, row, widths);
        }

        return text.ToString();
    }

    private void AppendLine(StringBuilder text, string[] cells, int[] widths)
    {
        StringBuilder line = new();
        for (int i = 0; i < cells.Length; i++)
        {
            string cell = OneLine(cells[i]);
            string padding = new(' ', widths[i] - TextWidth.Of(cell));
            line.Append(i == 0 ? "" : "  ").Append(_numbers[i] ? padding + cell : cell + padding);
        }

        text.Append(line.ToString().TrimEnd()).Append('\n');
    }

    private static bool IsNumber(string type) =>
        type is "TINYINT" or "SMALLINT" or "INTEGER" or "BIGINT" or "HUGEINT" or "UTINYINT" or "USMALLINT" or "UINTEGER"
            or "UBIGINT" or "UHUGEINT" or "FLOAT" or "DOUBLE"
        || type.StartsWith("DECIMAL", StringComparison.Ordinal);

    private static string Text(JsonElement value, string type) => value.ValueKind switch
    {
        JsonValueKind.Null => Null,

        // 2026-01-01T09:00:00 reads better with a space.
        JsonValueKind.String when type.StartsWith("TIMESTAMP", StringComparison.Ordinal)
            && value.GetString() is { Length: > 10 } time && time[10] == 'T' => $"{time[..10]} {time[11..]}",
        JsonValueKind.String => value.GetString()!,
        _ => value.GetRawText(),
    };

    /// <summary>A value from an event may hold what would move a terminal's cursor.</summary>
    private static string OneLine(string cell) =>
        new([.. cell.Select(static character => char.IsControl(character) ? ' ' : character)]);

    private static string Shortened(string cell)
    {
        string line = OneLine(cell);
        return line.Length <= CellWidthMax ? line : line[..CellWidthMax] + "…";
    }
}
