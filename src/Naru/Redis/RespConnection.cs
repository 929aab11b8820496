using System.Buffers;
using System.Buffers.Text;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Naru.Connections;

namespace Naru.Redis;

/// <summary>Where a Redis is and how it is spoken to.</summary>
internal sealed record RespAddress(string Host, int Port, ConnectionTls Tls)
{
    /// <summary>Who may have signed its certificate; null for those that the system trusts.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>Of one text; a longer one ends the connection.</summary>
    public int ReplyBytesMax { get; init; } = 1 << 20;
}

/// <summary>
/// Speaks RESP2 with one Redis: commands in a row, then their replies in the same order. Our own, because no package of
/// a client can be restored where Naru is built, and no more is needed than this page: no pools, no scripts, no
/// subscriptions. Format: https://redis.io/docs/latest/develop/reference/protocol-spec/.
/// </summary>
internal sealed class RespConnection : IAsyncDisposable
{
    private const int LineBytesMax = 64 << 10;
    private const int ItemsMax = 1 << 24;
    private const int DepthMax = 6;
    private const string Foreign = "the answer is not Redis's";

    private readonly Socket _socket;
    private readonly System.IO.Stream _stream;
    private readonly int _replyBytesMax;
    private readonly ArrayBufferWriter<byte> _commands = new();
    private readonly byte[] _read = new byte[64 << 10];
    private int _start;
    private int _end;

    private RespConnection(Socket socket, System.IO.Stream stream, int replyBytesMax) =>
        (_socket, _stream, _replyBytesMax) = (socket, stream, replyBytesMax);

    /// <summary>Commands that were written and not sent yet.</summary>
    public int Pending { get; private set; }

    public long BytesSent { get; private set; }

    /// <exception cref="SocketException">Nobody is there.</exception>
    /// <exception cref="System.Security.Authentication.AuthenticationException">TLS fails.</exception>
    public static async Task<RespConnection> OpenAsync(RespAddress address, CancellationToken cancellationToken)
    {
        bool isLocal = address.Host.StartsWith('/');
        Socket socket = isLocal
            ? new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)
            : new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            EndPoint server = isLocal
                ? new UnixDomainSocketEndPoint(address.Host) : new DnsEndPoint(address.Host, address.Port);
            await socket.ConnectAsync(server, cancellationToken).ConfigureAwait(false);
            System.IO.Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (address.Tls == ConnectionTls.Off || isLocal)
            {
                return new RespConnection(socket, stream, address.ReplyBytesMax);
            }

