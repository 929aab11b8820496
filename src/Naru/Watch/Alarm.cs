namespace Naru.Watch;

/// <summary>
/// Something of which the platform tells by itself, without a file in `alerts/`: once when it is so, and once when it
/// is over.
/// </summary>
/// <param name="Name">
/// What it is about and what is wrong: `model ad_cost_aggr_daily late`. Alerts' names have no blanks.
/// </param>
/// <param name="Text">What was seen, in words.</param>
/// <param name="Owner">Who answers for it; may be empty.</param>
internal sealed record Alarm(string Name, string Text, string Owner);

/// <summary>Knows what is to be told now. Cheap: asked at every look of the watch.</summary>
internal interface IAlarmSource
{
    IEnumerable<Alarm> Read(DateTimeOffset now);
}
