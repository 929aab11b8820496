using System.Globalization;

namespace Naru.Tests.Aggregates;

/// <summary>
/// H7: queries over generated streams against a naive model: disorder, duplicates, idleness, lateness, broken events,
/// clocks that lie, the process killed at any step, and another partition count.
/// </summary>
public class AggregateModelTests(ITestOutputHelper output)
{
    private const int Cases = 1_000;
    private const int CasesLong = 60_000;

    private static readonly WindowCase[] Windows =
    [
        new("tumble", "INTERVAL '10 seconds'"),
        new("tumble", "INTERVAL '1 day'"),
        new("hop", "INTERVAL '5 seconds', INTERVAL '20 seconds'"),
        new("hop", "INTERVAL '10 seconds', INTERVAL '25 seconds'"),
        new("session", "INTERVAL '7 seconds'"),
    ];

    private static readonly HeaderCase[] Headers = [new(3600, 5), new(0, 0), new(5, 0), new(20, 5)];

    private static readonly string[] Zones = ["Asia/Seoul", "UTC", "America/New_York", "Asia/Kathmandu"];

    [Fact]
    [Trait("Size", "Slow")]
    public void Stream_says_what_a_naive_model_says() => Check(Cases);

    [Fact]
    [Trait("Size", "Long")]
    public void Stream_says_what_a_naive_model_says_all_night() => Check(
        int.TryParse(Environment.GetEnvironmentVariable("NARU_CASES"), CultureInfo.InvariantCulture, out int some)
            ? some : CasesLong);

    private void Check(int count)
    {
        Random seeds = TestSeed.Random(out int seed);
        int sessionCases = 0;
        int spilledCases = 0;
        for (int i = 0; i < count; i++)
        {
            int own = seeds.Next();
            ModelCase made = Make(new Random(own));
            if (Try(made, out bool spilled) is not null)
            {
                ModelCase small = Shrink(made);
                Assert.Fail($"NARU_SEED={seed}, case {i}\n{small}\n{Try(small, out _)}");
            }

            sessionCases += made.Window.Function == "session" ? 1 : 0;
            spilledCases += spilled ? 1 : 0;
        }

        output.WriteLine($"{spilledCases} of {sessionCases} cases with sessions spilled some");
        Assert.True(spilledCases > sessionCases / 4, "few cases spill sessions");
    }

    private static string? Try(ModelCase made, out bool spilled)
    {
        spilled = false;
        try
        {
            (string? differs, spilled) = ModelCaseRun.Differs(made);
            return differs;
        }
        catch (Exception exception) when (exception is not OutOfMemoryException)
        {
            return exception.ToString();
        }
    }

    /// <summary>Takes out steps, many at once first, and then events, as long as the case still fails.</summary>
    private static ModelCase Shrink(ModelCase failing)
    {
        for (int size = Math.Max(1, failing.Steps.Length / 2); size >= 1; size /= 2)
        {
            for (int at = 0; at < failing.Steps.Length;)
            {
                // Time goes by as it did: events were made for it.
                int end = Math.Min(at + size, failing.Steps.Length);
                ModelStep[] waits = [.. failing.Steps[at..end].Where(static step => step is ModelStep.Wait)];
                ModelCase smaller = failing with
                {
                    Steps = [.. failing.Steps[..at], .. waits, .. failing.Steps[end..]],
                };
                bool kept = waits.Length == end - at || Try(smaller, out _) is null;
                (failing, at) = kept ? (failing, end) : (smaller, at + waits.Length);
            }
        }

        for (int step = 0; step < failing.Steps.Length; step++)
        {
            int at = 0;
            while (failing.Steps[step] is ModelStep.Send { Events.Length: > 1 } send && at < send.Events.Length)
            {
                ModelStep[] steps = [.. failing.Steps];
                steps[step] = send with { Events = [.. send.Events[..at], .. send.Events[(at + 1)..]] };
                ModelCase smaller = failing with { Steps = steps };
                (failing, at) = Try(smaller, out _) is not null ? (smaller, at) : (failing, at + 1);
            }
        }

        return failing;
    }

