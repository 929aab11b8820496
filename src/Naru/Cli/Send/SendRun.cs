using System.Collections.Concurrent;
using System.IO.Compression;
using System.Text.Json;
using System.Threading.Channels;
using Naru.Core.Files;
using ByteStream = System.IO.Stream;

namespace Naru.Cli.Send;

/// <summary>
/// One run of `naru send`: one reader cuts the file into blocks, some senders send them, the state follows.
/// </summary>
internal sealed class SendRun(SendJob job, IFileSystem files, TimeProvider time, string stateFolder)
{
    private static readonly TimeSpan StateInterval = TimeSpan.FromSeconds(1);

    private readonly Channel<SendBlock> _blocks = Channel.CreateBounded<SendBlock>(job.Parallel);

    public SendCounts Counts { get; } = new();

    /// <summary>Size of the file, null when it is compressed or standard input.</summary>
    public long? FileBytes { get; private set; }

    /// <summary>Where an earlier run stopped and this one goes on; null when it begins at the start.</summary>
    public FilePlace? ResumedAt { get; private set; }

    /// <summary>What a person should know; complete when the run is.</summary>
    public ConcurrentQueue<string> Notes { get; } = new();

    /// <summary>Called with each note as it comes up.</summary>
    public Action<string>? OnNote { get; init; }

    /// <summary>
    /// Sends the file. Throws <see cref="SendException"/>, <see cref="StorageException"/>, or
    /// <see cref="OperationCanceledException"/>; what was acknowledged until then is kept for --resume.
    /// </summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        SendState? state = SendState.Of(job, files, stateFolder);
        using BlockSender sender = new(job, Counts, time);
        JsonElement log = await sender.AskLogAsync(cancellationToken).ConfigureAwait(false);
        TimeNotice notice = new(log, time);
        using ByteStream stream = Open();
        BlockSource source = MakeSource(stream);
        Resume(state, source);

