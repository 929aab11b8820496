using Naru.Core;

namespace Naru.Definitions;

[SettingSection("definitions", "Definitions while the server runs.")]
internal sealed record DefinitionsOptions
{
    [Setting("how often changed files of the project are looked for; a change counts once it is a look old",
        Min = "100ms", Max = "1h")]
    public TimeSpan ReloadInterval { get; init; } = TimeSpan.FromSeconds(1);
}
