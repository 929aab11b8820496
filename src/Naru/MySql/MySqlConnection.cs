using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace Naru.MySql;

/// <summary>
/// One session with a server. Its calls wait for the server, so they belong on a thread that may wait; one call at a
/// time, save <see cref="Abort"/>, which any thread may call. Text is utf8mb4 both ways, times of the session are UTC,
/// and statements are sent one by one: several in one text are refused by the server.
/// </summary>
internal sealed class MySqlConnection : IDisposable
{
    /// <summary>
    /// The ways to prove a password that keep it: a server may otherwise ask for it in clear, or have the library ask
    /// a person.
    /// </summary>
    private const string AllowedAuthentication =
        "mysql_native_password,caching_sha2_password,sha256_password,client_ed25519";

    private const int Tcp = 1;
    private const int UnixSocket = 2;

    /// <summary>The client library's code for whatever fails about TLS.</summary>
    private const int NoTls = 2026;

    private static readonly TimeSpan KillTimeout = TimeSpan.FromSeconds(10);

    private readonly MySqlHandle _handle;
    private MySqlRows? _rows;

    private MySqlConnection(MySqlHandle handle, MySqlAddress address)
    {
        _handle = handle;
        Address = address;
    }

    public MySqlAddress Address { get; }

    /// <summary>The session's number in the server, by which another one can end it.</summary>
    public ulong SessionId { get; private set; }

    /// <summary>E.g. `10.11.19-MariaDB-0+deb12u1` or `8.4.2`.</summary>
    public string ServerVersion { get; private set; } = "";

    public bool IsMariaDb => ServerVersion.Contains("MariaDB", StringComparison.OrdinalIgnoreCase);

    /// <summary>The cipher of the connection; null where it is not encrypted.</summary>
    public unsafe string? TlsCipher => Marshal.PtrToStringUTF8((nint)MySqlApi.TlsCipher(_handle));

