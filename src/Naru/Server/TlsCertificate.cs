using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using Naru.Configuration;
using Naru.Core.Files;

namespace Naru.Server;

/// <summary>
/// The server's certificate as its files have it now: they are looked at again after a minute, so that a renewed one is
/// in force without a restart. Files that do not fit together leave the old one in force.
/// </summary>
internal sealed class TlsCertificate
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMinutes(1);
    private static readonly List<SslApplicationProtocol> Protocols =
        [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];

    private readonly IFileSystem _files;
    private readonly string _certificatePath;
    private readonly string _keyPath;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _gate = new();
    private byte[] _read = [];
    private SslStreamCertificateContext _context;
    private long _lookedAt;

    private TlsCertificate(ServerStart start, IFileSystem files, TimeProvider time, ILogger logger)
    {
        TlsOptions options = start.Settings.Get<TlsOptions>();
        _files = files;
        _time = time;
        _logger = logger;
        _certificatePath = Path.Combine(start.Paths.Root, options.Certificate);
        _keyPath = Path.Combine(start.Paths.Root, options.Key);
        _context = Load();
        _lookedAt = time.GetTimestamp();
    }

    /// <summary>Until when clients will take it.</summary>
    public DateTimeOffset ValidUntil
    {
        get
        {
            lock (_gate)
            {
                return new DateTimeOffset(_context.TargetCertificate.NotAfter.ToUniversalTime(), TimeSpan.Zero);
            }
        }
    }

    /// <exception cref="IOException">The files are not there, or are no certificate and its key.</exception>
    public static TlsCertificate Open(ServerStart start, IFileSystem files, TimeProvider time, ILogger logger) =>
        new(start, files, time, logger);

    /// <summary>What a connection is served with.</summary>
    public TlsHandshakeCallbackOptions Options() => new()
    {
        OnConnection = _ => ValueTask.FromResult(new SslServerAuthenticationOptions
        {
            ServerCertificateContext = Current(),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ApplicationProtocols = Protocols,
        }),
    };

    private SslStreamCertificateContext Current()
    {
        lock (_gate)
        {
            if (_time.GetElapsedTime(_lookedAt) >= LookEvery)
            {
                _lookedAt = _time.GetTimestamp();
                try
                {
                    _context = Load();
                }
                catch (IOException exception)
                {
                    ServerLog.CertificateKept(_logger, exception.Message);
                }
            }

            return _context;
        }
    }

    private SslStreamCertificateContext Load()
    {
        byte[] certificates = Read(_certificatePath);
        byte[] both = [.. certificates, .. Read(_keyPath)];
        if (_context is not null && both.AsSpan().SequenceEqual(_read))
        {
            return _context;
        }

        try
        {
            string pem = Encoding.UTF8.GetString(certificates);
            X509Certificate2 own = X509Certificate2.CreateFromPem(pem, Encoding.UTF8.GetString(Read(_keyPath)));
            X509Certificate2Collection chain = [];
            chain.ImportFromPem(pem);
            SslStreamCertificateContext context = SslStreamCertificateContext.Create(own, chain, offline: true);
            _read = both;
            return context;
        }
        catch (CryptographicException exception)
        {
            throw new IOException(
                $"\"{_certificatePath}\" and \"{_keyPath}\" are no certificate with its key: {exception.Message}",
                exception);
        }
    }

    private byte[] Read(string path) => WholeFile.Read(_files, path)
        ?? throw new IOException($"\"{path}\" is not there; tls.certificate and tls.key name PEM files");
}
