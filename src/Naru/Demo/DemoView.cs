using System.Collections.Immutable;
using System.Globalization;
using Naru.Server;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Naru.Demo;

/// <summary>Everything that the demo shows at one moment.</summary>
internal sealed record DemoMoment
{
    public required string Address { get; init; }

    public required string Folder { get; init; }

    /// <summary>`sending 14 days of history`, `live traffic`, …</summary>
    public required string Phase { get; init; }

    public required TimeSpan Elapsed { get; init; }

    public required long Sent { get; init; }

    public PlatformStatus? Status { get; init; }

    /// <summary>Age of the newest event that SQL sees, while traffic flows.</summary>
    public TimeSpan? Freshness { get; init; }

    public ImmutableArray<(DemoQuestion Question, DemoAnswer Answer)> Answers { get; init; } = [];

    public long Accepted => Status?.Logs.Sum(static log => log.Accepted) ?? 0;

    public long Duplicates => Status?.Logs.Sum(static log => log.Duplicates) ?? 0;

    public long Late => Status?.Logs.Sum(static log => log.Late) ?? 0;

    public long Rejected => Status?.Logs.Sum(static log => log.Rejected.Values.Sum()) ?? 0;

    /// <summary>In the lake for good: valid, new, and not waiting for the next landing.</summary>
    public long Landed => Math.Max(0, Accepted - (Status?.Stream.PendingRecords ?? 0));
}

/// <summary>Draws a moment: a table on a terminal, one line where the output is piped.</summary>
internal static class DemoView
{
    public static IRenderable Draw(DemoMoment moment)
    {
        List<IRenderable> parts = [Heading(moment), Logs(moment)];
        if (moment.Rejected > 0)
        {
            parts.Add(new Markup($"[yellow]rejected[/]  {Escape(RejectedText(moment))}"));
        }

        if (moment.Answers.Length > 0)
        {
            parts.Add(Text.Empty);
            parts.Add(new Columns(moment.Answers.Select(Answer)) { Expand = false });
        }

        parts.Add(Text.Empty);
        parts.Add(new Markup("[dim]in a second terminal:[/]"));
        parts.AddRange(Suggestions(moment.Folder).Select(static line => new Markup($"  [green]{Escape(line)}[/]")));
        parts.Add(new Markup("[dim]Ctrl+C stops; the data stays[/]"));
        return new Rows(parts);
    }

    public static string Line(DemoMoment moment) => string.Create(
        CultureInfo.InvariantCulture,
        $"{moment.Elapsed:hh\\:mm\\:ss} {moment.Phase}: sent {moment.Sent}, accepted {moment.Accepted}, "
        + $"landed {moment.Landed}, rejected {moment.Rejected}{Bracketed(RejectedText(moment))}, "
        + $"duplicates {moment.Duplicates}, late {moment.Late}, lag {moment.Status?.Stream.LagRecords ?? 0}, "
        + $"freshness {FreshnessText(moment)}");

    public static IEnumerable<string> AnswerLines(DemoMoment moment)
    {
        foreach ((DemoQuestion question, DemoAnswer answer) in moment.Answers)
        {
            yield return $"  {question.Title}: " + (answer.Error
                ?? string.Join("; ", answer.Rows.Select(static row => string.Join(' ', row))));
        }
    }

    public static IEnumerable<string> Suggestions(string folder)
    {
        string project = folder.Contains(' ', StringComparison.Ordinal) ? $"'{folder}'" : folder;
        yield return $"./naru sql --project {project} "
            + "\"SELECT device, count(*) FROM kr_shop.page_view GROUP BY device\"";
        yield return $"./naru rejected list --project {project}";
        yield return $"./naru audit --project {project}";
    }

    private static Markup Heading(DemoMoment moment) => new(string.Create(
        CultureInfo.InvariantCulture,
        $"[bold]naru[/] at [blue]{Escape(moment.Address)}[/]  {moment.Elapsed:hh\\:mm\\:ss}  {Escape(moment.Phase)}\n"
        + $"sent [bold]{moment.Sent:n0}[/]  accepted [bold]{moment.Accepted:n0}[/]  "
        + $"landed [bold]{moment.Landed:n0}[/]  "
        + $"rejected [yellow]{moment.Rejected:n0}[/]  duplicates {moment.Duplicates:n0}  late {moment.Late:n0}  "
        + $"lag {moment.Status?.Stream.LagRecords ?? 0:n0}  freshness {FreshnessText(moment)}{FailureText(moment)}"));

    private static Table Logs(DemoMoment moment)
    {
        Table table = new Table().Border(TableBorder.Simple);
        table.AddColumn("log");
        foreach (string column in (string[])["received", "accepted", "rejected", "duplicates", "late"])
        {
            table.AddColumn(new TableColumn(column).RightAligned());
        }

        foreach (LogStatus log in moment.Status?.Logs ?? [])
        {
            table.AddRow(
                Escape(log.Log.Length == 0 ? "(no log)" : log.Log),
                Number(log.Received),
                Number(log.Accepted),
                Number(log.Rejected.Values.Sum()),
                Number(log.Duplicates),
                Number(log.Late));
        }

        return table;
    }

    private static Rows Answer((DemoQuestion Question, DemoAnswer Answer) asked)
    {
        Markup title = new($"[dim]{Escape(asked.Question.Title)}[/]");
        if (asked.Answer.Error is { } error)
        {
            return new Rows(title, new Markup($"[red]{Escape(error)}[/]"));
        }

        Table table = new Table().Border(TableBorder.Simple);
        for (int index = 0; index < asked.Answer.Columns.Length; index++)
        {
            TableColumn column = new(Escape(asked.Answer.Columns[index]));
            table.AddColumn(index == 0 ? column : column.RightAligned());
        }

        foreach (ImmutableArray<string> row in asked.Answer.Rows)
        {
            table.AddRow([.. row.Select(Escape)]);
        }

        return new Rows(title, table);
    }

    private static string RejectedText(DemoMoment moment) => string.Join(", ", (moment.Status?.Logs ?? [])
        .SelectMany(static log => log.Rejected)
        .GroupBy(static reason => reason.Key, static reason => reason.Value)
        .OrderByDescending(static reason => reason.Sum())
        .Select(static reason => $"{reason.Key} {Number(reason.Sum())}"));

    private static string FreshnessText(DemoMoment moment) => moment.Freshness is { } freshness
        ? string.Create(CultureInfo.InvariantCulture, $"{freshness.TotalSeconds:0.0} s")
        : "-";

    private static string FailureText(DemoMoment moment) =>
        moment.Status?.Stream.Failure is { } failure ? $"\n[red]{Escape(failure)}[/]" : "";

    private static string Bracketed(string text) => text.Length == 0 ? "" : $" ({text})";

    private static string Number(long value) => value.ToString("n0", CultureInfo.InvariantCulture);

    private static string Escape(string text) => Markup.Escape(text);
}