    private static ModelCase Make(Random random)
    {
        ModelQuery query = Pick(random, AggregateModel.Queries);

        // Of two logs, each has a watermark of its own.
        bool exact = !query.ReadsViews && random.Next(3) == 0;
        WindowCase window = Pick(random, Windows);

        // Of sessions there are few at a time.
        long[] memory = window.Function == "session" ? [1, 8 << 10, 512 << 20] : [1, 8 << 10, 64 << 10, 512 << 20];
        ModelCase made = new(
            query, window, Pick(random, Headers),
            TimeZoneInfo.FindSystemTimeZoneById(Pick(random, Zones)))
        {
            Partitions = exact ? 1 : random.Next(1, 4),
            IsExact = exact,
            IsQuiet = !exact && random.Next(3) == 0,
            Memory = Pick(random, memory),
            StateFilesMax = Pick(random, 2, 64),
            Steps = [],
        };
        return made with { Steps = [.. Steps(random, made)] };
    }

    private static IEnumerable<ModelStep> Steps(Random random, ModelCase of)
    {
        // Begins near midnight in some zones, so that days end on the way.
        double clock = random.Next(3) == 0 ? 15 * 3600 - 60 : random.Next(86_400);
        yield return new ModelStep.Wait(clock);
        DateTimeOffset start = new(2026, 7, 1, 0, 0, 0, TimeSpan.Zero);
        List<ModelStep.Send> sent = [];
        int seq = 1;
        int spread = random.Next(1, 60);
        int steps = random.Next(5, 30);
        for (int i = 0; i < steps; i++)
        {
            double waited = random.Next(6) == 0 ? random.Next(20, 90) : random.Next(8) + 0.001;
            yield return new ModelStep.Wait(waited);
            clock += waited;
            long now = start.AddSeconds(clock).ToUnixTimeMilliseconds() * 1000;
            if (random.Next(10) < 7)
            {
                ModelStep.Send send = NewSend(random, of, now, (spread, seq));
                seq += send.Events.Length;
                if (!send.Ahead)
                {
                    // Where the receipt is the time, a copy that is read first has a time of its own.
                    sent.Add(send);
                }

                yield return send;
            }

            if (sent.Count > 0 && random.Next(8) == 0)
            {
                yield return Pick(random, sent.ToArray()) with { Partition = random.Next(3) };
            }

            foreach (ModelStep step in Others(random, of))
            {
                yield return step;
            }
        }
    }

    private static IEnumerable<ModelStep> Others(Random random, ModelCase of)
    {
        if (random.Next(12) == 0)
        {
            yield return new ModelStep.Broken(random.Next(3));
        }

        if (random.Next(10) == 0)
        {
            yield return new ModelStep.Kill();
        }

        if (of.IsExact)
        {
            yield break;
        }

        if (random.Next(2) == 0)
        {
            yield return new ModelStep.Read(random.Next(4) == 0 ? random.Next(1, 400) : 1 << 20);
        }

        if (random.Next(3) == 0)
        {
            yield return new ModelStep.Land();
        }

        switch (random.Next(14))
        {
            case 0:
                yield return new ModelStep.KillInLanding(random.Next(2) == 0);
                break;
            case 1:
                yield return new ModelStep.Rescale(random.Next(1, 5));
                break;
        }
    }

    private static ModelStep.Send NewSend(Random random, ModelCase of, long now, (int Spread, int Seq) from)
    {
        bool views = of.Query.ReadsViews && random.Next(2) == 0;
        bool ahead = random.Next(25) == 0;
        ModelEvent[] events = new ModelEvent[ahead ? 1 : random.Next(1, 6)];
        for (int i = 0; i < events.Length; i++)
        {
            int seq = from.Seq + i;
            long behind = random.Next(12) == 0 ? random.Next(200) : random.Next(from.Spread);
            long time = now - (behind * 1_000_000) - (random.Next(1000) * 1000) - 1000 + (seq % 1000);
            events[i] = new ModelEvent(seq, views, time)
            {
                Key = Maybe(random, Pick(random, "a", "b", "A", "")),
                Value = random.Next(5) == 0 ? null : random.Next(-3, 10),
                Cost = random.Next(5) == 0 ? null : (random.Next(1000) * 1000L) + (seq % 1000),
                Score = random.Next(5) == 0 ? null : random.Next(-1000, 1000) / 8.0,
                User = Maybe(random, $"u{random.Next(4)}"),
                Place = Maybe(random, Pick(random, "home", "a place with a longer name", "x")),
                Flag = random.Next(4) == 0 ? null : random.Next(2) == 0,
            };
        }

        return new ModelStep.Send(random.Next(3), views, events, ahead);
    }

    private static string? Maybe(Random random, string value) => random.Next(6) == 0 ? null : value;

    private static T Pick<T>(Random random, params T[] values) => values[random.Next(values.Length)];
}
