using System.Buffers;
using System.Globalization;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using Naru.Connections;

namespace Naru.Exports.Redis;

/// <summary>What a server said to one command: an error is a value, whose rows may not fit.</summary>
internal readonly record struct RespReply(bool IsError, string Text);

/// <summary>
/// Speaks RESP2 with one Redis: commands in a row, then their replies in the same order. Our own, because no package of
/// a client can be restored where Naru is built, and an export needs no more than this page: no pools, no scripts, no
/// subscriptions. A reply that is longer than 1 MB, or nested, is none that these commands give: it ends the
/// connection. Format: https://redis.io/docs/latest/develop/reference/protocol-spec/.
/// </summary>
internal sealed class RespConnection : IAsyncDisposable
{
    private const int ReplyBytesMax = 1 << 20;

    private readonly Socket _socket;
    private readonly System.IO.Stream _stream;
    private readonly ArrayBufferWriter<byte> _commands = new();
    private readonly byte[] _read = new byte[64 << 10];
    private int _start;
    private int _end;

    private RespConnection(Socket socket, System.IO.Stream stream) => (_socket, _stream) = (socket, stream);

    /// <summary>Commands that were written and not sent yet.</summary>
    public int Pending { get; private set; }

    public long BytesSent { get; private set; }

    /// <exception cref="SocketException">Nobody is there.</exception>
    /// <exception cref="System.Security.Authentication.AuthenticationException">TLS fails.</exception>
    public static async Task<RespConnection> OpenAsync(
        string host, int port, ConnectionTls tls, CancellationToken cancellationToken)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(host, port, cancellationToken).ConfigureAwait(false);
            System.IO.Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (tls == ConnectionTls.Off)
            {
                return new RespConnection(socket, stream);
            }

#pragma warning disable CA5359 // `tls: require` says so: whoever answers.
            RemoteCertificateValidationCallback? anyone = tls == ConnectionTls.Require
                ? static (_, _, _, _) => true : null;
#pragma warning restore CA5359
            SslStream secure = new(stream);
            await secure.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = host, RemoteCertificateValidationCallback = anyone,
                },
                cancellationToken).ConfigureAwait(false);
            return new RespConnection(socket, secure);
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
        Append($"*{words.Length}\r\n");
        foreach (string word in words)
        {
            int length = Encoding.UTF8.GetByteCount(word);
            Append($"${length}\r\n");
            Span<byte> room = _commands.GetSpan(length);
            _commands.Advance(Encoding.UTF8.GetBytes(word, room));
            Append("\r\n");
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
            replies[i] = await ReadAsync(cancellationToken).ConfigureAwait(false);
        }

        await sending.ConfigureAwait(false);
        BytesSent += _commands.WrittenCount;
        _commands.ResetWrittenCount();
        Pending = 0;
        return replies;
    }

    private async Task SendAsync(CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(_commands.WrittenMemory, cancellationToken).ConfigureAwait(false);
        await _stream.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    private void Append(string text) => Encoding.ASCII.GetBytes(text, _commands);

    private async Task<RespReply> ReadAsync(CancellationToken cancellationToken)
    {
        string line = await LineAsync(cancellationToken).ConfigureAwait(false);
        string rest = line.Length > 0 ? line[1..] : "";
        switch (line.Length > 0 ? line[0] : '\0')
        {
            case '+' or ':':
                return new RespReply(IsError: false, rest);
            case '-':
                return new RespReply(IsError: true, rest);
            case '$' when int.TryParse(rest, CultureInfo.InvariantCulture, out int length)
                && length is >= -1 and <= ReplyBytesMax:
                return new RespReply(
                    IsError: false,
                    length < 0 ? "" : await BytesAsync(length, cancellationToken).ConfigureAwait(false));
            default:
                throw new System.IO.IOException("the answer is not Redis's");
        }
    }

    private async Task<string> LineAsync(CancellationToken cancellationToken)
    {
        ArrayBufferWriter<byte> line = new();
        while (true)
        {
            byte next = await ByteAsync(cancellationToken).ConfigureAwait(false);
            if (next == '\n')
            {
                return Encoding.UTF8.GetString(line.WrittenSpan).TrimEnd('\r');
            }

            line.Write([next]);
            if (line.WrittenCount > ReplyBytesMax)
            {
                throw new System.IO.IOException("the answer is not Redis's");
            }
        }
    }

    private async Task<string> BytesAsync(int length, CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[length + 2];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = await ByteAsync(cancellationToken).ConfigureAwait(false);
        }

        return Encoding.UTF8.GetString(bytes.AsSpan(0, length));
    }

    private async ValueTask<byte> ByteAsync(CancellationToken cancellationToken)
    {
        if (_start == _end)
        {
            _end = await _stream.ReadAsync(_read, cancellationToken).ConfigureAwait(false);
            _start = 0;
            if (_end == 0)
            {
                throw new System.IO.IOException("the connection was closed");
            }
        }

        return _read[_start++];
    }
}
