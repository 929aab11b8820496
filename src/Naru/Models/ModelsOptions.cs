using Naru.Core;

namespace Naru.Models;

[SettingSection("models", "Scheduled SQL.")]
internal sealed record ModelsOptions
{
    [Setting("intervals that the schedule fills at the same time", Min = "1", Max = "64")]
    public int Parallel { get; init; } = 2;

    [Setting("how often the schedule looks for intervals to fill", Min = "1s", Max = "1h")]
    public TimeSpan LookEvery { get; init; } = TimeSpan.FromSeconds(5);

    [Setting("how long what checks found stays in naru.checks", Min = "1d", Max = "3650d")]
    public TimeSpan ChecksLifetime { get; init; } = TimeSpan.FromDays(400);
}
