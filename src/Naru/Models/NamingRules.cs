using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Naru.Lake.Catalog;

namespace Naru.Models;

/// <summary>
/// How tables of models are named: `[t1_|t2_|t3_]DOMAIN_SUBJECT[_timeseries|snapshot|aggr[_Nd]_hourly|daily]`. What is
/// filled by hours or days says so at its end; tables of the tiers 2 and 3 may leave it out. Advice, no error.
/// </summary>
internal sealed partial class NamingRules
{
    private readonly Regex? _own;
    private readonly bool _isOn;

    private NamingRules(bool isOn, Regex? own)
    {
        _isOn = isOn;
        _own = own;
    }

    /// <summary>`on`, `off`, or a regular expression that whole names match; null when it cannot be read.</summary>
    public static NamingRules? TryParse(string setting)
    {
        switch (setting)
        {
            case "on":
                return new NamingRules(isOn: true, null);
            case "off":
                return new NamingRules(isOn: false, null);
        }

        try
        {
            return new NamingRules(
                isOn: true,
                new Regex($"^(?:{setting})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
        }
        catch (Exception exception) when (exception is ArgumentException or NotSupportedException)
        {
            return null;
        }
    }

    /// <summary>1 to 3, of names with such a prefix; null of others.</summary>
    public static int? TierOf(string name) =>
        Tier().Match(name) is { Success: true } match ? match.Groups["tier"].ValueSpan[0] - '0' : null;

    /// <summary>What does not go by the rules, each with its mend.</summary>
    public IEnumerable<(string Message, string Hint)> Judge(ModelDefinition model)
    {
        if (!_isOn)
        {
            yield break;
        }

        string name = model.Name;
        if (_own is not null)
        {
            if (!_own.IsMatch(name))
            {
                yield return ($"the name '{name}' does not match models.naming", $"the rule is {_own}");
            }
        }
        else if (Fault(model) is { } fault)
        {
            yield return fault;
        }

        foreach (ModelInput input in model.Inputs)
        {
            if (input.Table.Schema == FilledTable.Schema && TierOf(name) is { } tier
                && TierOf(input.Table.Name) is { } above && above > tier)
            {
                yield return (
                    $"{name} is of tier {tier} and reads {input.Table.Name} of tier {above}",
                    "tables are made from those of their own tier or of the ones below: t1 raw, t2 common, t3 service");
            }
        }
    }

    private static (string Message, string Hint)? Fault(ModelDefinition model)
    {
        string name = model.Name;
        string every = model.Every == Naru.Core.Schedules.IntervalKind.Day ? "daily" : "hourly";
        string bare = Tier().Replace(name, "");
        if (Batch().Match(bare) is { Success: true } batch)
        {
            return batch.Groups["period"].Value == every
                ? null
                : ($"the name '{name}' says {batch.Groups["period"].Value}, and the model is filled by the "
                    + $"{(every == "daily" ? "day" : "hour")}",
                    $"name it '{name[..name.LastIndexOf('_')]}_{every}', or change 'every'");
        }

        if (!Subject().IsMatch(bare))
        {
            return (
                $"the name '{name}' is no domain and subject",
                "name it as place_order_snapshot_daily or t2_customer: [t1_|t2_|t3_]DOMAIN_SUBJECT…");
        }

        if (name == bare || TierOf(name) == 1)
        {
            return (
                $"the name '{name}' does not say what is in it and how often it is filled",
                $"name it '{Stem(name)}_aggr_{every}', …_timeseries_{every} or …_snapshot_{every}; "
                + "t2_ and t3_ tables need not (models.naming: off says nothing of names)");
        }

        return null;
    }

    private static string Stem(string name) => Period().Replace(name, "");

    [GeneratedRegex("^t(?<tier>[123])_")]
    private static partial Regex Tier();

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)+_(timeseries|snapshot|aggr)(_[0-9]+d)?_(?<period>hourly|daily)$")]
    private static partial Regex Batch();

    [GeneratedRegex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
    private static partial Regex Subject();

    [GeneratedRegex("_(hourly|daily)$")]
    private static partial Regex Period();
}
