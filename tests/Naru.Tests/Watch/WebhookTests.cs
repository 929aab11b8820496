using System.Net;
using System.Net.Sockets;
using System.Text;
using Naru.Watch.Alerts;

namespace Naru.Tests.Watch;

public class WebhookTests
{
    private static readonly byte[] Message = "{\"text\":\"x\"}"u8.ToArray();

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("127.1.2.3")]
    [InlineData("0.0.0.0")]
    [InlineData("10.0.0.1")]
    [InlineData("100.64.0.1")]
    [InlineData("169.254.169.254")]
    [InlineData("172.16.0.1")]
    [InlineData("172.31.255.255")]
    [InlineData("192.0.0.8")]
    [InlineData("192.0.2.1")]
    [InlineData("192.168.1.1")]
    [InlineData("198.18.0.1")]
    [InlineData("198.51.100.1")]
    [InlineData("203.0.113.1")]
    [InlineData("224.0.0.1")]
    [InlineData("240.0.0.1")]
    [InlineData("255.255.255.255")]
    [InlineData("::")]
    [InlineData("::1")]
    [InlineData("::127.0.0.1")]
    [InlineData("::ffff:127.0.0.1")]
    [InlineData("::ffff:169.254.169.254")]
    [InlineData("64:ff9b::a9fe:a9fe")]
    [InlineData("64:ff9b:1::1")]
    [InlineData("2002:7f00:1::")]
    [InlineData("2001::1")]
    [InlineData("2001:db8::1")]
    [InlineData("3fff::1")]
    [InlineData("fc00::1")]
    [InlineData("fd12:3456::1")]
    [InlineData("fe80::1")]
    [InlineData("fec0::1")]
    [InlineData("ff02::1")]
    [InlineData("100::1")]
    public void An_address_that_only_this_network_reaches_is_not_public(string address) =>
        Assert.False(PublicAddress.Is(IPAddress.Parse(address)));

    [Theory]
    [InlineData("1.1.1.1")]
    [InlineData("100.63.255.255")]
    [InlineData("172.32.0.1")]
    [InlineData("192.0.1.1")]
    [InlineData("2606:4700::1111")]
    [InlineData("::ffff:8.8.8.8")]
    [InlineData("2a00:1450::1")]
    public void An_address_of_the_internet_is_public(string address) =>
        Assert.True(PublicAddress.Is(IPAddress.Parse(address)));

    [Theory]
    [InlineData("http://127.0.0.1:{0}/x")]
    [InlineData("http://localhost:{0}/")]
    [InlineData("http://2130706433:{0}/")]
    [InlineData("http://0x7f.1:{0}/")]
    [InlineData("http://0177.0.0.1:{0}/")]
    [InlineData("http://[::1]:{0}/")]
    [InlineData("http://[::ffff:127.0.0.1]:{0}/")]
    [InlineData("http://127.0.0.1.:{0}/")]
    [InlineData("http://0:{0}/")]
    public async Task This_machine_is_refused_in_every_form_before_anything_is_sent(string form)
    {
        await using Hook hook = new("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        using WebhookSender sender = new(allowPrivate: false);
        string address = form.Replace("{0}", hook.Port.ToString(), StringComparison.Ordinal);
        string? failure = await sender.SendAsync(address, Message, CancellationToken.None);
        Assert.NotNull(failure);
        Assert.Equal(0, hook.Accepted);
    }

    [Fact]
    public async Task Allowed_private_hosts_are_reached()
    {
        await using Hook hook = new("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        using WebhookSender sender = new(allowPrivate: true);
        Assert.Null(await sender.SendAsync($"http://127.0.0.1:{hook.Port}/x", Message, CancellationToken.None));
        Assert.Contains("POST /x HTTP/1.1", hook.Received, StringComparison.Ordinal);
        Assert.EndsWith("{\"text\":\"x\"}", hook.Received, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using Hook target = new("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        await using Hook hook = new(
            $"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{target.Port}/\r\nContent-Length: 0\r\n\r\n");
        using WebhookSender sender = new(allowPrivate: true);
        Assert.Equal(
            "the webhook answered 302",
            await sender.SendAsync($"http://127.0.0.1:{hook.Port}/", Message, CancellationToken.None));
        Assert.Equal(0, target.Accepted);
    }

    [Theory]
    [InlineData("ftp://example.com/x")]
    [InlineData("file:///etc/passwd")]
    [InlineData("secret-token")]
    [InlineData("http://user:password@example.com/")]
    public async Task What_is_no_plain_web_address_is_refused_without_repeating_it(string address)
    {
        using WebhookSender sender = new(allowPrivate: true);
        string failure = (await sender.SendAsync(address, Message, CancellationToken.None))!;
        Assert.DoesNotContain("passw", failure, StringComparison.Ordinal);
        Assert.DoesNotContain("token", failure, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endless_answer_is_cut()
    {
        string endless = "HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + new string('x', 200_000);
        await using Hook hook = new(endless);
        using WebhookSender sender = new(allowPrivate: true);
        Assert.NotNull(await sender.SendAsync($"http://127.0.0.1:{hook.Port}/", Message, CancellationToken.None));
    }

    /// <summary>A server on loopback that gives every connection one answer.</summary>
    private sealed class Hook : IAsyncDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();
        private readonly StringBuilder _received = new();
        private readonly Task _running;

        public Hook(string answer)
        {
            _listener.Start();
            _running = RunAsync(answer);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public int Accepted { get; private set; }

        public string Received => _received.ToString();

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            _listener.Stop();
            await _running;
            _stop.Dispose();
        }

        private async Task RunAsync(string answer)
        {
            try
            {
                while (true)
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync(_stop.Token);
                    Accepted++;
                    await ServeAsync(client.GetStream(), answer);
                }
            }
            catch (Exception exception) when (exception is not Xunit.Sdk.XunitException)
            {
                // The test is over, or the client hung up as it should.
            }
        }

        private async Task ServeAsync(NetworkStream stream, string answer)
        {
            byte[] buffer = new byte[8192];
            while (!Received.EndsWith('}'))
            {
                int read = await stream.ReadAsync(buffer, _stop.Token);
                _received.Append(Encoding.UTF8.GetString(buffer, 0, read));
                if (read == 0)
                {
                    return;
                }
            }

            await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), _stop.Token);
        }
    }
}
