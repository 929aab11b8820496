using System.Collections.Immutable;
using System.Globalization;
using Microsoft.AspNetCore.Http;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Core.Text;
using Naru.Core.Windows;
using Naru.Lake.Columns;

namespace Naru.Server.Live;

/// <summary>One condition on a key: the position of the output that it is, and the value's form.</summary>
internal readonly record struct LiveKey(int Output, byte[] Form);

/// <summary>
/// What is asked of an aggregate's live windows: the parameters of `GET /v1/aggregates/{name}`, understood.
/// </summary>
internal sealed record LiveQuestion
{
    public const int LimitDefault = 1_000;
    public const int LimitMax = 100_000;

    public required AggregatePlan Plan { get; init; }

    public ImmutableArray<LiveKey> Keys { get; init; } = [];

    /// <summary>Window starts in Unix microseconds, inclusive and exclusive.</summary>
    public long From { get; init; } = long.MinValue;

    public long To { get; init; } = long.MaxValue;

    /// <summary>Only windows that began within so long before the watermark, or after it.</summary>
    public TimeSpan? Last { get; init; }

    /// <summary>So many rows, by an output; 0 for all of them by time.</summary>
    public int Top { get; init; }

    /// <summary>Position of the output that rows are ranked by.</summary>
    public int By { get; init; }

    public bool IsAscending { get; init; }

    public int Limit { get; init; } = LimitDefault;

    /// <summary>Of tumbling windows the keys are ranked over the whole range, else rows.</summary>
    public bool IsMerged => Top > 0 && Plan.Window.Kind == WindowKind.Tumble;

    /// <summary>All keys are given: no more than a look-up.</summary>
    public bool IsOneKey => Top == 0 && Keys.Length > 0
        && Plan.Keys.Length == Keys.Select(key => Plan.Outputs[key.Output].Base).Distinct().Count()
        && Keys.Length == Plan.Keys.Length;

    /// <summary>Questions of one name have one answer.</summary>
    public string CacheName => string.Create(
        CultureInfo.InvariantCulture,
        $"{Plan.Name}|{Plan.Fingerprint}|{From}|{To}|{Last?.Ticks}|{Top}|{By}|{IsAscending}|{Limit}|")
        + string.Join('|', Keys.Select(static key => $"{key.Output}={Convert.ToHexString(key.Form)}"));

    /// <summary>The range of window starts, in Unix microseconds, half open.</summary>
    public (long From, long To) RangeAt(long watermark)
    {
        if (Last is not { } last || watermark == long.MinValue)
        {
            return (From, To);
        }

        return (Math.Max(From, watermark - (last.Ticks / TimeSpan.TicksPerMicrosecond) + 1), To);
    }
}

/// <summary>Reads the parameters; what is wrong is told with a hint, nothing is guessed.</summary>
internal sealed class LiveQuestionReader(AggregatePlan plan, ProjectZone zone)
{
    private const string KeyPrefix = "key.";

    private static readonly ImmutableArray<string> Known = ["from", "to", "last", "top", "by", "order", "limit"];

    private readonly string[] _keyNames =
        [.. plan.Outputs.Where(output => IsKey(plan, output)).Select(static output => output.Name)];

    private (string Message, string Hint)? _mistake;

    /// <summary>The question, or null and what is wrong with it.</summary>
    public LiveQuestion? Read(IQueryCollection query, out (string Message, string Hint) mistake)
    {
        LiveQuestion question = new() { Plan = plan };
        foreach ((string name, var values) in query)
        {
            if (values is not [{ } value])
            {
                Fail($"`{name}` is given {values.Count} times", "give it once");
            }
            else
            {
                question = name.StartsWith(KeyPrefix, StringComparison.Ordinal)
                    ? WithKey(question, name[KeyPrefix.Length..], value)
                    : With(question, name, value);
            }
        }

        if (question.Top == 0 && (query.ContainsKey("by") || query.ContainsKey("order")))
        {
            Fail("`by` and `order` rank rows and `top` is missing", "write &top=100");
        }

        question = question with { By = question.Top > 0 && !query.ContainsKey("by") ? FirstMeasure() : question.By };
        mistake = _mistake ?? default;
        return _mistake is null ? question : null;
    }

