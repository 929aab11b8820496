using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Core.Files;
using Naru.Models;

namespace Naru.Exports.Files;

/// <summary>
/// Writes an interval as one file that is there whole or not at all; then its manifest in the same way, so that whoever
/// sees a manifest whose hash is the file's has the whole file.
/// </summary>
internal sealed class FileTarget(FileTargetDefinition target, TargetTools tools) : IExportTarget
{
    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly IFileStore _store = target.Bucket is null
        ? new FolderStore(tools.Files, Path.Combine(tools.Root, target.Folder))
        : new BucketStore(target, tools);

    public ValueTask DisposeAsync()
    {
        _store.Dispose();
        return ValueTask.CompletedTask;
    }

    public async Task<ExportTally> SendAsync(ExportJob job, CancellationToken cancellationToken)
    {
        try
        {
            await RefuseEarlierAsync(job, cancellationToken).ConfigureAwait(false);
            string name = $"{NameOf(job)}.{target.Form.ToString().ToLowerInvariant()}";
            RowFile file = new(tools, target.Form, target.Bom);
            (long rows, long bytes, string hash) = (0, 0, "");
            await _store.PutAsync(
                name,
                path => (rows, bytes, hash) = file.Write(job.Rows, path, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            string manifest = Manifest(job, (name, rows, bytes, hash)).ToJsonString(Readable) + "\n";
            await _store.PutAsync(
                ManifestOf(job), path => Write(path, Encoding.UTF8.GetBytes(manifest)), cancellationToken)
                .ConfigureAwait(false);
            job.Judged();
            return new ExportTally(rows, rows, 0, 0, bytes);
        }
        catch (StorageException exception)
        {
            throw new FillException(exception.Message, exception);
        }
    }

    /// <summary>Of an interval, or of all there is: `orders-2026-11-21.csv`, `orders.csv`.</summary>
    private static string NameOf(ExportJob job) =>
        job.Export.IsWhole ? job.Export.Name : $"{job.Export.Name}-{job.Interval.Replace(':', '.')}";

    private static string ManifestOf(ExportJob job) => $"{NameOf(job)}.manifest.json";

    private static JsonObject Manifest(ExportJob job, (string Name, long Rows, long Bytes, string Hash) file) => new()
    {
        ["export"] = job.Export.Name,
        ["interval"] = job.Interval,
        ["first"] = job.First,
        ["run"] = job.Run,
        ["file"] = file.Name,
        ["rows"] = file.Rows,
        ["bytes"] = file.Bytes,
        ["sha256"] = file.Hash,
        ["columns"] = new JsonArray([.. job.Rows.Columns.Select(static column => (JsonNode)new JsonObject
        {
            ["name"] = column.Name, ["type"] = column.Source,
        })]),
    };

    /// <summary>A file of all there is is not replaced by an earlier one.</summary>
    private async Task RefuseEarlierAsync(ExportJob job, CancellationToken cancellationToken)
    {
        if (job.Export.IsWhole && !job.Force
            && await _store.ReadAsync(ManifestOf(job), cancellationToken).ConfigureAwait(false) is { } manifest
            && JsonNode.Parse(manifest) is JsonObject known && known["first"]?.GetValue<long>() > job.First)
        {
            throw new FillException(
                $"the target holds {known["interval"]}, which is later; `--force` puts the earlier one in its place");
        }
    }

    private void Write(string path, byte[] bytes)
    {
        using IFile file = tools.Files.Open(path, FileOpen.CreateNew);
        file.Write(bytes, 0);
        file.SyncData();
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
