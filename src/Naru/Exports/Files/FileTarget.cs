using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Core.Files;
using Naru.Models;

namespace Naru.Exports.Files;

/// <summary>
/// Writes an interval as one file under another name, syncs it, and renames it into its place; then its manifest in the
/// same way, so that whoever sees a manifest whose hash is the file's has the whole file.
/// </summary>
internal sealed class FileTarget(FileTargetDefinition target, TargetTools tools) : IExportTarget
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private string Folder => Path.Combine(tools.Root, target.Folder);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public Task<ExportTally> SendAsync(ExportJob job, CancellationToken cancellationToken)
    {
        try
        {
            return Task.FromResult(Send(job, cancellationToken));
        }
        catch (StorageException exception)
        {
            throw new FillException(exception.Message, exception);
        }
    }

    /// <summary>Of an interval, or of all there is: `orders-2026-11-21.csv`, `orders.csv`.</summary>
    private static string NameOf(ExportJob job) =>
        job.Export.IsWhole ? job.Export.Name : $"{job.Export.Name}-{job.Interval.Replace(':', '.')}";

    private ExportTally Send(ExportJob job, CancellationToken cancellationToken)
    {
        tools.Files.CreateDirectory(Folder);
        string name = $"{NameOf(job)}.{target.Form.ToString().ToLowerInvariant()}";
        string fresh = $"{Folder}/.{name}.tmp";
        RefuseEarlier(job);
        tools.Files.Delete(fresh);
        RowFile file = new(tools, target.Form, target.Bom);
        (long rows, long bytes, string hash) = file.Write(job.Rows, fresh, cancellationToken);
        tools.Files.Rename(fresh, $"{Folder}/{name}");
        tools.Files.SyncDirectory(Folder);
        WriteManifest(job, new JsonObject
        {
            ["export"] = job.Export.Name,
            ["interval"] = job.Interval,
            ["first"] = job.First,
            ["run"] = job.Run,
            ["file"] = name,
            ["rows"] = rows,
            ["bytes"] = bytes,
            ["sha256"] = hash,
            ["columns"] = new JsonArray([.. job.Rows.Columns.Select(static column => (JsonNode)new JsonObject
            {
                ["name"] = column.Name, ["type"] = column.Source,
            })]),
        });
        job.Judged();
        return new ExportTally(rows, rows, 0, 0, bytes);
    }

    /// <summary>A file of all there is is not replaced by an earlier one.</summary>
    private void RefuseEarlier(ExportJob job)
    {
        if (job.Export.IsWhole && !job.Force
            && WholeFile.Read(tools.Files, $"{Folder}/{NameOf(job)}.manifest.json") is { } manifest
            && JsonNode.Parse(manifest) is JsonObject known && known["first"]?.GetValue<long>() > job.First)
        {
            throw new FillException(
                $"the target holds {known["interval"]}, which is later; `--force` puts the earlier one in its place");
        }
    }

    private void WriteManifest(ExportJob job, JsonObject manifest)
    {
        string path = $"{Folder}/{NameOf(job)}.manifest.json";
        string fresh = $"{Folder}/.{NameOf(job)}.manifest.json.tmp";
        tools.Files.Delete(fresh);
        using (IFile file = tools.Files.Open(fresh, FileOpen.CreateNew))
        {
            file.Write(Encoding.UTF8.GetBytes(manifest.ToJsonString(Readable) + "\n"), 0);
            file.SyncData();
        }

        tools.Files.Rename(fresh, path);
        tools.Files.SyncDirectory(Folder);
    }
}

/// <summary>Writes rows to one file, synced.</summary>
internal sealed class RowFile(TargetTools tools, RowForm form, bool bom)
{
    private const int FlushBytes = 256 << 10;
    private static readonly byte[] Mark = [0xEF, 0xBB, 0xBF];

    /// <summary>Rows, bytes and SHA-256 of the file, which must not be there yet.</summary>
    public (long Rows, long Bytes, string Hash) Write(ExportRows rows, string path, CancellationToken cancellationToken)
    {
        if (form == RowForm.Parquet)
        {
            rows.SaveBase(path);
            return (rows.Count - rows.Rejected, Seal(path, out string hash), hash);
        }

        using IncrementalHash sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IFile file = tools.Files.Open(path, FileOpen.CreateNew);
        using MemoryStream buffer = new();
        long written = 0;
        long count = 0;
        if (bom)
        {
            buffer.Write(Mark);
        }

        using (Lake.DuckDb.DuckDbResult typed = rows.Typed(RowSet.All))
        {
            foreach ((long number, ReadOnlyMemory<byte> text) in new RowText(form, tools.Zone, guard: bom).Write(typed))
            {
                if (rows.IsBad(number))
                {
                    continue;
                }

                buffer.Write(text.Span);
                count += number == 0 ? 0 : 1;
                if (buffer.Length >= FlushBytes)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    Flush();
                }
            }
        }

        Flush();
        file.SyncData();
        return (count, written, Convert.ToHexStringLower(sum.GetHashAndReset()));

        void Flush()
        {
            ReadOnlySpan<byte> bytes = buffer.GetBuffer().AsSpan(0, (int)buffer.Length);
            sum.AppendData(bytes);
            file.Write(bytes, written);
            written += bytes.Length;
            buffer.SetLength(0);
        }
    }

    private long Seal(string path, out string hash)
    {
        using IncrementalHash sum = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using IFile file = tools.Files.Open(path, FileOpen.Existing);
        byte[] buffer = new byte[FlushBytes];
        long at = 0;
        for (int read; (read = file.Read(buffer, at)) > 0; at += read)
        {
            sum.AppendData(buffer, 0, read);
        }

        file.SyncData();
        hash = Convert.ToHexStringLower(sum.GetHashAndReset());
        return at;
    }
}
