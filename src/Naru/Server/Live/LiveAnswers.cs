using System.Collections.Concurrent;
using System.Collections.Immutable;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Core.Windows;
using Naru.Lake.Columns;
using Naru.Stream.Aggregate;

namespace Naru.Server.Live;

/// <summary>A whole answer, and where its rows stand in it.</summary>
internal sealed record LivePicture(LiveStatus Status, ReadOnlyMemory<byte> Json, ImmutableArray<LiveJsonRow> Rows);

/// <summary>
/// Answers questions about live windows. All keys given: a look-up in the view and the writing of its rows, for each
/// request anew. Everything else (rankings, ranges) is computed once for all who ask the same, in the background, at
/// most once a second while somebody asks; the answer that is there is given meanwhile.
/// </summary>
internal sealed class LiveAnswers : IDisposable
{
    private const int AnswersMax = 256;
    private const int WritersMax = 64;

    private static readonly TimeSpan FreshFor = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan UsableFor = TimeSpan.FromSeconds(3);

    private readonly ILiveAggregates _live;
    private readonly TimeProvider _time;
    private readonly LiveOutput _output;
    private readonly LiveViews _views;
    private readonly ConcurrentBag<LiveJson> _writers = [];
    private readonly ConcurrentDictionary<string, Answer> _answers = new(StringComparer.Ordinal);

    /// <summary>Of rows by the million one reader at a time: the other cores are for requests.</summary>
    private readonly SemaphoreSlim _turns = new(Math.Max(1, Environment.ProcessorCount / 2));

    public LiveAnswers(ILiveAggregates live, TimeProvider time, ProjectZone zone)
    {
        _live = live;
        _time = time;
        Zone = zone;
        _output = new LiveOutput(zone);
        _views = new LiveViews(live, _output, time);
    }

    /// <summary>The project's.</summary>
    public ProjectZone Zone { get; }

    /// <summary>Unix microseconds.</summary>
    public long Now => _time.GetUtcNow().ToUnixTimeMilliseconds() * 1000;

    /// <summary>The plan of a running aggregate, or null.</summary>
    public AggregatePlan? FindPlan(string name) => _live.Find(name)?.Plan;

    public LiveJson RentWriter() => _writers.TryTake(out LiveJson? writer) ? writer : new LiveJson(Zone.Zone);

    public void ReturnWriter(LiveJson writer)
    {
        if (_writers.Count < WritersMax)
        {
            _writers.Add(writer);
        }
    }

    /// <summary>
    /// Writes the windows of one key; false where the aggregate is no more.
    /// </summary>
    public async ValueTask<bool> WriteOneAsync(
        LiveQuestion question, LiveJson writer, CancellationToken cancellationToken)
    {
        if (await _views.RentAsync(question.Plan, cancellationToken).ConfigureAwait(false) is not { } view)
        {
            return false;
        }

        try
        {
            WriteOne(question, view, writer);
            return true;
        }
        finally
        {
            view.Return();
        }
    }

    /// <summary>The answer to any other question; null where the aggregate is no more.</summary>
    public async ValueTask<LivePicture?> AnswerAsync(LiveQuestion question, CancellationToken cancellationToken)
    {
        string name = question.CacheName;
        if (_answers.Count >= AnswersMax && !_answers.ContainsKey(name))
        {
            DropOldest();
        }

        Answer answer = _answers.GetOrAdd(name, static _ => new Answer());
        (LivePicture? picture, long at) = answer.Given;
        TimeSpan age = picture is null ? TimeSpan.MaxValue : _time.GetElapsedTime(at);
        if (age <= FreshFor)
        {
            return picture;
        }

        Task computing = Compute(question, answer);
        if (age > UsableFor)
        {
            await computing.WaitAsync(cancellationToken).ConfigureAwait(false);
            (picture, _) = answer.Given;
        }

        return picture;
    }

