using System.Globalization;
using System.Text.Json;
using Spectre.Console;

namespace Naru.Cli.Send;

/// <summary>
/// What a person sees of a send: a bar on a terminal, plain lines when piped, one JSON object at the end.
/// </summary>
internal sealed class SendScreen(SendJob job, TimeProvider time)
{
    private static readonly TimeSpan BarInterval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LineInterval = TimeSpan.FromSeconds(5);

    private readonly long _started = time.GetTimestamp();

    /// <summary>Shows progress on standard error while the work runs.</summary>
    public async Task ShowAsync(SendRun run, Task work)
    {
        if (job.Json || Console.IsErrorRedirected)
        {
            await ShowLinesAsync(run, work).ConfigureAwait(false);
            return;
        }

        AnsiConsoleSettings settings = new() { Out = new AnsiConsoleOutput(Console.Error) };
        IAnsiConsole console = AnsiConsole.Create(settings);
        await console.Progress()
            .AutoClear(true)
            .Columns(
                new TaskDescriptionColumn(), new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                ProgressTask bar = context.AddTask(Markup.Escape(job.File), maxValue: run.FileBytes ?? 1);
                while (!await FinishedAsync(work, BarInterval).ConfigureAwait(false))
                {
                    bar.MaxValue = Math.Max(1, run.FileBytes ?? 1);
                    bar.IsIndeterminate = run.FileBytes is null;
                    bar.Value = run.FileBytes is null ? 0 : run.Counts.Done.Offset;
                    bar.Description = Markup.Escape(Line(run));
                }
            }).ConfigureAwait(false);
    }

    public static void Note(string note) => Console.Error.WriteLine($"note: {note}");

    /// <summary>The last word, on standard output.</summary>
    public void Summarise(SendRun run)
    {
        SendCounts counts = run.Counts;
        double seconds = time.GetElapsedTime(_started).TotalSeconds;
        if (job.Json)
        {
            WriteJson(run, seconds);
            return;
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{counts.Sent:N0} events of {job.Source} sent to {job.Log} in {seconds:N1} s ({Rate(counts.Sent):N0}/s): "
            + $"{counts.Accepted:N0} accepted, {counts.Rejected:N0} rejected at receipt, {counts.Retries:N0} retries"));
        if (job.AwaitLanding)
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"in the lake: {counts.Landed:N0} landed, {counts.Duplicates:N0} were there already, "
                + $"{counts.RejectedInLake:N0} rejected"));
        }

        foreach (SendRejection rejection in counts.Rejections)
        {
            Console.WriteLine($"  line {rejection.Line}: {rejection.Reason}: {rejection.Message}");
        }

        if (counts.Rejected + counts.RejectedInLake > 0)
        {
            Console.WriteLine($"`naru rejected list --log {job.Log}` shows what was rejected and why");
        }
    }

    private async Task ShowLinesAsync(SendRun run, Task work)
    {
        while (!await FinishedAsync(work, LineInterval).ConfigureAwait(false))
        {
            await Console.Error.WriteLineAsync(Line(run)).ConfigureAwait(false);
        }
    }

    private async Task<bool> FinishedAsync(Task work, TimeSpan within)
    {
        using CancellationTokenSource done = new();
        Task pause = Task.Delay(within, time, done.Token);
        bool finished = await Task.WhenAny(work, pause).ConfigureAwait(false) == work;
        await done.CancelAsync().ConfigureAwait(false);
        return finished;
    }

    private string Line(SendRun run) => string.Create(
        CultureInfo.InvariantCulture, $"{run.Counts.Sent:N0} events sent, {Rate(run.Counts.Sent):N0}/s");

    private double Rate(long events) => events / Math.Max(0.001, time.GetElapsedTime(_started).TotalSeconds);

    private void WriteJson(SendRun run, double seconds)
    {
        SendCounts counts = run.Counts;
        using System.IO.Stream output = Console.OpenStandardOutput();
        using Utf8JsonWriter json = new(output);
        json.WriteStartObject();
        json.WriteString("log", job.Log);
        json.WriteString("source", job.Source);
        json.WriteNumber("sent", counts.Sent);
        json.WriteNumber("accepted", counts.Accepted);
        json.WriteNumber("rejected", counts.Rejected);
        json.WriteNumber("retries", counts.Retries);
        json.WriteNumber("seconds", Math.Round(seconds, 3));
        if (job.AwaitLanding)
        {
            json.WriteStartObject("lake");
            json.WriteNumber("landed", counts.Landed);
            json.WriteNumber("duplicate", counts.Duplicates);
            json.WriteNumber("rejected", counts.RejectedInLake);
            json.WriteEndObject();
        }

        json.WriteStartArray("notes");
        foreach (string note in run.Notes)
        {
            json.WriteStringValue(note);
        }

        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        output.Write("\n"u8);
    }
}
