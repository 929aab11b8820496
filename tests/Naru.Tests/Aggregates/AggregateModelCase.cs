using System.Globalization;
using Naru.Aggregates;
using Naru.Core.Windows;
using Naru.Definitions;
using Naru.Stream.Aggregate;

namespace Naru.Tests.Aggregates;

/// <summary>What a case does, one step after the other. Any part of a list of steps is a case too.</summary>
internal abstract record ModelStep
{
    /// <summary>Events, the first time or again.</summary>
    public sealed record Send(int Partition, bool IsView, ModelEvent[] Events, bool Ahead) : ModelStep;

    public sealed record Broken(int Partition) : ModelStep;

    public sealed record Wait(double Seconds) : ModelStep;

    public sealed record Read(int Bytes) : ModelStep;

    public sealed record Land : ModelStep;

    public sealed record Kill : ModelStep;

    public sealed record KillInLanding(bool Recorded) : ModelStep;

    public sealed record Rescale(int Partitions) : ModelStep;
}

/// <summary>One generated case: a query over windows, and a stream with disorder, duplicates, idleness and crashes.
/// </summary>
internal sealed record ModelCase(ModelQuery Query, WindowCase Window, HeaderCase Header, TimeZoneInfo Zone)
{
    public required int Partitions { get; init; }

    /// <summary>One partition, landed after every send: then the model knows each watermark.</summary>
    public required bool IsExact { get; init; }

    /// <summary>Windows of a quiet stream are closed by the clock.</summary>
    public required bool IsQuiet { get; init; }

    /// <summary>For partial results, in bytes: with 1 all of them are spilled by each landing.</summary>
    public required long Memory { get; init; }

    /// <summary>With so many a landing writes the whole state.</summary>
    public required int StateFilesMax { get; init; }

    public required ModelStep[] Steps { get; init; }

    public override string ToString() =>
        $"{Query.Name} {Window.Sql} {Header} {Zone.Id} exact={IsExact} quiet={IsQuiet} partitions={Partitions} "
        + $"memory={Memory} files={StateFilesMax}\n"
        + string.Join('\n', Steps.Select(Describe));

    private static string Describe(ModelStep step) => step is ModelStep.Send send
        ? $"Send to {send.Partition}{(send.IsView ? " views" : "")}{(send.Ahead ? " ahead" : "")}: "
            + string.Join("; ", send.Events.Select(static row => row.ToString()))
        : step.ToString()!;
}

internal sealed record WindowCase(string Function, string Sizes)
{
    public string Sql => $"{Function}({Sizes})";
}

internal sealed record HeaderCase(int LatenessSeconds, int DisorderSeconds);

/// <summary>Runs a case in the stream and holds its table against the model.</summary>
internal sealed class ModelCaseRun : IDisposable
{
    private const string Fields = """
        fields:
          k: {type: string}
          v: {type: int32}
          c: {type: "decimal(18,6)"}
          d: {type: double}
          u: {type: string, sensitive: true}
          p: {type: string}
          s: {type: string, required: true}
          b: {type: boolean}
        """;

    private const string Name = "model";
    private const long FutureMax = 600_000_000;

    private static readonly Dictionary<string, AggregatePlan> Plans = [];

    private readonly ModelCase _case;
    private readonly AggregateRun _run;
    private readonly LogDefinition _click;
    private readonly LogDefinition _view;
    private readonly AggregatePlan _plan;
    private readonly Dictionary<int, (ModelEvent Row, Func<long, bool> Takes)> _known = [];
    private long _watermark = long.MinValue;
    private long _latest = long.MinValue;
    private int _missed;
    private bool _spilled;

    private ModelCaseRun(ModelCase of)
    {
        _case = of;
        _run = new AggregateRun(of.Zone, 1)
        {
            AggregateMemory = of.Memory,
            StateFilesMax = of.StateFilesMax,
        };
        string past = of.IsQuiet ? "7d" : "unlimited";
        _click = _run.Publish($"log: m.click\ndescription: A tap.\nowner: m\n{Fields}\nmax_past: {past}");
        _view = _run.Publish($"log: m.view\ndescription: A view.\nowner: m\n{Fields}\nmax_past: {past}");
        _plan = PlanOf(of, _click, _view);
        _run.Open(of.Partitions, _plan);
    }

