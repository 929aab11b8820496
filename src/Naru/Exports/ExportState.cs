using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Core.Files;

namespace Naru.Exports;

/// <summary>
/// What is kept of one export and one target, in `data/exports/NAME/TARGET-HASH/`: the rows that the target holds
/// (`base-TOKEN.parquet`, of mirrors: whoever says which one holds, the target or `held` here, is asked first), and
/// those that did not fit (`bad-COLUMNS.parquet`).
/// </summary>
internal sealed class ExportState(IFileSystem files, string folder)
{
    private const string Base = "base-";
    private const string Bad = "bad-";
    private const string Extension = ".parquet";
    private const string Held = "held";

    public static string Token(long first, long started) =>
        string.Create(CultureInfo.InvariantCulture, $"{first}-{started}");

    /// <summary>The bad rows of earlier exports of the same columns; null for none.</summary>
    public string? FindBad(string columns) => files.FileExists(BadPath(columns)) ? BadPath(columns) : null;

    public static bool IsBad(string file) =>
        file.StartsWith(Bad, StringComparison.Ordinal) && file.EndsWith(Extension, StringComparison.Ordinal);

    /// <summary>The rows that the target got by then; null when they are not known.</summary>
    public string? FindBase(string token) => files.FileExists(BasePath(token)) ? BasePath(token) : null;

    public void SaveBase(ExportRows rows, string token)
    {
        files.CreateDirectory(folder);
        string fresh = $"{BasePath(token)}.tmp";
        files.Delete(fresh);
        rows.SaveBase(fresh);
        Put(fresh, BasePath(token));
    }

    /// <summary>The export has gone out: keeps its bad rows, and nothing that it outdates.</summary>
    /// <param name="rows">What went out.</param>
    /// <param name="token">Of the base that holds now.</param>
    /// <param name="columns">Of the rows.</param>
    /// <param name="now">Unix microseconds.</param>
    public void Settle(ExportRows rows, string token, string columns, long now)
    {
        files.CreateDirectory(folder);
        string fresh = $"{BadPath(columns)}.tmp";
        files.Delete(fresh);
        if (rows.SaveBad(fresh, now) > 0)
        {
            Put(fresh, BadPath(columns));
        }
        else
        {
            files.Delete(fresh);
            files.Delete(BadPath(columns));
        }

        foreach (string name in files.List(folder))
        {
            if (name.StartsWith(Base, StringComparison.Ordinal) && $"{folder}/{name}" != BasePath(token))
            {
                files.Delete($"{folder}/{name}");
            }
        }
    }

    /// <summary>
    /// Of targets that cannot say it themselves: the exports of which they may hold rows. One, unless one was
    /// interrupted; none when nothing was sent, or nothing is known.
    /// </summary>
    public ImmutableArray<string> ReadHeld() => WholeFile.Read(files, $"{folder}/{Held}") is { } bytes
        ? [.. Encoding.UTF8.GetString(bytes).Split('\n', StringSplitOptions.RemoveEmptyEntries)] : [];

    public void WriteHeld(ImmutableArray<string> tokens)
    {
        files.CreateDirectory(folder);
        string fresh = $"{folder}/{Held}.tmp";
        files.Delete(fresh);
        using (IFile file = files.Open(fresh, FileOpen.CreateNew))
        {
            file.Write(Encoding.UTF8.GetBytes(string.Join('\n', tokens)), 0);
            file.SyncData();
        }

        files.Rename(fresh, $"{folder}/{Held}");
        files.SyncDirectory(folder);
    }

    private string BasePath(string token) => $"{folder}/{Base}{token}{Extension}";

    private string BadPath(string columns) => $"{folder}/{Bad}{columns}{Extension}";

    private void Put(string fresh, string path)
    {
        using (IFile file = files.Open(fresh, FileOpen.Existing))
        {
            file.SyncData();
        }

        files.Rename(fresh, path);
        files.SyncDirectory(folder);
    }
}
