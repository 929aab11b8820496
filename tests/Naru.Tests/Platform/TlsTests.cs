using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Server;
using Naru.Sim;
using Naru.Yaml;

namespace Naru.Tests.Platform;

/// <summary>HTTPS with a certificate of one's own, and no plain HTTP where others could listen.</summary>
[Trait("Size", "Slow")]
public sealed class TlsTests
{
    [Fact]
    public async Task Statements_are_asked_over_TLS_with_a_key_as_the_password()
    {
        using PlatformProject project = new();
        string thumbprint = WriteCertificate(project.Root);
        Configure(project.Root);
        string secret = await MakeKeyAsync(project.Root);
        await using PlatformProcess platform = await PlatformProcess.StartAsync(project.Root);
        string address = await SecureAddressAsync(platform);
        string? shown = null;
        using HttpClientHandler handler = new()
        {
            ServerCertificateCustomValidationCallback = (_, certificate, _, _) =>
            {
                shown = certificate?.Thumbprint;
                return true;
            },
        };
        using HttpClient https = new(handler) { BaseAddress = new Uri(address) };
        using HttpResponseMessage refused = await https.PostAsync("/v1/statement", new StringContent("SELECT 1"));
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        https.DefaultRequestHeaders.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue(
            "Basic", Convert.ToBase64String(System.Text.Encoding.UTF8.GetBytes($"anyone:{secret}")));
        using HttpResponseMessage first = await https.PostAsync(
            "/v1/statement", new StringContent("SELECT current_user"));
        string body = await first.Content.ReadAsStringAsync();
        Assert.True(first.IsSuccessStatusCode, body);
        Assert.Equal(thumbprint, shown);
        Assert.Equal("max-age=31536000", first.Headers.GetValues("Strict-Transport-Security").Single());
        string answers = body;
        while (NextOf(body) is { } next)
        {
            // A busy machine answers some polls without a row.
            Assert.StartsWith(address, next, StringComparison.Ordinal);
            body = await https.GetStringAsync(new Uri(next));
            answers += body;
        }

        Assert.Contains("\"data\":[[\"analyst\"]]", answers, StringComparison.Ordinal);
        await platform.StopAsync();
    }

    [Fact]
    public async Task A_server_does_not_start_where_others_could_listen_in()
    {
        using PlatformProject project = new();
        (int code, string said) = await PlatformProcess.RunAsync("up", project.Root, "--listen", "0.0.0.0:0");
        Assert.Equal(2, code);
        Assert.Contains("can be reached from other machines", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_is_none_stops_the_start_with_its_name()
    {
        using PlatformProject project = new();
        await File.WriteAllTextAsync(Path.Combine(project.Root, "cert.pem"), "no certificate");
        await File.WriteAllTextAsync(Path.Combine(project.Root, "key.pem"), "no key");
        Configure(project.Root);
        (int code, string said) = await PlatformProcess.RunAsync("up", project.Root, "--listen", "127.0.0.1:0");
        Assert.Equal(1, code);
        Assert.Contains("cert.pem", said, StringComparison.Ordinal);
        Assert.Contains("no certificate with its key", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_renewed_certificate_is_in_force_after_a_minute_and_a_broken_one_never()
    {
        using PlatformProject project = new();
        string first = WriteCertificate(project.Root);
        Configure(project.Root);
        ProjectPaths paths = new(project.Root);
        Settings settings = new ProjectFolder(new PosixFileSystem(), paths)
            .ReadSettings(new Dictionary<string, string>(), new MistakeList())!;
        ServerStart start = new(paths, settings, new IPEndPoint(IPAddress.Loopback, 0), false);
        ManualTimeProvider clock = new();
        TlsCertificate certificate = TlsCertificate.Open(
            start, new PosixFileSystem(), clock, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance);
        Assert.Equal(first, await ShownAsync(certificate));
        string second = WriteCertificate(project.Root);
        Assert.Equal(first, await ShownAsync(certificate));
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(second, await ShownAsync(certificate));
        await File.WriteAllTextAsync(Path.Combine(project.Root, "cert.pem"), "half a fi");
        clock.Advance(TimeSpan.FromSeconds(61));
        Assert.Equal(second, await ShownAsync(certificate));
    }

    private static string? NextOf(string answer) =>
        JsonDocument.Parse(answer).RootElement.TryGetProperty("nextUri", out JsonElement next)
            ? next.GetString() : null;

    private static async Task<string> ShownAsync(TlsCertificate certificate) =>
        (await certificate.Options().OnConnection(default!)).ServerCertificateContext!.TargetCertificate.Thumbprint;

    internal static void Configure(string root) => File.AppendAllText(
        Path.Combine(root, "naru.yaml"),
        "tls:\n  listen: 127.0.0.1:0\n  certificate: cert.pem\n  key: key.pem\n");

    /// <summary>Self-signed, for 127.0.0.1. Gives its thumbprint.</summary>
    internal static string WriteCertificate(string root)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("CN=localhost", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder names = new();
        names.AddIpAddress(IPAddress.Loopback);
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using X509Certificate2 certificate = request.CreateSelfSigned(
            DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        File.WriteAllText(Path.Combine(root, "cert.pem"), certificate.ExportCertificatePem());
        File.WriteAllText(Path.Combine(root, "key.pem"), key.ExportPkcs8PrivateKeyPem());
        return certificate.Thumbprint;
    }

    /// <summary>A key that may read all; its source is `analyst`.</summary>
    internal static async Task<string> MakeKeyAsync(string root)
    {
        (int made, string said) = await PlatformProcess.RunAsync(
            "key", "add", "analyst", "--read", "*", "--project", root);
        Assert.True(made == 0, said);
        return said.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)
            .First(static word => word.StartsWith("nk_", StringComparison.Ordinal));
    }

    /// <summary>It is told a line after the plain one.</summary>
    internal static async Task<string> SecureAddressAsync(PlatformProcess platform)
    {
        for (int i = 0; i < 6_000; i++)
        {
            string? line = platform.Output.Split('\n').FirstOrDefault(
                static line => line.Contains("serves it by TLS", StringComparison.Ordinal));
            if (line is not null)
            {
                int start = line.IndexOf("https://", StringComparison.Ordinal);
                return line[start..line.IndexOf(" serves", start, StringComparison.Ordinal)];
            }

            await Task.Delay(10);
        }

        throw new InvalidOperationException($"no address is told for TLS:\n{platform.Output}");
    }
}
