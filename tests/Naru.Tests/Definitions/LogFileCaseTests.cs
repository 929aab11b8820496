using System.Collections.Immutable;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Tests.Definitions;

/// <summary>Each folder of Cases is a project; expected.txt holds what `naru check` has to say of it.</summary>
public class LogFileCaseTests
{
    public static TheoryData<string> Cases() =>
        [.. Directory.GetDirectories(Golden.Folder("Cases")).Select(static path => Path.GetFileName(path)).Order()];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Every_mistake_is_told_with_its_place_and_mend(string name)
    {
        string folder = Path.Combine(Golden.Folder("Cases"), name);
        MistakeList mistakes = new();
        ProjectFolder project = new(new PosixFileSystem(), new ProjectPaths(folder));
        project.Read(ImmutableDictionary<string, string>.Empty, mistakes);
        string actual = string.Concat(mistakes.Sorted().Select(static mistake => mistake + "\n"));
        Golden.Check(Path.Combine(folder, "expected.txt"), actual.Replace(folder, "DIR", StringComparison.Ordinal));
    }

    [Fact]
    public void There_are_cases() => Assert.True(Cases().Count >= 8);
}
