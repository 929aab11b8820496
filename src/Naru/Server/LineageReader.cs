using System.Collections.Immutable;
using Naru.Definitions;
using Naru.External;
using Naru.Models;

namespace Naru.Server;

/// <summary>What is made from what, now.</summary>
internal sealed class LineageReader(
    ScheduledThings things, IDefinitionSource logs, ExternalShapes external)
{
    public Lineage Read()
    {
        IEnumerable<(LineageNode, ImmutableArray<string>)> given =
        [
            .. logs.Current.Logs.Select(static log => (
                new LineageNode(log.FullName, "log", null) { Description = log.Description, Owner = log.Owner },
                ImmutableArray<string>.Empty)),
            .. external.Current.SelectMany(static view => Of(view.Table)),
        ];
        return Lineage.Of(things.All, given);
    }

    private static IEnumerable<(LineageNode, ImmutableArray<string>)> Of(ExternalTable table) =>
    [
        (new LineageNode(table.Location.Text, "outside", null), []),
        (new LineageNode(table.Table.ToString(), "external", null)
        {
            Description = table.Description, Owner = table.Owner,
        },
        [table.Location.Text]),
    ];
}
