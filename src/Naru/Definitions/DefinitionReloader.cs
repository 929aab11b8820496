using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>Publishes changed definitions while the server runs.</summary>
internal sealed class DefinitionReloader(
    DefinitionStore store,
    ProjectFolder folder,
    DefinitionsOptions options,
    TimeProvider time,
    ILogger<DefinitionReloader> logger)
    : ContentReloader(options, time)
{
    private bool _mistaken;

    protected override void TellFailure(string problem) => DefinitionsLog.Failed(logger, problem);

    protected override void Take()
    {
        MistakeList mistakes = new();
        ProjectContent content = folder.Read(SettingsReader.ProcessEnvironment(), mistakes);
        PublishResult result = store.Publish(content, mistakes);
        foreach (LogPlan plan in result.Published)
        {
            if (plan.Reason is { } reason)
            {
                DefinitionsLog.PublishedBreaking(logger, plan.Name, plan.Version, reason);
            }
            else
            {
                DefinitionsLog.Published(logger, plan.Name, plan.Version);
            }
        }

        foreach (Mistake mistake in result.Mistakes)
        {
            DefinitionsLog.Mistake(logger, mistake.ToString());
        }

        if (_mistaken && result.Mistakes.Count == 0)
        {
            DefinitionsLog.Mended(logger);
        }

        _mistaken = result.Mistakes.Count > 0;
    }

    /// <summary>Names and bytes of everything that is read.</summary>
    protected override string Fingerprint()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Add(hash, folder.Paths.SettingsFile);
        foreach (string name in folder.Files.List(folder.Paths.Logs))
        {
            Add(hash, $"{folder.Paths.Logs}/{name}");
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private void Add(IncrementalHash hash, string path)
    {
        byte[] bytes = WholeFile.Read(folder.Files, path, YamlText.BytesMax + 1) ?? [];
        hash.AppendData(Encoding.UTF8.GetBytes($"{path}\n{bytes.Length}\n"));
        hash.AppendData(bytes);
    }
}
