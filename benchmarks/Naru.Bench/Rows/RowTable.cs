using Spectre.Console;

namespace Naru.Bench.Rows;

/// <summary>The one table that `./bench` prints, and its notes below.</summary>
internal static class RowTable
{
    private const int WidthPiped = 150;

    public static void Print(IReadOnlyList<RowResult> results)
    {
        IAnsiConsole console = Console.IsOutputRedirected
            ? AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No })
            : AnsiConsole.Console;
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = WidthPiped;
        }

        Table table = new() { Border = Console.IsOutputRedirected ? TableBorder.Markdown : TableBorder.Rounded };
        table.AddColumn("row");
        table.AddColumn("what");
        table.AddColumn(new TableColumn("Naru").RightAligned());
        table.AddColumn(new TableColumn("floor or peer").RightAligned());
        table.AddColumn(new TableColumn("ratio").RightAligned());
        table.AddColumn("target");
        table.AddColumn("");
        foreach (RowResult result in results)
        {
            table.AddRow(
                result.Row,
                Markup.Escape(result.What),
                Markup.Escape(result.Naru),
                Markup.Escape(result.Peer),
                Markup.Escape(result.Ratio),
                Markup.Escape(result.Target),
                result.Met switch { true => "[green]met[/]", false => "[red]missed[/]", null => "[grey]–[/]" });
        }

        console.Write(table);
        foreach (RowResult result in results.Where(static result => result.Note.Length > 0))
        {
            console.MarkupLineInterpolated($"{result.Row} {result.What}: {result.Note}");
        }
    }
}
