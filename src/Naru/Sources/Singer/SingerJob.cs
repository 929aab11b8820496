using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Core.Files;

namespace Naru.Sources.Singer;

/// <summary>How a tap is run. Holds secrets: never shown.</summary>
internal sealed class SingerJob
{
    /// <summary>Shorter ones would be found in any text.</summary>
    private const int MaskedLengthMin = 4;

    private readonly ImmutableArray<string> _masked;

    private readonly SourceOpening _opening;

    private SingerJob(SingerPlace place, byte[] config, ImmutableArray<string> secrets, SourceOpening opening)
    {
        (Command, Timeout, Config, Files) = (place.Command, place.Timeout, config, opening.Files);
        _opening = opening;

        // As a program prints them: as they are, and as they stand in JSON and in an address.
        _masked =
        [
            .. secrets.Where(static secret => secret.Length >= MaskedLengthMin)
                .SelectMany(static secret => new[]
                {
                    secret, JsonEncodedText.Encode(secret).ToString(), Uri.EscapeDataString(secret),
                })
                .Distinct()
                .OrderByDescending(static secret => secret.Length),
        ];
    }

    public ImmutableArray<string> Command { get; }

    public TimeSpan Timeout { get; }

    public byte[] Config { get; }

    public IFileSystem Files { get; }

    /// <summary>For messages.</summary>
    public string Name => Path.GetFileName(Command[0]);

    public static SingerJob Of(SingerPlace place, SourceOpening opening)
    {
        List<string> secrets = [];
        JsonNode config = JsonNode.Parse(place.Config)!;
        Resolve(config, reference =>
        {
            string secret = opening.Reveal("config", reference);
            secrets.Add(secret);
            return secret;
        });
        return new SingerJob(place, Encoding.UTF8.GetBytes(config.ToJsonString()), [.. secrets], opening);
    }

    /// <summary>What the tap said beside its messages goes to the server's log.</summary>
    /// <param name="said">As <see cref="SingerProcess.Said"/> gives it.</param>
    public void Tell(string said)
    {
        if (said.Length > 0)
        {
            SourcesLog.Said(_opening.Logger, Name, _opening.Source, said);
        }
    }

    /// <summary>A text without secrets, on one line, and of a length that people read.</summary>
    public string Shown(string text, int most = 300)
    {
        string masked = _masked.Aggregate(
            text, static (all, secret) => all.Replace(secret, "(secret)", StringComparison.Ordinal));
        string line = new([.. masked.Select(static each => char.IsControl(each) ? ' ' : each)]);
        line = line.Trim();
        return line.Length <= most ? line : $"…{line[^most..]}";
    }

    public string Shown(ReadOnlySpan<byte> text)
    {
        const int Most = 120;
        string whole = Encoding.UTF8.GetString(text[..Math.Min(text.Length, Most * 4)]);
        string masked = Shown(whole, int.MaxValue);
        return masked.Length <= Most ? masked : $"{masked[..Most]}…";
    }

    private static void Resolve(JsonNode node, Func<string, string> reveal)
    {
        switch (node)
        {
            case JsonObject mapping:
                foreach ((string key, JsonNode? value) in mapping.ToArray())
                {
                    if (Reference(value) is { } reference)
                    {
                        mapping[key] = reveal(reference);
                    }
                    else if (value is not null)
                    {
                        Resolve(value, reveal);
                    }
                }

                break;
            case JsonArray list:
                for (int i = 0; i < list.Count; i++)
                {
                    if (Reference(list[i]) is { } reference)
                    {
                        list[i] = reveal(reference);
                    }
                    else if (list[i] is { } value)
                    {
                        Resolve(value, reveal);
                    }
                }

                break;
            default:
                break;
        }
    }

    private static string? Reference(JsonNode? node) =>
        node is JsonValue value && value.TryGetValue(out string? text) && SingerPlace.IsReference(text) ? text : null;
}

/// <summary>
/// One run of a tap in a folder of its own outside the project, with files that only the server's user may read, which
/// are gone with it. What the server knows by its environment, the tap does not. A folder that a killed server left is
/// removed by the next run.
/// </summary>
internal sealed partial class SingerProcess : IAsyncDisposable
{
    private const string FolderPrefix = "naru-tap-";
    private const string Session = "/usr/bin/setsid";
    private const int KillSignal = 9;
    private const int ErrorBytesKept = 16 << 10;

    private static readonly string[] Inherited =
    [
        "PATH", "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "SSL_CERT_FILE",
        "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY",
        "NO_PROXY", "PYTHONPATH", "VIRTUAL_ENV",
    ];

    private readonly SingerJob _job;
    private readonly string _folder;
    private readonly Process _process;
    private readonly Task _errors;
    private readonly byte[] _kept = new byte[ErrorBytesKept];
    private readonly Lock _gate = new();
    private long _errorBytes;
    private bool _isOver;

    private SingerProcess(SingerJob job, string folder, Process process)
    {
        (_job, _folder, _process) = (job, folder, process);
        _errors = KeepErrorsAsync();
    }

    public System.IO.Stream Output => _process.StandardOutput.BaseStream;

