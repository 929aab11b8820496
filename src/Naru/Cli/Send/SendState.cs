using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Naru.Core.Files;

namespace Naru.Cli.Send;

/// <summary>
/// Where a send stopped: every line before it was acknowledged. Kept for `--resume`, in the user's state folder and not
/// beside the file, whose folder may be read-only. Losing it costs time only: what is sent twice lands once.
/// </summary>
internal sealed class SendState
{
    private const int HeadBytes = 64 << 10;

    private readonly IFileSystem _files;
    private readonly string _path;
    private readonly string _head;

    private SendState(IFileSystem files, string path, string head)
    {
        _files = files;
        _path = path;
        _head = head;
    }

    /// <summary>Null for standard input, which cannot be read again.</summary>
    /// <param name="folder">Where states are kept.</param>
    public static SendState? Of(SendJob job, IFileSystem files, string folder)
    {
        if (job.File == SendJob.StandardInput)
        {
            return null;
        }

        string identity = $"{Path.GetFullPath(job.File)}\n{job.Log}\n{job.Server}\n{job.Source}";
        string name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(identity)))[..24];
        return new SendState(files, $"{folder}/{name}.json", HeadOf(files, job.File));
    }

    /// <summary>$XDG_STATE_HOME/naru/send, or the place that stands for it.</summary>
    public static string DefaultFolder()
    {
        string? home = Environment.GetEnvironmentVariable("XDG_STATE_HOME");
        string root = home is { Length: > 0 } && Path.IsPathRooted(home)
            ? home
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".local", "state");
        return Path.Combine(root, "naru", "send");
    }

    /// <summary>Null when nothing is kept, or when the file begins otherwise than it did.</summary>
    public FilePlace? Read()
    {
        byte[]? bytes = WholeFile.Read(_files, _path);
        try
        {
            using JsonDocument? state = bytes is null ? null : JsonDocument.Parse(bytes);
            return state?.RootElement is { } root && root.GetProperty("head").GetString() == _head
                ? new FilePlace(root.GetProperty("line").GetInt64(), root.GetProperty("offset").GetInt64())
                : null;
        }
        catch (Exception exception)
            when (exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return null;
        }
    }

    public void Write(FilePlace place)
    {
        string text = string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"head":"{{_head}}","line":{{place.Line}},"offset":{{place.Offset}}}""");
        _files.CreateDirectory(Path.GetDirectoryName(_path)!);
        WholeFile.Replace(_files, _path, Encoding.UTF8.GetBytes(text));
    }

    public void Delete() => _files.Delete(_path);

    private static string HeadOf(IFileSystem files, string path)
    {
        using IFile file = files.Open(path, FileOpen.Read);
        byte[] head = new byte[HeadBytes];
        return Convert.ToHexStringLower(SHA256.HashData(head.AsSpan(0, file.Read(head, 0))));
    }
}
