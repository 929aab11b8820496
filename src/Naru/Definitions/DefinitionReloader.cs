using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>
/// Publishes changed definitions while the server runs. Looks by content, not by the kernel's notices, which some
/// volumes do not give; acts when the files are as they were at the look before, so that a copy half done is not taken.
/// </summary>
internal sealed class DefinitionReloader(
    DefinitionStore store,
    ProjectFolder folder,
    DefinitionsOptions options,
    TimeProvider time,
    ILogger<DefinitionReloader> logger)
    : BackgroundService
{
    private string _taken = "";
    private string _seen = "";
    private bool _mistaken;

    /// <summary>Reads and publishes at once: at start, before anything asks for a definition.</summary>
    public void PublishNow()
    {
        _taken = _seen = Fingerprint();
        Publish();
    }

    /// <summary>One look. True when it published or found mistakes.</summary>
    public bool Look()
    {
        string now = Fingerprint();
        bool still = now == _seen;
        _seen = now;
        if (!still || now == _taken)
        {
            return false;
        }

        Publish();
        _taken = now;
        return true;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(options.ReloadInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken).ConfigureAwait(false))
            {
                LookSafely();
            }
        }
        catch (OperationCanceledException)
        {
            // The server stops.
        }
    }

    private void LookSafely()
    {
        try
        {
            Look();
        }
        catch (StorageException exception)
        {
            DefinitionsLog.Failed(logger, exception.Message);
        }
    }

    private void Publish()
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
    private string Fingerprint()
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