        using CancellationTokenSource stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] tasks =
        [
            StopOnFailureAsync(() => ReadAsync(source, notice, stop.Token), stop),
            .. Enumerable.Range(0, job.Parallel)
                .Select(_ => StopOnFailureAsync(() => SendAllAsync(sender, stop.Token), stop)),
        ];
        using CancellationTokenSource keeping = new();
        Task keeper = KeepStateAsync(state, keeping.Token);
        bool finished = false;
        try
        {
            await FirstFailureAsync(tasks, cancellationToken).ConfigureAwait(false);
            finished = true;
        }
        finally
        {
            await keeping.CancelAsync().ConfigureAwait(false);
            await keeper.ConfigureAwait(false);
            Keep(state, finished);
            source.Notes.ForEach(Tell);
        }
    }

    /// <summary>A state that cannot be kept costs a later --resume, not this run.</summary>
    private void Keep(SendState? state, bool finished)
    {
        try
        {
            if (finished)
            {
                state?.Delete();
            }
            else
            {
                state?.Write(Counts.Done);
            }
        }
        catch (StorageException exception)
        {
            Tell($"--resume will not know where this run stopped: {exception.Message}");
        }
    }

    private static async Task StopOnFailureAsync(Func<Task> work, CancellationTokenSource stop)
    {
        try
        {
            await Task.Yield();
            await work().ConfigureAwait(false);
        }
        catch
        {
            await stop.CancelAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Waits for all, then throws what stopped them rather than that they were stopped.</summary>
    private static async Task FirstFailureAsync(Task[] tasks, CancellationToken cancellationToken)
    {
        await Task.WhenAll(tasks).ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default)
            .ConfigureAwait(false);
        cancellationToken.ThrowIfCancellationRequested();
        Task? failed = Array.Find(tasks, static task => task.IsFaulted)
            ?? Array.Find(tasks, static task => task.IsCanceled);
        await (failed ?? Task.CompletedTask).ConfigureAwait(false);
    }

    private async Task ReadAsync(BlockSource source, TimeNotice notice, CancellationToken cancellationToken)
    {
        try
        {
            while (source.Next() is { } block)
            {
                if (notice.Look(block) is { } note)
                {
                    Tell(note);
                }

                await _blocks.Writer.WriteAsync(block, cancellationToken).ConfigureAwait(false);
            }
        }
        catch (InvalidDataException)
        {
            throw new SendException($"'{job.File}' is damaged or ends early", "what was read before it was sent");
        }
        finally
        {
            _blocks.Writer.TryComplete();
        }
    }

    private async Task SendAllAsync(BlockSender sender, CancellationToken cancellationToken)
    {
        await foreach (SendBlock block in _blocks.Reader.ReadAllAsync(cancellationToken).ConfigureAwait(false))
        {
            Counts.Add(block, await sender.SendAsync(block, cancellationToken).ConfigureAwait(false));
        }
    }

    private async Task KeepStateAsync(SendState? state, CancellationToken cancellationToken)
    {
        using PeriodicTimer timer = new(StateInterval, time);
        FilePlace kept = Counts.Done;
        try
        {
            while (state is not null && await timer.WaitForNextTickAsync(cancellationToken).ConfigureAwait(false))
            {
                if (Counts.Done != kept)
                {
                    kept = Counts.Done;
                    Keep(state, finished: false);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // The run is over.
        }
    }

    private void Tell(string note)
    {
        Notes.Enqueue(note);
        OnNote?.Invoke(note);
    }

    private void Resume(SendState? state, BlockSource source)
    {
        if (job.Resume && state?.Read() is { } place)
        {
            source.SkipTo(place);
            ResumedAt = place;
        }
        else if (job.Resume)
        {
            Tell("there was nothing to resume: the file was sent from its start");
        }

        Counts.Begin(source.Place);
    }

    private ByteStream Open()
    {
        if (job.File == SendJob.StandardInput)
        {
            return Console.OpenStandardInput();
        }

        IFile file = files.Open(job.File, FileOpen.Read);
        Span<byte> magic = stackalloc byte[2];
        bool compressed = file.Read(magic, 0) == 2 && magic[0] == 0x1f && magic[1] == 0x8b;
        FileBytes = compressed ? null : file.Length;
        return compressed
            ? new GZipStream(new FileReadStream(file), CompressionMode.Decompress)
            : new FileReadStream(file);
    }

    private BlockSource MakeSource(ByteStream stream)
    {
        ByteWindow window = new(stream);
        return Format(window) switch
        {
            SendFormat.Csv => new CsvBlocks(window, (byte)',', job.Batch),
            SendFormat.Tsv => new CsvBlocks(window, (byte)'\t', job.Batch),
            _ => new LineBlocks(window, job.Batch),
        };
    }

    private SendFormat Format(ByteWindow window)
    {
        if (job.Format != SendFormat.Auto)
        {
            return job.Format;
        }

        string name = job.File.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? job.File[..^3] : job.File;
        switch (Path.GetExtension(name).ToLowerInvariant())
        {
            case ".csv":
                return SendFormat.Csv;
            case ".tsv":
                return SendFormat.Tsv;
            case ".ndjson" or ".jsonl":
                return SendFormat.Ndjson;
        }

        window.Read();
        ReadOnlySpan<byte> start = window.Bytes;
        start = start.StartsWith("\ufeff"u8) ? start[3..] : start;
        start = start.TrimStart(" \t\r\n"u8);
        return start switch
        {
            [] => SendFormat.Ndjson,
            [(byte)'[', ..] => throw new SendException(
                "the file is one JSON array",
                "make it one event a line first, e.g. `jq -c '.[]' FILE | naru send LOG - --source NAME`"),
            [(byte)'{', ..] => SendFormat.Ndjson,
            _ => throw new SendException(
                $"'{job.File}' is neither named .csv nor .ndjson, nor begins as one event a line does",
                "say what it is: --format csv, tsv or ndjson"),
        };
    }
}
