using System.Collections.Immutable;
using Naru.Core;

namespace Naru.Sources;

[SettingSection("sources", "What files of sources/ may make this server do.")]
internal sealed record SourcesOptions
{
    /// <summary>
    /// A source of kind `singer` names a program that then runs as the server's user, so who may write files of
    /// sources/ would be one who may run anything. Hence nobody does, but for what stands here.
    /// </summary>
    [Setting("commands that a source of kind singer may run, each as a whole with its arguments; empty is none")]
    public ImmutableArray<string> SingerCommands { get; init; } = [];
}
