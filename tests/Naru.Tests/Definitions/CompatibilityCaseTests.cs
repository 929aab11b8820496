using System.Collections.Immutable;
using System.Text;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Tests.Definitions;

/// <summary>
/// Each file of Changes holds a log before and after, cut by a line of dashes, and then what publishing the second
/// says:
/// kind and message of each change, or the mistakes.
/// </summary>
public class CompatibilityCaseTests
{
    private const string Cut = "\n-----\n";

    public static TheoryData<string> Cases() =>
        [.. Directory.GetFiles(Golden.Folder("Changes")).Select(static path => Path.GetFileName(path)).Order()];

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_change_is_judged_by_what_it_does_to_senders_and_readers(string name)
    {
        string path = Path.Combine(Golden.Folder("Changes"), name);
        string[] parts = File.ReadAllText(path).Split(Cut);
        Assert.True(parts.Length >= 2);
        using TemporaryProject project = new();
        DefinitionStore store = project.OpenStore();
        project.WriteLog("kr_shop.a", "log: kr_shop.a\n" + parts[0]);
        Assert.Empty(project.Publish(store).Mistakes);
        project.WriteLog("kr_shop.a", "log: kr_shop.a\n" + parts[1]);
        PublishResult result = project.Publish(store);
        StringBuilder actual = new();
        foreach (LogPlan plan in result.Published)
        {
            string reason = plan.Reason is null ? "" : " because " + plan.Reason;
            actual.Append($"{plan.Action} {plan.Version}.{plan.Revision}{reason}\n");
            foreach (Change change in plan.Changes)
            {
                actual.Append($"{change.Kind}: {change.Message}\n");
            }
        }

        foreach (Mistake mistake in result.Mistakes)
        {
            actual.Append(mistake).Append('\n');
        }

        Golden.Check(path, parts[0] + Cut + parts[1] + Cut + actual);
    }
}