    /// <summary>Computes an answer now, whatever is there.</summary>
    public async Task<LivePicture?> ComputeAsync(LiveQuestion question, CancellationToken cancellationToken)
    {
        await _turns.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (question.Top > 0)
            {
                return await LiveThread.RunAsync(() => Rank(question)).ConfigureAwait(false);
            }

            LiveView? view = await _views.RentAsync(question.Plan, cancellationToken).ConfigureAwait(false);
            return view is null ? null
                : await LiveThread.RunAsync(() => Scan(question, view)).ConfigureAwait(false);
        }
        finally
        {
            _turns.Release();
        }
    }

    public void Dispose()
    {
        _views.Dispose();
        _output.Dispose();
        _turns.Dispose();
    }

    private void WriteOne(LiveQuestion question, LiveView view, LiveJson writer)
    {
        (long from, long to) = question.RangeAt(view.Status.Watermark);
        byte[][] forms =
        [
            .. question.Keys.OrderBy(key => question.Plan.Outputs[key.Output].Base).Select(static key => key.Form),
        ];
        List<int> rows = [];
        writer.Begin(view.Status, question, Now);
        int count = 0;
        foreach (LiveViewBlock block in view.Blocks)
        {
            if (count >= question.Limit || !MayHold(question.Plan, block, from, to))
            {
                continue;
            }

            rows.Clear();
            block.Index.Find(forms, rows);
            foreach (int row in rows)
            {
                if (IsWithin(question.Plan, block.Rows, row, (from, to)) && count++ < question.Limit)
                {
                    writer.Row(block.Rows, row, view.StateOf(block, row), withId: false);
                }
            }
        }

        writer.End(count > question.Limit);
    }

    private LivePicture Scan(LiveQuestion question, LiveView view)
    {
        LiveJson writer = RentWriter();
        try
        {
            return Scan(question, view, writer);
        }
        finally
        {
            view.Return();
            ReturnWriter(writer);
        }
    }

    private LivePicture Scan(LiveQuestion question, LiveView view, LiveJson writer)
    {
        (long from, long to) = question.RangeAt(view.Status.Watermark);
        List<(LiveViewBlock Block, int Row)> found = [];
        bool isTruncated = false;

        // The newest windows are those that matter where there are too many rows.
        foreach (LiveViewBlock block in view.Blocks.Reverse())
        {
            for (int row = block.Rows.RowCount - 1; row >= 0 && !isTruncated; row--)
            {
                if (MayHold(question.Plan, block, from, to)
                    && IsWithin(question.Plan, block.Rows, row, (from, to)) && HasKeys(question, block.Rows, row))
                {
                    isTruncated = found.Count == question.Limit;
                    if (!isTruncated)
                    {
                        found.Add((block, row));
                    }
                }
            }
        }

        found.Reverse();
        writer.Begin(view.Status, question, Now);
        ImmutableArray<LiveJsonRow> rows =
            [
                .. found.Select(each => writer.Row(
                    each.Block.Rows, each.Row, view.StateOf(each.Block, each.Row), withId: true)),
            ];
        writer.End(isTruncated);
        return new LivePicture(view.Status, writer.Written.ToArray(), rows);
    }

    private LivePicture? Rank(LiveQuestion question)
    {
        AggregatePlan plan = question.Plan;
        if (_live.Find(plan.Name) is not { } head)
        {
            return null;
        }

        (long from, long to) = RangeOfRanking(question, head.Watermark);
        LiveRead read = new(plan.Name, from, to) { IsMerged = question.IsMerged };
        using LiveRows? rows = _live.Read(read);

        // The names of a question's columns are those of its own version.
        if (rows is null || rows.Status.Plan.Fingerprint != plan.Fingerprint)
        {
            return null;
        }

        IEnumerable<int> all = Enumerable.Range(0, rows.Rows.RowCount);
        int[] chosen = question.Keys.IsEmpty ? [.. all]
            : [.. all.Where(row => question.Keys.All(key =>
                LiveKeys.Is(rows.Rows.Columns[plan.Outputs[key.Output].Base], row, key.Form)))];
        string direction = question.IsAscending ? "ASC" : "DESC";
        string ties = string.Concat(Enumerable.Range(0, plan.Outputs.Length)
            .Where(i => plan.Outputs[i].Base >= 0 && plan.Outputs[i].Base < 2 + plan.Keys.Length)
            .Select(static i => $", {LiveOutput.NameOf(i)}"));
        string shape = FormattableString.Invariant(
            $" ORDER BY {LiveOutput.NameOf(question.By)} {direction} NULLS LAST{ties} LIMIT {question.Top}");
        using ColumnBatch top = _output.Run(plan, rows.Rows, chosen, shape);
        LiveJson writer = RentWriter();
        writer.Begin(rows.Status, question, Now);
        ImmutableArray<LiveJsonRow> written =
            [.. Enumerable.Range(0, top.RowCount).Select(row => writer.Row(top, row, null, withId: true))];
        writer.End(isTruncated: false);
        LivePicture picture = new(rows.Status, writer.Written.ToArray(), written);
        ReturnWriter(writer);
        return picture;
    }

    /// <summary>Of windows that overlap, where none are named, the newest that is whole is ranked.</summary>
    private static (long From, long To) RangeOfRanking(LiveQuestion question, long watermark)
    {
        WindowSpec window = question.Plan.Window;
        bool isOpen = question is { From: long.MinValue, To: long.MaxValue, Last: null };
        if (!isOpen || window.Kind != WindowKind.Hop || watermark == long.MinValue)
        {
            return question.RangeAt(watermark);
        }

        long unit = window.IsDays ? ProjectZone.DayMicroseconds : 1;
        long last = watermark - (window.Size * unit);
        return (last - (window.Slide * unit) + 1, last + 1);
    }

    private static bool MayHold(AggregatePlan plan, LiveViewBlock block, long from, long to) =>
        plan.Window.Kind == WindowKind.Session || (block.Block.Id >= from && block.Block.Id < to);

    private static bool IsWithin(AggregatePlan plan, ColumnBatch rows, int row, (long From, long To) range)
    {
        if (plan.Window.Kind != WindowKind.Session)
        {
            return true;
        }

        for (int i = 0; i < plan.Outputs.Length; i++)
        {
            if (plan.Outputs[i].Base == 0)
            {
                long start = rows.Columns[i].ValueAt<long>(row);
                return start >= range.From && start < range.To;
            }
        }

        return true;
    }

    private static bool HasKeys(LiveQuestion question, ColumnBatch rows, int row) =>
        question.Keys.All(key => LiveKeys.Is(rows.Columns[key.Output], row, key.Form));

    private Task Compute(LiveQuestion question, Answer answer)
    {
        lock (answer)
        {
            return answer.Computing is { IsCompleted: false } running
                ? running
                : answer.Computing = Task.Run(() => ComputeAsync(question, answer));
        }
    }

    private async Task ComputeAsync(LiveQuestion question, Answer answer)
    {
        LivePicture? picture = await ComputeAsync(question, CancellationToken.None).ConfigureAwait(false);
        if (picture is not null || _live.Find(question.Plan.Name)?.Plan.Fingerprint != question.Plan.Fingerprint)
        {
            answer.Given = (picture, _time.GetTimestamp());
        }
    }

    private void DropOldest()
    {
        foreach (string name in _answers.OrderBy(static each => each.Value.Given.At).Take(AnswersMax / 4)
            .Select(static each => each.Key))
        {
            _answers.TryRemove(name, out _);
        }
    }

    private sealed class Answer
    {
        private volatile Tuple<LivePicture?, long> _given = new(null, 0);

        public (LivePicture? Picture, long At) Given
        {
            get
            {
                Tuple<LivePicture?, long> given = _given;
                return (given.Item1, given.Item2);
            }

            set => _given = new(value.Picture, value.At);
        }

        public Task? Computing { get; set; }
    }
}
