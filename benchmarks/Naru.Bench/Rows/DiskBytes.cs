using System.Globalization;
using System.Text.Json;
using Naru.Bench.Platform;

namespace Naru.Bench.Rows;

/// <summary>P12: bytes on disk of a landed event, beside its bytes as it was sent.</summary>
internal static class DiskBytes
{
    private const double FieldsMax = 0.22;
    private const double AllMax = 0.45;

    public static async Task<IReadOnlyList<RowResult>> RunAsync(BenchSetup setup)
    {
        int events = setup.Full ? 10_000_000 : 1_000_000;
        using PlatformRun naru = new($"{setup.NewFolder("disk")}/project", EventLines.Log);
        await naru.StartAsync();
        LoadShape shape = new() { Connections = 4, BatchEvents = 1000 };
        EventLines lines = new(seed: 1, run: 1);
        using EventLoad load = new(naru.Port, shape, lines, events);
        load.Join();
        await naru.LandAsync(new EventLines(seed: 1, run: 2));
        JsonElement rows = await naru.AskAsync(
            "SELECT column_group, sum(bytes)::BIGINT, sum(rows)::BIGINT, count(*) FROM naru.files "
            + "WHERE schema = 'kr_ad' AND \"table\" = 'click' GROUP BY 1 ORDER BY 1");
        Dictionary<string, double> bytes = rows.EnumerateArray().ToDictionary(
            static row => row[0].GetString()!,
            static row => (double)row[1].GetInt64() / row[2].GetInt64());
        CultureInfo culture = CultureInfo.InvariantCulture;
        string each = string.Join(
            ", ",
            rows.EnumerateArray().Select(row => string.Create(
                culture, $"{row[0].GetString()} {bytes[row[0].GetString()!]:F0} B in {row[3].GetInt64()} files")));
        return
        [
            Result("fields", bytes["fields"], FieldsMax, ""),
            Result("all column groups", bytes.Values.Sum(), AllMax, $"{each}; {events:N0} events"),
        ];
    }

    private static RowResult Result(string what, double bytes, double most, string note)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        const double Sent = EventLines.LineBytes - 1;
        return new RowResult("P12", $"disk of a landed event, {what}")
        {
            Naru = string.Create(culture, $"{bytes:F0} B"),
            Peer = string.Create(culture, $"{Sent:F0} B of JSON"),
            Ratio = string.Create(culture, $"{bytes / Sent:F2}"),
            Target = string.Create(culture, $"<= {most:F2}"),
            Met = bytes / Sent <= most,
            Note = note,
        };
    }
}
