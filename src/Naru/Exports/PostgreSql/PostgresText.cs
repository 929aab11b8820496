using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Lake.Catalog;

namespace Naru.Exports.PostgreSql;

/// <summary>Names, literals, and cells on their way through COPY and casts.</summary>
internal static class PostgresText
{
    private const string BeforeChrist = " (BC)";

    public static string Name(string name) => SqlIdentifier.Quote(name);

    public static string Literal(string text) => text.Contains('\\', StringComparison.Ordinal)
        ? $" E'{text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "''", StringComparison.Ordinal)}'"
        : $"'{text.Replace("'", "''", StringComparison.Ordinal)}'";

    /// <summary>Appends the interval and the cells in COPY's text form, and the line's end; false for what PostgreSQL
    /// cannot keep in a text.</summary>
    public static bool TryCopy(StringBuilder line, ExportRow row, ImmutableArray<ExportColumn> columns)
    {
        AppendText(line, row.Interval);
        for (int i = 0; i < columns.Length; i++)
        {
            line.Append('\t');
            if (row.Cells[i] is not { } cell)
            {
                line.Append("\\N");
                continue;
            }

            if (cell.Contains('\0', StringComparison.Ordinal))
            {
                return false;
            }

            switch (columns[i].Type)
            {
                case ExportType.Blob:
                    line.Append(@"\\x").Append(cell);
                    break;
                case ExportType.Date or ExportType.Timestamp or ExportType.TimestampTz
                    when cell.EndsWith(BeforeChrist, StringComparison.Ordinal):
                    line.Append(cell.AsSpan(0, cell.Length - BeforeChrist.Length)).Append(" BC");
                    break;
                default:
                    AppendText(line, cell);
                    break;
            }
        }

        line.Append('\n');
        return true;
    }

    /// <summary>A staged cell as the column's type. The type's length or digits are left to the assignment, which
    /// refuses what a cast would cut off.</summary>
    /// <param name="column">Of the rows.</param>
    /// <param name="index">Among the staged columns.</param>
    /// <param name="type">Of the table's column.</param>
    /// <param name="stage">The staging table's alias.</param>
    public static string Cast(ExportColumn column, int index, string type, string stage)
    {
        string cell = string.Create(CultureInfo.InvariantCulture, $"{stage}.c{index}");
        return column.Type is ExportType.TextList or ExportType.Nested && type.EndsWith("[]", StringComparison.Ordinal)
            ? $"(CASE WHEN {cell} IS NULL THEN NULL ELSE ARRAY(SELECT jsonb_array_elements_text({cell}::jsonb)) END)"
                + $"::{type}"
            : $"{cell}::{type}";
    }

    private static void AppendText(StringBuilder line, string text)
    {
        int start = 0;
        for (int at = text.AsSpan().IndexOfAny("\\\t\n\r"); at >= 0;)
        {
            line.Append(text, start, at - start).Append('\\').Append(text[at] switch
            {
                '\t' => 't',
                '\n' => 'n',
                '\r' => 'r',
                _ => '\\',
            });
            start = at + 1;
            int next = text.AsSpan(start).IndexOfAny("\\\t\n\r");
            at = next < 0 ? -1 : start + next;
        }

        line.Append(text, start, text.Length - start);
    }
}