    /// <summary>
    /// Opens a session. Throws <see cref="MySqlException"/>, <see cref="MySqlLibraryException"/>, and
    /// <see cref="ArgumentException"/> for an address with a <see cref="MySqlAddress.Fault"/>.
    /// </summary>
    public static MySqlConnection Open(MySqlAddress address)
    {
        if (address.Fault() is { } fault)
        {
            throw new ArgumentException(fault, nameof(address));
        }

        MySqlLibrary.Need();
        MySqlConnection connection = new(new MySqlHandle(MySqlApi.Initialise(0)), address);
        try
        {
            connection.SetOptions();
            connection.Connect();
            connection.Begin();
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Runs a statement whose rows, if any, are of no interest; gives how many rows it changed.</summary>
    public long Execute(string sql)
    {
        int bytes = Encoding.UTF8.GetByteCount(sql);
        byte[] utf8 = ArrayPool<byte>.Shared.Rent(bytes);
        try
        {
            return Execute(utf8.AsSpan(0, Encoding.UTF8.GetBytes(sql, utf8)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(utf8);
        }
    }

    /// <param name="sql">UTF-8.</param>
    public long Execute(ReadOnlySpan<byte> sql)
    {
        Send(sql);
        if (MySqlApi.FieldCount(_handle) != 0)
        {
            using MySqlRows rows = TakeRows();
            while (rows.Read())
            {
            }

            return 0;
        }

        return (long)MySqlApi.AffectedRows(_handle);
    }

    /// <summary>
    /// What the statement before told of its rows: `Records: 3  Duplicates: 1  Warnings: 0` after an INSERT of several;
    /// empty after most.
    /// </summary>
    public unsafe string Info => Marshal.PtrToStringUTF8((nint)MySqlApi.Info(_handle)) ?? "";

    /// <summary>
    /// Runs a query whose rows come as the server makes them. The next statement may begin when its last row was read
    /// or it was disposed of.
    /// </summary>
    public MySqlRows Query(string sql)
    {
        Send(Encoding.UTF8.GetBytes(sql));
        return TakeRows();
    }

    /// <summary>The texts of all rows' columns: for the few rows of a catalog.</summary>
    public List<string?[]> Texts(string sql)
    {
        using MySqlRows rows = Query(sql);
        List<string?[]> texts = [];
        while (rows.Read())
        {
            string?[] row = new string?[rows.Fields.Length];
            for (int i = 0; i < row.Length; i++)
            {
                row[i] = rows.IsNull(i) ? null : Encoding.UTF8.GetString(rows[i]);
            }

            texts.Add(row);
        }

        return texts;
    }

    /// <summary>
    /// Ends what runs, from any thread: our side at once, with an error in the thread that waits; the server's side by
    /// a second session, as far as it can be reached. The connection is of no further use.
    /// </summary>
    public void Abort()
    {
        Cut();
        Kill();
    }

    /// <summary>Nothing more can be asked of it.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>Shuts the connection, from any thread and at once: what waits for it ends with an error.</summary>
    public void Cut()
    {
        IsBroken = true;
        try
        {
            _ = MySqlApi.Cancel(_handle);
        }
        catch (ObjectDisposedException)
        {
            // It has ended by itself.
        }
    }

    /// <summary>
    /// Ends the session in the server, by a second one: a server that still looks for the first row would not notice
    /// that nobody listens.
    /// </summary>
    public void Kill()
    {
        try
        {
            using MySqlConnection other = Open(Address with { ConnectTimeout = KillTimeout, SilenceMax = KillTimeout });
            other.Execute($"KILL CONNECTION {SessionId}");
        }
        catch (MySqlException)
        {
            // Already gone, or out of reach: it will find the closed connection when it writes.
        }
    }

    public void Dispose()
    {
        _rows?.Dispose();
        _handle.Dispose();
    }

    internal void Finished(MySqlRows rows)
    {
        if (ReferenceEquals(_rows, rows))
        {
            _rows = null;
        }
    }

    internal unsafe MySqlException Error()
    {
        uint code = MySqlApi.ErrorCode(_handle);
        string state = Marshal.PtrToStringUTF8((nint)MySqlApi.SqlState(_handle)) ?? "HY000";
        string text = Marshal.PtrToStringUTF8((nint)MySqlApi.ErrorText(_handle)) ?? "";
        MySqlException error = new((int)code, state, text.Length > 0 ? text : $"error {code} without a text");
        IsBroken |= error.EndsSession;
        return error;
    }

    internal uint ErrorCode => MySqlApi.ErrorCode(_handle);

    private static uint Seconds(TimeSpan span) => (uint)Math.Clamp(Math.Ceiling(span.TotalSeconds), 1, int.MaxValue);

    private void SetOptions()
    {
        MySqlTls tls = Address.EffectiveTls;
        Span<int> refused =
        [
            MySqlApi.SetOption(_handle, MySqlOption.LocalInfile, 0u),
            MySqlApi.SetOption(_handle, MySqlOption.AllowedAuthentication, AllowedAuthentication),
            MySqlApi.SetOption(_handle, MySqlOption.CharacterSet, "utf8mb4"),
            MySqlApi.SetOption(_handle, MySqlOption.Protocol, (uint)(Address.Socket is null ? Tcp : UnixSocket)),
            MySqlApi.SetOption(_handle, MySqlOption.ConnectTimeout, Seconds(Address.ConnectTimeout)),
            MySqlApi.SetOption(_handle, MySqlOption.ReadTimeout, Seconds(Address.SilenceMax)),
            MySqlApi.SetOption(_handle, MySqlOption.WriteTimeout, Seconds(Address.SilenceMax)),
            MySqlApi.SetOption(_handle, MySqlOption.TlsEnforce, tls is MySqlTls.VerifyFull or MySqlTls.Encrypt),
            MySqlApi.SetOption(_handle, MySqlOption.TlsVerifyServer, tls == MySqlTls.VerifyFull),
            Address.AuthoritiesFile is null
                ? 0 : MySqlApi.SetOption(_handle, MySqlOption.TlsAuthorities, Address.AuthoritiesFile),
        ];
        if (refused.ContainsAnyExcept(0))
        {
            throw new MySqlLibraryException(
                "the installed libmariadb is too old for Naru; install version 3.1.3 or later of it");
        }
    }

    private unsafe void Connect()
    {
        bool local = Address.Socket is not null;
        nint connected = MySqlApi.Connect(
            _handle,
            local ? null : Address.Host,
            Address.User,
            Address.Password ?? "",
            Address.Database,
            local ? 0 : (uint)Address.Port,
            Address.Socket,
            0);
        if (connected == 0)
        {
            throw Error();
        }

        // Without verification the library goes on in clear when the server claims to have no TLS.
        if (Address.EffectiveTls != MySqlTls.Off && TlsCipher is null)
        {
            throw new MySqlException(
                NoTls, "08001", "the server offers no TLS; give it a certificate, or write tls: off for it");
        }

        SessionId = MySqlApi.ThreadId(_handle);
        ServerVersion = Marshal.PtrToStringUTF8((nint)MySqlApi.ServerInfo(_handle)) ?? "";
    }

    /// <summary>Times as UTC, and patience with a reader that writes files between two rows.</summary>
    private void Begin()
    {
        Execute("SET SESSION time_zone = '+00:00'");
        Execute($"SET SESSION net_write_timeout = {Seconds(Address.SilenceMax)}");
    }

    private unsafe void Send(ReadOnlySpan<byte> sql)
    {
        if (_rows is not null)
        {
            throw new InvalidOperationException("rows of the query before are unread; dispose of them");
        }

        fixed (byte* text = sql)
        {
            if (MySqlApi.Query(_handle, text, (nuint)sql.Length) != 0)
            {
                throw Error();
            }
        }
    }

    private MySqlRows TakeRows()
    {
        nint result = MySqlApi.UseResult(_handle);
        if (result == 0)
        {
            throw MySqlApi.ErrorCode(_handle) != 0
                ? Error() : new InvalidOperationException("the statement gives no rows");
        }

        return _rows = new MySqlRows(this, result);
    }
}