    /// <summary>What differs, or null; and whether sessions waited on disk meanwhile, open or closed.</summary>
    public static (string? Text, bool Spilled) Differs(ModelCase of)
    {
        using ModelCaseRun run = new(of);
        return (run.Differs(), run._spilled);
    }

    public void Dispose() => _run.Dispose();

    private string? Differs()
    {
        foreach (ModelStep step in _case.Steps)
        {
            Do(step);
            _spilled |= _run.Aggregate(Name).Landed.Spilled?.Count > 0;
        }

        _run.Flush(Name);
        RunningAggregate running = _run.Aggregate(Name);
        SortedSet<string> found = Lines(_run.Rows(Name));
        if (_run.Rows(Name).Count != found.Count)
        {
            return "a row is there twice";
        }

        bool counted = _case.IsExact && _plan.Window.Kind != WindowKind.Session;
        if (counted && running.Late != _missed)
        {
            return $"{running.Late} events are late, not {_missed}";
        }

        if (!counted && running.Late == 0 && running.Queue.IsEmpty != (running.Late == 0))
        {
            return "nothing is late, but windows are queued";
        }

        SortedSet<string> expected = Lines(AggregateModel.Rows(_case.Query, _plan.Window, _case.Zone, _known.Values));
        if (!counted && running.Late > 0)
        {
            // Windows that miss an event are queued for recomputation; the others are as if nothing had been late.
            found.RemoveWhere(line => IsQueued(running, line));
            expected.RemoveWhere(line => IsQueued(running, line));
        }

        return found.SetEquals(expected) ? null
            : $"missing:\n{string.Join('\n', expected.Except(found))}\nnot expected:\n"
                + string.Join('\n', found.Except(expected));
    }

    private void Do(ModelStep step)
    {
        switch (step)
        {
            case ModelStep.Send send:
                Send(send);
                break;
            case ModelStep.Broken broken:
                _run.Append(_click, broken.Partition, "{\"s\": broken", """{"k": "no s"}""");
                break;
            case ModelStep.Wait wait:
                _run.Clock.Advance(TimeSpan.FromSeconds(wait.Seconds));
                break;
            case ModelStep.Read read:
                _run.ReadSome(read.Bytes);
                break;
            case ModelStep.Land:
                _run.Land();
                break;
            case ModelStep.Kill:
                _run.Kill();
                break;
            case ModelStep.KillInLanding kill:
                _run.KillInLanding(kill.Recorded);
                break;
            case ModelStep.Rescale rescale:
                _run.Rescale(rescale.Partitions);
                break;
        }
    }

    private void Send(ModelStep.Send send)
    {
        long now = _run.NowMicroseconds;
        List<string> lines = [];
        foreach (ModelEvent sent in send.Events)
        {
            // A clock years ahead, or steps that a smaller case left out: the time of receipt is used.
            bool outOfBounds = send.Ahead || sent.Time - now > FutureMax;
            ModelEvent row = outOfBounds ? sent with { Time = now } : sent;
            lines.Add(Json(sent, send.Ahead));
            if ((_case.Query.ReadsViews || !row.IsView) && !_known.ContainsKey(row.Seq))
            {
                Take(row);
                _latest = outOfBounds ? _latest : Math.Max(_latest, Math.Min(row.Time, now));
            }
        }

        _run.Append(send.IsView ? _view : _click, send.Partition, [.. lines]);
        if (_case.IsExact)
        {
            _run.ReadAll();
            _run.Land();
            if (_latest > long.MinValue)
            {
                _watermark = Math.Max(_watermark, _latest - (_case.Header.DisorderSeconds * 1_000_000L));
            }
        }
    }

