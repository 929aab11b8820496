using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using ByteStream = System.IO.Stream;

namespace Naru.Collect;

/// <summary>Codings of a body; one at a time, stacked ones are refused.</summary>
internal enum BodyCoding
{
    Identity,
    Gzip,
    Brotli,

    /// <summary>With the zlib header as the standard says, or raw as some clients send it.</summary>
    Deflate,
}

/// <summary>
/// A body's bytes, decompressed, capped. Reads straight from the connection's pipe where nothing is compressed. Throws
/// <see cref="InvalidDataException"/> for a damaged or shortened stream, what Kestrel throws for a broken body.
/// </summary>
internal sealed class BodySource(PipeReader pipe, BodyCoding coding, long bytesMax) : IAsyncDisposable
{
    private ByteStream? _decoded;

    /// <summary>Bytes read so far, decompressed.</summary>
    public long Total { get; private set; }

    public bool IsCompleted { get; private set; }

    /// <summary>The body has more bytes than it may: reading stopped.</summary>
    public bool IsTooLarge { get; private set; }

    /// <summary>Reads at least one byte unless the body is at its end (0) or too large (0).</summary>
    public async ValueTask<int> ReadAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        int read = coding == BodyCoding.Identity
            ? await ReadPipeAsync(destination, cancellationToken).ConfigureAwait(false)
            : await ReadDecodedAsync(destination, cancellationToken).ConfigureAwait(false);
        Total += read;
        if (Total <= bytesMax)
        {
            return read;
        }

        IsTooLarge = true;
        IsCompleted = true;
        return 0;
    }

    public ValueTask DisposeAsync() => _decoded?.DisposeAsync() ?? ValueTask.CompletedTask;

    private async ValueTask<int> ReadPipeAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await pipe.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (buffer.IsEmpty && !result.IsCompleted)
            {
                pipe.AdvanceTo(buffer.End);
                continue;
            }

            int length = (int)Math.Min(destination.Length, buffer.Length);
            IsCompleted = result.IsCompleted && length == buffer.Length;
            buffer = buffer.Slice(0, length);
            buffer.CopyTo(destination.Span);
            pipe.AdvanceTo(buffer.End);
            return length;
        }
    }

    private async ValueTask<int> ReadDecodedAsync(Memory<byte> destination, CancellationToken cancellationToken)
    {
        _decoded ??= await OpenAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            int read = await _decoded.ReadAsync(destination, cancellationToken).ConfigureAwait(false);
            IsCompleted = read == 0;
            return read;
        }
        catch (InvalidOperationException exception) when (coding == BodyCoding.Brotli)
        {
            // What BrotliStream throws for damaged data.
            throw new InvalidDataException(exception.Message, exception);
        }
        catch (IOException exception) when (exception.GetType().Assembly == typeof(DeflateStream).Assembly)
        {
            // ZLibException, which is not public: a stream that asks for a dictionary. Kestrel's own pass through.
            throw new InvalidDataException(exception.Message, exception);
        }
    }

    private async ValueTask<ByteStream> OpenAsync(CancellationToken cancellationToken)
    {
        ByteStream body = pipe.AsStream(leaveOpen: true);
        return coding switch
        {
            BodyCoding.Gzip => new GZipStream(body, CompressionMode.Decompress),
            BodyCoding.Brotli => new BrotliStream(body, CompressionMode.Decompress),
            _ when await HasZlibHeaderAsync(cancellationToken).ConfigureAwait(false) =>
                new ZLibStream(body, CompressionMode.Decompress),
            _ => new DeflateStream(body, CompressionMode.Decompress),
        };
    }

    /// <summary>RFC 1950: method 8, and the first two bytes are a multiple of 31.</summary>
    private async ValueTask<bool> HasZlibHeaderAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            ReadResult result = await pipe.ReadAsync(cancellationToken).ConfigureAwait(false);
            ReadOnlySequence<byte> buffer = result.Buffer;
            if (buffer.Length >= 2 || result.IsCompleted)
            {
                bool zlib = IsZlibHeader(buffer);
                pipe.AdvanceTo(buffer.Start);
                return zlib;
            }

            pipe.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static bool IsZlibHeader(ReadOnlySequence<byte> buffer)
    {
        if (buffer.Length < 2)
        {
            return false;
        }

        Span<byte> header = stackalloc byte[2];
        buffer.Slice(0, 2).CopyTo(header);
        return (header[0] & 0x0f) == 8 && ((header[0] << 8) | header[1]) % 31 == 0;
    }
}
