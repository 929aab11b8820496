namespace Naru.MySql;

/// <summary>What the server refused, or how the connection to it failed.</summary>
internal sealed class MySqlException(int code, string sqlState, string message) : Exception(message)
{
    /// <summary>The server's code below 2000 and from 3000; the client library's from 2000 to 2999 and 5000.</summary>
    public int Code { get; } = code;

    /// <summary>Five characters; `HY000` where nothing more is known.</summary>
    public string SqlState { get; } = sqlState;

    /// <summary>The server is away, full, or has dropped what it did: the same may succeed later.</summary>
    public bool IsTransient => Code switch
    {
        // Too many connections, shutdown in progress, lock wait timeout, deadlock, connection killed, lost, refused.
        1040 or 1053 or 1203 or 1205 or 1213 or 1226 or 1927 => true,
        2002 or 2003 or 2006 or 2013 or 2055 or 4031 or 5013 or 5014 => true,
        _ => false,
    };

    /// <summary>The session ended with it: it was killed, or its connection broke.</summary>
    public bool EndsSession => Code is 1053 or 1927 or 4031 or (>= 2000 and < 3000) or (>= 5000 and < 6000);

    /// <summary>The user may not do this.</summary>
    public bool IsDenied => Code is 1044 or 1045 or 1142 or 1143 or 1227 or 1370;
}
