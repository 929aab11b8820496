using System.Buffers;
using Naru.Query.Worker;

// A result in a spill folder is scratch of one query: not persistent, and read as a stream.
#pragma warning disable RS0030

namespace Naru.Query;

/// <summary>Sends a result that is a file from the worker's spill folder, and removes it.</summary>
internal static class FileResults
{
    private const int PieceBytes = 128 * 1024;

    public static async Task SendAsync(
        string spillFolder, ResultFormat format, IResultSink sink, CancellationToken cancellationToken)
    {
        string path = Path.Combine(spillFolder, QueryRun.FileOf(format));
        byte[] piece = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            await using FileStream file = new(
                path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.DeleteOnClose);
            while (true)
            {
                int read = await file.ReadAsync(piece, cancellationToken).ConfigureAwait(false);
                if (read == 0)
                {
                    return;
                }

                await sink.DataAsync(piece.AsMemory(0, read), cancellationToken).ConfigureAwait(false);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(piece);
        }
    }
}
