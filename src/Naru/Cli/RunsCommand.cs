using System.CommandLine;
using System.Text.Json;

namespace Naru.Cli;

/// <summary>`naru runs`: what is being filled, and its end.</summary>
internal static class RunsCommand
{
    public static Command Create()
    {
        ServerOptions common = new();
        Option<string?> cancel = new("--cancel") { Description = "end this run", HelpName = "RUN" };
        Command command = new(
            "runs",
            "List runs that are under way, or cancel one. What it was at is left failed, and the schedule leaves it "
            + "alone until it is run by hand or an input changes. Example: naru runs --cancel "
            + "ad_cost_aggr_daily-20261121093000")
        {
            cancel,
        };
        common.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using ServerConnection connection = common.Open(parsed);
            string? run = parsed.GetValue(cancel);
            using HttpRequestMessage request = run is null
                ? new HttpRequestMessage(HttpMethod.Get, "/v1/runs")
                : new HttpRequestMessage(HttpMethod.Delete, $"/v1/runs/{Uri.EscapeDataString(run)}");
            using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
            if (answer is null)
            {
                return ExitCode.Failed;
            }

            if (common.Json(parsed))
            {
                Console.WriteLine(answer.RootElement.GetRawText());
            }
            else if (run is not null)
            {
                Console.WriteLine($"{run} is cancelled");
            }
            else
            {
                Print(answer.RootElement.GetProperty("runs"));
            }

            return ExitCode.Done;
        });
        return command;
    }

    private static void Print(JsonElement runs)
    {
        if (runs.GetArrayLength() == 0)
        {
            Console.WriteLine("nothing runs");
            return;
        }

        int width = runs.EnumerateArray().Max(static run => run.GetProperty("run").GetString()!.Length);
        foreach (JsonElement run in runs.EnumerateArray())
        {
            Console.WriteLine(
                $"{run.GetProperty("run").GetString()!.PadRight(width)}  {run.GetProperty("thing").GetString()}, by "
                + $"{run.GetProperty("by").GetString()} since {run.GetProperty("started_at").GetString()}");
        }
    }
}
