using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Naru.Tests.Platform;

/// <summary>Who signs certificates of `localhost` for tests, whom nobody trusts who is not told to.</summary>
internal static class TestAuthority
{
    /// <summary>Writes `ca.pem`, and of a server `server.pem` and `server-key.pem`.</summary>
    public static void Write(string folder)
    {
        using RSA authority = RSA.Create(2048);
        CertificateRequest asked = new("CN=naru tests", authority, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        asked.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        asked.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(asked.PublicKey, false));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 signer = asked.CreateSelfSigned(now.AddDays(-1), now.AddDays(2));
        File.WriteAllText($"{folder}/ca.pem", signer.ExportCertificatePem());

        using RSA key = RSA.Create(2048);
        CertificateRequest issued = new("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        SubjectAlternativeNameBuilder names = new();
        names.AddDnsName("localhost");
        issued.CertificateExtensions.Add(names.Build());
        using X509Certificate2 server = issued.Create(signer, now.AddDays(-1), now.AddDays(1), [1, 2, 3, 4]);
        File.WriteAllText($"{folder}/server.pem", server.ExportCertificatePem());
        File.WriteAllText($"{folder}/server-key.pem", key.ExportPkcs8PrivateKeyPem());
    }
}