    /// <param name="job">The tap.</param>
    /// <param name="arguments">Before `--config`.</param>
    /// <param name="files">Files that it is given, by option: `--catalog`.</param>
    public static SingerProcess Start(
        SingerJob job, ImmutableArray<string> arguments, IReadOnlyList<(string Option, byte[] Text)> files)
    {
        string temporary = Path.GetTempPath();
        Sweep(job.Files, temporary);
        string folder = Path.Combine(temporary, string.Create(
            CultureInfo.InvariantCulture,
            $"{FolderPrefix}{Environment.ProcessId}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}"));
        job.Files.CreateDirectory(folder);
        try
        {
            ProcessStartInfo start = new()
            {
                FileName = job.Command[0],
                WorkingDirectory = folder,
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            List<string> words = [.. job.Command[1..], .. arguments];
            foreach ((string option, byte[] text) in files.Prepend(("--config", job.Config)))
            {
                string path = $"{folder}/{option.TrimStart('-')}.json";
                WritePrivate(job.Files, path, text);
                words.AddRange([option, path]);
            }

            if (job.Files.FileExists(Session))
            {
                // A session of its own, so that what it starts can be ended with it.
                start.FileName = Session;
                words.Insert(0, job.Command[0]);
            }

            words.ForEach(start.ArgumentList.Add);
            Confine(start);
            Process process = Process.Start(start)!;
            process.StandardInput.Close();
            return new SingerProcess(job, folder, process);
        }
        catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or StorageException)
        {
            job.Files.DeleteDirectory(folder);
            throw new SourceException(
                $"{job.Name} cannot be started: {exception.Message}; see `command` of the source",
                passes: false,
                exception);
        }
    }

    /// <summary>Waits for the end, which must be a good one; else throws, with the last of what it said.</summary>
    public async Task EndAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken).ConfigureAwait(false);
        _isOver = true;

        // What it started may hold its standard error open.
        Kill();
        await _errors.ConfigureAwait(false);
        if (_process.ExitCode == 0)
        {
            return;
        }

        string end = _process.ExitCode > 128
            ? string.Create(CultureInfo.InvariantCulture, $"ended by signal {_process.ExitCode - 128}")
            : string.Create(CultureInfo.InvariantCulture, $"failed with exit code {_process.ExitCode}");
        throw new SourceException($"{_job.Name} {end}{Said()}", passes: false);
    }

    /// <summary>The last that it wrote to its standard error, without secrets; with a colon before it.</summary>
    public string Said()
    {
        const int LinesShown = 5;
        const int Most = 1_000;
        string text;
        lock (_gate)
        {
            int kept = (int)Math.Min(_errorBytes, ErrorBytesKept);
            byte[] ordered = new byte[kept];
            for (int i = 0; i < kept; i++)
            {
                ordered[i] = _kept[(_errorBytes - kept + i) % ErrorBytesKept];
            }

            text = Encoding.UTF8.GetString(ordered);
        }

        string[] lines = text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        string last = string.Join(" | ", lines[^Math.Min(lines.Length, LinesShown)..]);
        return lines.Length == 0 ? "" : $": {_job.Shown(last, Most)}";
    }

    public async ValueTask DisposeAsync()
    {
        Kill();
        await _process.WaitForExitAsync(CancellationToken.None).ConfigureAwait(false);
        await _errors.ConfigureAwait(false);
        _process.Dispose();
        _job.Files.DeleteDirectory(_folder);
    }

    /// <summary>With all that it started.</summary>
    private void Kill()
    {
        try
        {
            // The group is named after its first process, whose number is not given to another while it has members.
            if (OperatingSystem.IsLinux() && _job.Files.FileExists(Session))
            {
                _ = SendSignal(-_process.Id, KillSignal);
            }

            if (!_isOver)
            {
                _process.Kill(entireProcessTree: true);
            }
        }
        catch (Exception exception) when (exception is InvalidOperationException
            or System.ComponentModel.Win32Exception or NotSupportedException)
        {
            // It is over already.
        }
    }

    private async Task KeepErrorsAsync()
    {
        byte[] buffer = new byte[4096];
        System.IO.Stream errors = _process.StandardError.BaseStream;
        while (true)
        {
            int read;
            try
            {
                read = await errors.ReadAsync(buffer).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is IOException or ObjectDisposedException)
            {
                return;
            }

            if (read == 0)
            {
                return;
            }

            lock (_gate)
            {
                for (int i = 0; i < read; i++)
                {
                    _kept[(_errorBytes + i) % ErrorBytesKept] = buffer[i];
                }

                _errorBytes += read;
            }
        }
    }

    private static void Confine(ProcessStartInfo start)
    {
        Dictionary<string, string> kept = [];
        foreach (string name in Inherited)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
            {
                kept[name] = value;
            }
        }

        start.Environment.Clear();
        foreach ((string name, string value) in kept)
        {
            start.Environment[name] = value;
        }
    }

    private static void WritePrivate(IFileSystem files, string path, byte[] text)
    {
        using IFile file = files.Open(path, FileOpen.CreateNew);
        files.MakePrivate(path);
        file.Write(text, 0);
    }

    private static void Sweep(IFileSystem files, string temporary)
    {
        foreach (string name in files.List(temporary).Where(static name =>
            name.StartsWith(FolderPrefix, StringComparison.Ordinal)))
        {
            string process = name[FolderPrefix.Length..].Split('-')[0];
            if (OperatingSystem.IsLinux() && !files.DirectoryExists($"/proc/{process}"))
            {
                try
                {
                    files.DeleteDirectory(Path.Combine(temporary, name));
                }
                catch (StorageException)
                {
                    // Another user's, whose server will remove it.
                }
            }
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int process, int signal);
}