            SslStream secure = new(stream);
            await secure.AuthenticateAsClientAsync(Protection(address), cancellationToken).ConfigureAwait(false);
            return new RespConnection(socket, secure, address.ReplyBytesMax);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync().ConfigureAwait(false);
        _socket.Dispose();
    }

    /// <summary>Adds a command to those that <see cref="FlushAsync"/> sends.</summary>
    public void Write(params ReadOnlySpan<string> words)
    {
        Append('*', words.Length);
        foreach (string word in words)
        {
            Append(word);
        }

        Pending++;
    }

    /// <summary>Adds a command on a key, which is bytes of any kind.</summary>
    /// <param name="command">One word, or two.</param>
    /// <param name="key">Which.</param>
    /// <param name="more">What stands behind it.</param>
    public void WriteOn(string command, ReadOnlySpan<byte> key, params ReadOnlySpan<string> more)
    {
        string[] words = command.Split(' ');
        Append('*', words.Length + 1 + more.Length);
        foreach (string word in words)
        {
            Append(word);
        }

        Append('$', key.Length);
        _commands.Write(key);
        _commands.Write("\r\n"u8);
        foreach (string word in more)
        {
            Append(word);
        }

        Pending++;
    }

    /// <summary>Sends what was written; gives the reply of each command.</summary>
    /// <exception cref="System.IO.IOException">The connection broke: any of them may have been carried out.</exception>
    public async Task<RespReply[]> FlushAsync(CancellationToken cancellationToken)
    {
        // Replies are read meanwhile: a server whose replies nobody takes stops reading.
        Task sending = SendAsync(cancellationToken);
        RespReply[] replies = new RespReply[Pending];
        for (int i = 0; i < replies.Length; i++)
        {
            replies[i] = await ReadAsync(0, cancellationToken).ConfigureAwait(false);
        }

        await sending.ConfigureAwait(false);
        BytesSent += _commands.WrittenCount;
        _commands.ResetWrittenCount();
        Pending = 0;
        return replies;
    }

    private static SslClientAuthenticationOptions Protection(RespAddress address)
    {
        SslClientAuthenticationOptions options = new() { TargetHost = address.Host };
        if (address.Tls == ConnectionTls.Require)
        {
#pragma warning disable CA5359 // `tls: require` says so: whoever answers.
            options.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }
        else if (address.Authorities is { } authorities)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.AddRange(authorities);
        }

        return options;
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(_commands.WrittenMemory, cancellationToken).ConfigureAwait(false);
        await _stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private void Append(string word)
    {
        int length = Encoding.UTF8.GetByteCount(word);
        Append('$', length);
        _commands.Advance(Encoding.UTF8.GetBytes(word, _commands.GetSpan(length)));
        _commands.Write("\r\n"u8);
    }

    private void Append(char mark, int number)
    {
        Span<byte> room = _commands.GetSpan(16);
        room[0] = (byte)mark;
        Utf8Formatter.TryFormat(number, room[1..], out int written);
        "\r\n"u8.CopyTo(room[(1 + written)..]);
        _commands.Advance(written + 3);
    }

    private async ValueTask<RespReply> ReadAsync(int depth, CancellationToken cancellationToken)
    {
        byte[] line = await LineAsync(cancellationToken).ConfigureAwait(false);
        switch (line.Length > 0 ? (char)line[0] : '\0')
        {
            case '+' or ':':
                return new RespReply { Bytes = line[1..] };
            case '-':
                return new RespReply { IsError = true, Bytes = line[1..] };
            case '$' when Length(line) is var length and >= -1 && length <= _replyBytesMax:
                return length < 0 ? default
                    : new RespReply { Bytes = await BytesAsync(length, cancellationToken).ConfigureAwait(false) };
            case '*' when Length(line) is var count and >= -1 and <= ItemsMax && depth < DepthMax:
                return count < 0 ? default
                    : new RespReply { Items = await ItemsAsync(count, depth, cancellationToken).ConfigureAwait(false) };
            default:
                throw new System.IO.IOException(Foreign);
        }
    }

    /// <summary>Of the right size only when they came: a length alone takes no memory.</summary>
    private async Task<RespReply[]> ItemsAsync(int count, int depth, CancellationToken cancellationToken)
    {
        List<RespReply> items = new(Math.Min(count, 1_024));
        while (items.Count < count)
        {
            items.Add(await ReadAsync(depth + 1, cancellationToken).ConfigureAwait(false));
        }

        return [.. items];
    }

    /// <summary>-2 for what is none.</summary>
    private static int Length(byte[] line) =>
        Utf8Parser.TryParse(line.AsSpan(1), out int number, out int used) && used == line.Length - 1 ? number : -2;

    private async ValueTask<byte[]> LineAsync(CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte>? longer = null;
        while (true)
        {
            int end = _read.AsSpan(_start, _end - _start).IndexOf((byte)'\n');
            if (end >= 0)
            {
                ReadOnlySpan<byte> last = _read.AsSpan(_start, end);
                _start += end + 1;
                if (longer is null)
                {
                    return last.TrimEnd((byte)'\r').ToArray();
                }

                longer.Write(last);
                return longer.WrittenSpan.TrimEnd((byte)'\r').ToArray();
            }

            longer ??= new ArrayBufferWriter<byte>();
            longer.Write(_read.AsSpan(_start, _end - _start));
            _start = _end;
            if (longer.WrittenCount > LineBytesMax)
            {
                throw new System.IO.IOException(Foreign);
            }

            await FillAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private async ValueTask<byte[]> BytesAsync(int length, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[length];
        int at = Math.Min(length, _end - _start);
        _read.AsSpan(_start, at).CopyTo(bytes);
        _start += at;
        while (at < length)
        {
            int read = await _stream.ReadAsync(bytes.AsMemory(at), cancellationToken).ConfigureAwait(false);
            at += read > 0 ? read : throw new System.IO.IOException("the connection was closed");
        }

        for (int i = 0; i < 2; i++)
        {
            if (_start == _end)
            {
                await FillAsync(cancellationToken).ConfigureAwait(false);
            }

            _start++;
        }

        return bytes;
    }

    private async ValueTask FillAsync(CancellationToken cancellationToken)
    {
        _end = await _stream.ReadAsync(_read, cancellationToken).ConfigureAwait(false);
        _start = 0;
        if (_end == 0)
        {
            throw new System.IO.IOException("the connection was closed");
        }
    }
}
