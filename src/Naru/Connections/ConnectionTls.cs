namespace Naru.Connections;

/// <summary>How a connection is protected on its way.</summary>
internal enum ConnectionTls
{
    /// <summary>TLS, and the server's certificate and name are checked.</summary>
    Verify,

    /// <summary>TLS, whoever answers.</summary>
    Require,

    /// <summary>None.</summary>
    Off,
}
