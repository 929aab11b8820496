using System.Collections.Immutable;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Tests.Definitions;

/// <summary>A project in a folder of its own, removed at the end.</summary>
internal sealed class TemporaryProject : IDisposable
{
    public TemporaryProject(string naruYaml = "timezone: Asia/Seoul\n")
    {
        Root = Directory.CreateTempSubdirectory("naru-test-").FullName;
        Paths = new ProjectPaths(Root);
        Files = new PosixFileSystem();
        Folder = new ProjectFolder(Files, Paths);
        Directory.CreateDirectory(Paths.Logs);
        File.WriteAllText(Paths.SettingsFile, naruYaml);
    }

    public string Root { get; }

    public ProjectPaths Paths { get; }

    public IFileSystem Files { get; }

    public ProjectFolder Folder { get; }

    public void WriteLog(string name, string text) => File.WriteAllText($"{Paths.Logs}/{name}.yaml", text);

    public DefinitionStore OpenStore() => DefinitionStore.Open(Files, Paths.Definitions, TimeProvider.System);

    public PublishResult Publish(DefinitionStore store)
    {
        MistakeList mistakes = new();
        ProjectContent content = Folder.Read(ImmutableDictionary<string, string>.Empty, mistakes);
        return store.Publish(content, mistakes);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
