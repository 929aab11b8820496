using System.Collections.Immutable;
using System.Globalization;
using Naru.Configuration;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Watch.Alerts;

/// <summary>Reads one file of `alerts/` (reference: docs/definitions.md, Alerts).</summary>
internal sealed class AlertFile
{
    public const string Extension = ".yaml";

    /// <summary>Keys of every kind, then those of each.</summary>
    public static readonly ImmutableArray<string> CommonKeys =
        ["alert", "kind", "description", "severity", "for", "webhook"];

    public static readonly ImmutableDictionary<string, ImmutableArray<string>> KindKeys =
        ImmutableDictionary<string, ImmutableArray<string>>.Empty
            .Add("invalid_rate", ["log", "above", "window", "at_least"])
            .Add("silence", ["log", "after"])
            .Add("lag", ["above"])
            .Add("disk", ["below"])
            .Add("aggregate_difference", [])
            .Add("aggregate_lag", ["above"])
            .Add("query",
            [
                "owner", "sql", "query", "column", "over", "condition", "value", "every", "cron", "rearm", "pool",
            ]);

    private static readonly string[] KindNames =
        ["invalid_rate", "silence", "lag", "disk", "aggregate_difference", "aggregate_lag", "query"];

    private static readonly TimeSpan WindowMax = TimeSpan.FromHours(24);

    private readonly YamlReader _reader;
    private readonly string _kind;
    private readonly IReadOnlyCollection<string> _logs;

    private AlertFile(YamlReader reader, string kind, IReadOnlyCollection<string> logs)
    {
        _reader = reader;
        _kind = kind;
        _logs = logs;
    }