    private void Take(ModelEvent row)
    {
        long limit = _watermark == long.MinValue || !_case.IsExact
            ? long.MinValue : _watermark - (_case.Header.LatenessSeconds * 1_000_000L);
        _known.Add(row.Seq, (row, end => end > limit));
        if (_plan.Window.Kind != WindowKind.Session && _case.Query.Passes(row)
            && AggregateModel.WindowsOf(_plan.Window, row.Time, _case.Zone).Any(window => window.End <= limit))
        {
            _missed++;
        }
    }

    private bool IsQueued(RunningAggregate running, string line)
    {
        string[] cells = line.Split('\t');
        long start = long.Parse(cells[0], CultureInfo.InvariantCulture);
        long end = long.Parse(cells[1], CultureInfo.InvariantCulture);
        long reach = _plan.Window.Kind == WindowKind.Session ? _plan.Window.Size : 0;
        return running.Queue.Any(range => _plan.Window.Kind == WindowKind.Session
            ? range.From <= end + reach && range.To >= start - reach
            : range.From <= start && start < range.To);
    }

    private static SortedSet<string> Lines(List<string?[]> rows) => new(
        rows.Select(static row => string.Join('\t', row.Select(static cell => cell ?? "(null)"))),
        StringComparer.Ordinal);

    private static string Json(ModelEvent row, bool ahead)
    {
        List<string> members = [];
        void Add(string name, object? value)
        {
            if (value is not null)
            {
                members.Add($"\"{name}\":{Convert.ToString(value, CultureInfo.InvariantCulture)}");
            }
        }

        DateTimeOffset time = DateTimeOffset.UnixEpoch.AddTicks(row.Time * 10).AddYears(ahead ? 10 : 0);
        Add("event_id", $"\"{row.Seq}\"");
        Add("event_time", $"\"{time:yyyy-MM-ddTHH:mm:ss.ffffffZ}\"");
        Add("k", row.Key is null ? null : $"\"{row.Key}\"");
        Add("v", row.Value);
        Add("c", row.Cost is { } cost ? (cost / 1e6m).ToString(CultureInfo.InvariantCulture) : null);
        Add("d", row.Score);
        Add("u", row.User is null ? null : $"\"{row.User}\"");
        Add("p", row.Place is null ? null : $"\"{row.Place}\"");
        Add("s", $"\"{row.Seq}\"");
        Add("b", row.Flag is { } flag ? (flag ? "true" : "false") : null);
        return $"{{{string.Join(',', members)}}}";
    }

    private static AggregatePlan PlanOf(ModelCase of, LogDefinition click, LogDefinition view)
    {
        ModelQuery query = of.Query;
        string Windowed(string log) => $"{of.Window.Function}({log}, event_time, {of.Window.Sizes})";
        string from = query.ReadsViews
            ? $"(SELECT window_start, window_end, k, 1 AS view, NULL AS c, u FROM {Windowed("m.view")} UNION ALL "
                + $"SELECT window_start, window_end, k, 0, c, u FROM {Windowed("m.click")})"
            : Windowed("m.click");
        string list = string.Concat(query.Keys.Select(static key => $", {key.Sql} AS {key.Name}")
            .Concat(query.Outputs.Select(static output => $", {output.Sql} AS {output.Name}")));
        string groups = string.Concat(query.Keys.Select((_, i) => $", {i + 3}"));
        string sql = $"-- lateness: {of.Header.LatenessSeconds}s\n-- disorder: {of.Header.DisorderSeconds}s\n"
            + "-- live: 1s\n"
            + $"SELECT window_start, window_end{list} FROM {from} {query.Where} "
            + $"GROUP BY window_start, window_end{groups} {query.Having}";
        lock (Plans)
        {
            if (!Plans.TryGetValue(sql, out AggregatePlan? plan))
            {
                Plans.Add(sql, plan = AggregateRun.Compile(Name, sql, click, view));
            }

            return plan;
        }
    }
}
