using Naru.Core;

namespace Naru.Models;

[SettingSection("models", "Scheduled SQL.")]
internal sealed record ModelsOptions : ICheckedOptions
{
    [Setting("intervals that the schedule fills at the same time", Min = "1", Max = "64")]
    public int Parallel { get; init; } = 2;

    [Setting("how often the schedule looks for intervals to fill", Min = "1s", Max = "1h")]
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromSeconds(5);

    [Setting("how long what checks found stays in naru.checks", Min = "1d", Max = "3650d")]
    public TimeSpan ChecksLifetime { get; init; } = TimeSpan.FromDays(400);

    [Setting("what `naru check` says of models' names and of tiers that read the ones above them: on, off, or a "
        + "regular expression that names must match")]
    public string Naming { get; init; } = "on";

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        if (NamingRules.TryParse(Naming) is null)
        {
            yield return (
                nameof(Naming),
                $"'{Naming}' is no regular expression",
                "write 'on', 'off', or one such as '(t[123]_)?[a-z]+_[a-z0-9_]+'");
        }
    }
}
