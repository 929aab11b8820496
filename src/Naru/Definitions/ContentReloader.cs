using Microsoft.Extensions.Hosting;
using Naru.Core.Files;

namespace Naru.Definitions;

/// <summary>
/// Takes changed files of the project while the server runs. Looks by content, not by the kernel's notices, which some
/// volumes do not give; acts when the files are as they were at the look before, so that a copy half done is not taken.
/// </summary>
internal abstract class ContentReloader(DefinitionsOptions options, TimeProvider time) : BackgroundService
{
    private string _taken = "";
    private string _seen = "";

    /// <summary>Takes the files as they are: at start, before anything asks. A wrong one is told, and the rest taken.
    /// </summary>
    public void TakeNow()
    {
        _taken = _seen = Fingerprint();
        Take();
    }

    /// <summary>One look. True when it took something or found mistakes.</summary>
    public bool Look()
    {
        string now = Fingerprint();
        bool still = now == _seen;
        _seen = now;
        if (!still || (now == _taken && !IsOutdated))
        {
            return false;
        }

        Take();
        _taken = now;
        return true;
    }

    /// <summary>Something else than the files changed that they depend on.</summary>
    protected virtual bool IsOutdated => false;

    /// <summary>Names and bytes of everything that is read.</summary>
    protected abstract string Fingerprint();

    protected abstract void Take();

    /// <summary>The files could not be read; the next look tries again.</summary>
    protected abstract void TellFailure(string problem);

    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
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
            TellFailure(exception.Message);
        }
    }
}
