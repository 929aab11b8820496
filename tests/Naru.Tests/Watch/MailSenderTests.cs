using System.Net;
using System.Net.Sockets;
using System.Text;
using Naru.Watch;
using Naru.Watch.Alerts;

namespace Naru.Tests.Watch;

public sealed class MailSenderTests
{
    private static readonly byte[] Message = Encoding.UTF8.GetBytes(
        """{"text":"1 firing in shop\nFIRING orders_rejected: 5% of &lt;b&gt; &amp; 주문"}""");

    [Fact]
    public async Task A_message_is_mailed_with_its_first_line_as_the_subject()
    {
        using SmtpPeer peer = new();
        Assert.Null(await SendAsync(peer, "mailto:ops@example.com, two@example.com", Message));
        string said = await peer.Session;
        Assert.Contains("MAIL FROM:<naru@example.com>", said, StringComparison.Ordinal);
        Assert.Contains("RCPT TO:<ops@example.com>", said, StringComparison.Ordinal);
        Assert.Contains("RCPT TO:<two@example.com>", said, StringComparison.Ordinal);
        Assert.Contains("Subject: 1 firing in shop", said, StringComparison.Ordinal);
        string body = Encoding.UTF8.GetString(Convert.FromBase64String(
            said.Split("\r\n\r\n")[1].Replace("\r\n", "", StringComparison.Ordinal).TrimEnd('.')));
        Assert.Equal("1 firing in shop\r\nFIRING orders_rejected: 5% of <b> & 주문\r\n", body);
    }

    [Fact]
    public async Task What_cannot_be_mailed_is_told_without_the_address()
    {
        using SmtpPeer peer = new();
        Assert.Equal(
            "the mail's address is none; write mailto:name@example.com",
            await SendAsync(peer, "mailto:nobody", Message));
        Assert.Equal(
            "no mail server is set; write one to watch.smtp",
            await new MailSender(new WatchOptions(), static () => null)
                .SendAsync("mailto:a@example.com", Message, TestContext.Current.CancellationToken));
        using TcpListener nobody = new(IPAddress.Loopback, 0);
        nobody.Start();
        int port = ((IPEndPoint)nobody.LocalEndpoint).Port;
        nobody.Stop();
        Assert.Equal("the mail server does not answer", await SendAsync(port, "mailto:a@example.com", Message));
    }

    private static Task<string?> SendAsync(SmtpPeer peer, string address, byte[] message) =>
        SendAsync(peer.Port, address, message);

    private static Task<string?> SendAsync(int port, string address, byte[] message) => new MailSender(
        new WatchOptions { Smtp = $"127.0.0.1:{port}", SmtpTls = false, SmtpFrom = "naru@example.com" },
        static () => null).SendAsync(address, message, TestContext.Current.CancellationToken);

    /// <summary>Takes one mail.</summary>
    private sealed class SmtpPeer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public SmtpPeer()
        {
            _listener.Start();
            Session = TakeAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public Task<string> Session { get; }

        public void Dispose() => _listener.Dispose();

        private async Task<string> TakeAsync()
        {
            using TcpClient client = await _listener.AcceptTcpClientAsync();
            using StreamReader reader = new(client.GetStream(), Encoding.UTF8);
            await using StreamWriter writer = new(client.GetStream(), new UTF8Encoding(false))
            {
                NewLine = "\r\n", AutoFlush = true,
            };
            StringBuilder said = new();
            await writer.WriteLineAsync("220 peer");
            bool data = false;
            while (await reader.ReadLineAsync() is { } line)
            {
                said.Append(line).Append("\r\n");
                if (data && line != ".")
                {
                    continue;
                }

                string answer = line == "DATA" ? "354 go on" : line == "QUIT" ? "221 bye" : "250 ok";
                data = line == "DATA";
                await writer.WriteLineAsync(answer);
                if (line == "QUIT")
                {
                    break;
                }
            }

            return said.ToString();
        }
    }
}