    /// <summary>Null when anything in the file is wrong; every mistake is noted.</summary>
    /// <param name="file">Path as the user knows it, `alerts/rejects.yaml`.</param>
    /// <param name="utf8">The file's bytes.</param>
    /// <param name="logs">Names of the project's logs.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static AlertDefinition? Read(
        string file, ReadOnlySpan<byte> utf8, IReadOnlyCollection<string> logs, MistakeList mistakes)
    {
        int before = mistakes.Count;
        YamlMapping? root = YamlText.Parse(file, utf8, mistakes);
        if (root is null)
        {
            return null;
        }

        // The kind first: it decides which keys there are.
        ImmutableArray<string> all = [.. CommonKeys, .. KindKeys.Values.SelectMany(static keys => keys).Distinct()];
        YamlReader probe = new(file, root, all, "the alert", mistakes);
        string? kind = probe.RequiredText("kind", $"write one of {string.Join(", ", KindNames)}");
        if (kind is null || !KindKeys.TryGetValue(kind, out ImmutableArray<string> own))
        {
            if (kind is not null)
            {
                string? nearest = NearestName.Find(kind, KindNames);
                probe.Mistake(
                    probe.Find("kind")!,
                    $"there is no kind of alert '{kind}'",
                    nearest is null ? $"kinds: {string.Join(", ", KindNames)}" : $"did you mean '{nearest}'?");
            }

            return null;
        }

        YamlReader reader = new(file, root, [.. CommonKeys, .. own], $"the alert of kind {kind}", mistakes);
        AlertDefinition alert = new AlertFile(reader, kind, logs).Alert();
        reader.End();
        return mistakes.Count == before ? alert : null;
    }

    private AlertDefinition Alert()
    {
        AlertDefinition alert = new()
        {
            Name = Name(),
            Kind = _kind switch
            {
                "invalid_rate" => AlertKind.InvalidRate,
                "silence" => AlertKind.Silence,
                "lag" => AlertKind.Lag,
                "aggregate_difference" => AlertKind.AggregateDifference,
                "aggregate_lag" => AlertKind.AggregateLag,
                "query" => AlertKind.Query,
                _ => AlertKind.Disk,
            },
            Description = _reader.Text("description") ?? "",
            Critical = _reader.Word("severity", "warning", "critical") == "critical",
            For = _reader.Duration("for", unlimited: false).Value ?? TimeSpan.Zero,
            Webhook = Webhook(),
        };
        return alert.Kind switch
        {
            AlertKind.InvalidRate => WithRate(alert),
            AlertKind.Silence => alert with { Logs = Logs(), AboveAge = Age("after") },
            AlertKind.Lag or AlertKind.AggregateLag => alert with { AboveAge = Age("above") },
            AlertKind.AggregateDifference => alert,
            AlertKind.Query => alert with { Query = new AlertQueryReader(_reader).Read() },
            _ => WithDisk(alert),
        };
    }

    private string Name()
    {
        string stem = Path.GetFileNameWithoutExtension(_reader.File);
        string? name = _reader.RequiredText("alert", $"write 'alert: {stem}'");
        if (name is null)
        {
            return "";
        }

        if (LogNames.Fault(name) is { } fault)
        {
            string mend = LogNames.Mended(name) is { } mended ? $"write '{mended}'" : "use lower-case letters";
            _reader.Mistake(_reader.Find("alert")!, $"the alert's name '{name}' {fault}", mend);
        }
        else if (name != stem)
        {
            _reader.Mistake(
                _reader.Find("alert")!,
                $"the alert '{name}' is in a file named '{stem}{Extension}'",
                $"name the file '{name}{Extension}'");
        }

        return name;
    }

    private string? Webhook()
    {
        YamlScalar? webhook = _reader.Scalar("webhook", "env:NAME or file:PATH");
        if (webhook is not null && SecretReference.Fault(webhook.Text) is { } fault)
        {
            _reader.Mistake(webhook, $"'webhook' of the alert: {fault}", SecretReference.Hint);
            return null;
        }

        return webhook?.Text;
    }

    private string Logs()
    {
        if (_reader.Scalar("log", "a log, 'kr_shop.*' or '*'") is not { } scalar)
        {
            return "*";
        }

        AlertDefinition probe = new() { Name = "", Kind = AlertKind.Silence, Logs = scalar.Text };
        if (scalar.Text != "*" && !_logs.Any(probe.Concerns))
        {
            string? nearest = NearestName.Find(scalar.Text, _logs);
            _reader.Mistake(
                scalar,
                $"there is no log '{scalar.Text}'",
                nearest is null ? "write a log of the project, 'group.*' or '*'" : $"did you mean '{nearest}'?");
        }

        return scalar.Text;
    }

    private TimeSpan Age(string key)
    {
        if (_reader.Find(key) is null)
        {
            _reader.Mistake(_reader.Mapping, $"an alert of kind {_kind} has no '{key}'", $"write '{key}: 10m'");
            return default;
        }

        TimeSpan? age = _reader.Duration(key, unlimited: false).Value;
        if (age == TimeSpan.Zero)
        {
            _reader.Mistake(_reader.Find(key)!,
                $"'{key}' is zero: it would always fire", "write a duration such as 10m");
        }

        return age ?? default;
    }

    private AlertDefinition WithRate(AlertDefinition alert)
    {
        TimeSpan window = _reader.Duration("window", unlimited: false).Value ?? alert.Window;
        if (window <= TimeSpan.Zero || window > WindowMax)
        {
            string text = ((YamlScalar)_reader.Find("window")!).Text;
            _reader.Mistake(_reader.Find("window")!, $"'window' is {text}", "write one of at most 24h, such as 5m");
        }

        long least = alert.EventsMin;
        if (_reader.Scalar("at_least", "a count of events") is { } scalar
            && !(long.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out least) && least > 0))
        {
            _reader.Mistake(scalar, $"'at_least' is '{scalar.Text}'", "write a whole number above zero");
        }

        return alert with { Logs = Logs(), AboveShare = Share("above", "5%"), Window = window, EventsMin = least };
    }

    private AlertDefinition WithDisk(AlertDefinition alert)
    {
        if (_reader.Scalar("below", "a share such as 10%, or a size such as 5GB") is { } scalar
            && SizeText.TryParse(scalar.Text, out long bytes))
        {
            return alert with { BelowBytes = bytes };
        }

        return alert with { BelowShare = Share("below", "10%") };
    }

    private double Share(string key, string example)
    {
        if (_reader.Find(key) is null)
        {
            _reader.Mistake(_reader.Mapping, $"an alert of kind {_kind} has no '{key}'", $"write '{key}: {example}'");
            return 0;
        }

        YamlScalar? scalar = _reader.Scalar(key, $"a share such as {example}");
        if (scalar is null)
        {
            return 0;
        }

        bool parsed = double.TryParse(
            scalar.Text.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double percent);
        if (!scalar.Text.EndsWith('%') || !parsed || percent is < 0 or > 100)
        {
            _reader.Mistake(scalar, $"'{key}' is '{scalar.Text}'", $"write a share such as {example}");
            return 0;
        }

        return percent / 100;
    }
}