    private static bool IsKey(AggregatePlan plan, AggregateOutput output) =>
        output.Base >= 2 && output.Base < 2 + plan.Keys.Length;

    private LiveQuestion With(LiveQuestion question, string name, string value)
    {
        switch (name)
        {
            case "from":
                return question with { From = Time(name, value) };
            case "to":
                return question with { To = Time(name, value) };
            case "last" when DurationText.TryParse(value, out TimeSpan last) && last > TimeSpan.Zero:
                return question with { Last = last };
            case "last":
                return Fail(question, $"`last` is \"{value}\", which is no duration", "write it as last=5m");
            case "top":
                return question with { Top = Number(name, value) };
            case "limit":
                return question with { Limit = Number(name, value) };
            case "by":
                return question with { By = Output(value) };
            case "order" when value is "asc" or "desc":
                return question with { IsAscending = value == "asc" };
            case "order":
                return Fail(question, $"`order` is \"{value}\"", "write order=desc (the default) or order=asc");
            default:
                string? nearest = NearestName.Find(name, Known);
                return Fail(
                    question,
                    $"there is no parameter `{name}`",
                    nearest is not null ? $"did you mean {nearest}?"
                        : _keyNames.Contains(name) ? $"write {KeyPrefix}{name}=…"
                        : $"there are {string.Join(", ", Known)} and {KeyPrefix}NAME");
        }
    }

    private LiveQuestion WithKey(LiveQuestion question, string name, string value)
    {
        int output = Array.FindIndex(
            [.. plan.Outputs], each => IsKey(plan, each) && string.Equals(each.Name, name, StringComparison.Ordinal));
        if (output < 0)
        {
            string? nearest = NearestName.Find(name, _keyNames);
            return Fail(
                question,
                $"`{name}` is no key of {plan.Name}",
                nearest is not null ? $"did you mean {KeyPrefix}{nearest}?"
                    : _keyNames.Length == 0 ? "it selects none"
                    : $"its keys: {string.Join(", ", _keyNames)}");
        }

        ColumnType type = plan.Outputs[output].Type;
        return LiveKeys.Parse(type, value, zone) is { } form
            ? question with { Keys = question.Keys.Add(new LiveKey(output, form)) }
            : Fail(
                question,
                $"`{KeyPrefix}{name}` is \"{value}\", which is no {type.Sql}",
                "write the value as SQL shows it, without quotes");
    }

    private int Output(string name)
    {
        string[] names = [.. plan.Outputs.Select(static output => output.Name)];
        int output = Array.IndexOf(names, name);
        if (output < 0)
        {
            string? nearest = NearestName.Find(name, names);
            Fail(
                $"`by` names no column \"{name}\" of {plan.Name}",
                nearest is null ? $"its columns: {string.Join(", ", names)}" : $"did you mean {nearest}?");
        }

        return Math.Max(0, output);
    }

    /// <summary>What ranks rows where nothing is said: the first column that is neither window nor key.</summary>
    private int FirstMeasure()
    {
        int keys = 2 + plan.Keys.Length;
        return Math.Max(0, Array.FindIndex([.. plan.Outputs], output => output.Base < 0 || output.Base >= keys));
    }

    private long Time(string name, string value)
    {
        if (!TimeParameter.TryRead(value, zone, out long time))
        {
            Fail($"`{name}` is \"{value}\", which is no time", TimeParameter.Hint);
        }

        return time;
    }

    private int Number(string name, string value)
    {
        bool parsed = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out int number);
        if (!parsed || number is < 1 or > LiveQuestion.LimitMax)
        {
            Fail($"`{name}` is \"{value}\"", $"write a number from 1 to {LiveQuestion.LimitMax}");
        }

        return number;
    }

    private LiveQuestion Fail(LiveQuestion question, string message, string hint)
    {
        Fail(message, hint);
        return question;
    }

    private void Fail(string message, string hint) => _mistake ??= (message, hint);
}
