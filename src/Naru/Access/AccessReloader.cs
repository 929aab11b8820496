using System.Collections.Immutable;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Access;

/// <summary>Holds row filters and masks against the tables that there are.</summary>
internal interface IRuleCheck
{
    void Check(AccessSet access, MistakeList mistakes);
}

/// <summary>
/// Takes changed files of `access/` while the server runs. Looks by content; acts when the files are as they were at
/// the look before, so that a copy half done is not taken. Files with a mistake leave in force what was.
/// </summary>
internal sealed class AccessReloader : BackgroundService, IAccessSource
{
    private readonly AccessBook _book;
    private readonly Func<IRuleCheck> _rules;
    private readonly AuditTrail _audit;
    private readonly AccessOptions _options;
    private readonly ILogger<AccessReloader> _logger;
    private volatile AccessSet _current;
    private ImmutableArray<string> _told = [];
    private string _taken;
    private string _seen;

    /// <summary>Reads at once: before anything asks. Rules are checked when the tables are known.</summary>
    public AccessReloader(
        AccessBook book,
        Func<IRuleCheck> rules,
        AuditTrail audit,
        AccessOptions options,
        ILogger<AccessReloader> logger)
    {
        _audit = audit;
        _book = book;
        _rules = rules;
        _options = options;
        _logger = logger;
        ImmutableArray<AccessFile> files = book.Files();
        _taken = _seen = AccessFolder.Fingerprint(files);
        MistakeList mistakes = new();
        _current = book.Read(files, mistakes);
        Tell(mistakes);
    }

    public AccessSet Current => _current;

    /// <summary>One look. True when it took something or found mistakes.</summary>
    public bool Look()
    {
        ImmutableArray<AccessFile> files = _book.Files();
        string now = AccessFolder.Fingerprint(files);
        bool still = now == _seen;
        _seen = now;
        if (!still || now == _taken)
        {
            return false;
        }

        _taken = now;
        Take(files);
        return true;
    }

    /// <summary>Looks without waiting for the files to rest: for whoever has just written one.</summary>
    public void LookNow()
    {
        _seen = AccessFolder.Fingerprint(_book.Files());
        Look();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using PeriodicTimer timer = new(_options.ReloadInterval);
        try
        {
            MistakeList mistakes = new();
            _rules().Check(_current, mistakes);
            Tell(mistakes);
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
            AccessLog.RightsFailed(_logger, exception.Message);
        }
    }

    private void Take(ImmutableArray<AccessFile> files)
    {
        MistakeList mistakes = new();
        AccessSet read = _book.Read(files, mistakes);
        if (mistakes.Count == 0)
        {
            _rules().Check(read, mistakes);
        }

        if (mistakes.Count == 0)
        {
            _audit.Append("files", "access.change", Differences(_current, read));
            _current = read;
            AccessLog.RightsTaken(_logger, read.Roles.Count, read.Users.Count);
        }

        Tell(mistakes);
    }

    /// <summary>Names of what is other than before; what it was stands where the files are kept.</summary>
    private static ImmutableSortedDictionary<string, string> Differences(AccessSet before, AccessSet now)
    {
        IEnumerable<string> roles = before.Roles.Keys.Union(now.Roles.Keys).Where(name =>
            Text(before.Roles.GetValueOrDefault(name)) != Text(now.Roles.GetValueOrDefault(name)));
        IEnumerable<string> users = before.Users.Keys.Union(now.Users.Keys).Where(name =>
            Text(before.Users.GetValueOrDefault(name)) != Text(now.Users.GetValueOrDefault(name)));
        return AuditTrail.Detail(
            ("roles", string.Join(' ', roles.Order(StringComparer.Ordinal))),
            ("users", string.Join(' ', users.Order(StringComparer.Ordinal))));

        static string Text<T>(T? value) => JsonSerializer.Serialize(value, AccessJson.Files);
    }

    private void Tell(MistakeList mistakes)
    {
        ImmutableArray<string> told = [.. mistakes.Sorted().Select(static mistake => mistake.ToString())];
        foreach (string mistake in told.Except(_told))
        {
            AccessLog.RightsMistake(_logger, mistake);
        }

        _told = told;
    }
}
