using System.Runtime.InteropServices;

namespace Naru.MySql;

/// <summary>
/// The C API of MariaDB Connector/C 3.1 and later, only what is used. Source: include/mysql.h of its 3.3 branch.
/// Hazards that the classes beside keep away from: the host is read as a whole connection string when it holds `=`, as
/// a plugin when it holds `://`, and as a list when it holds a comma; a server may ask for a client's file or for the
/// password in clear unless that is switched off; a row's memory belongs to the library until the next fetch; freeing
/// an unbuffered result reads the rest of its rows.
/// </summary>
internal static unsafe partial class MySqlApi
{
    static MySqlApi() => NativeLibrary.SetDllImportResolver(typeof(MySqlApi).Assembly, MySqlLibrary.Resolve);

    // Connect

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_init")]
    internal static partial nint Initialise(nint none);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_close")]
    internal static partial void Close(nint connection);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_options")]
    private static partial int SetOption(MySqlHandle connection, MySqlOption option, void* value);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_options", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int SetOption(MySqlHandle connection, MySqlOption option, string? value);

    internal static int SetOption(MySqlHandle connection, MySqlOption option, uint value) =>
        SetOption(connection, option, &value);

    /// <summary>A `my_bool`, which is one byte.</summary>
    internal static int SetOption(MySqlHandle connection, MySqlOption option, bool value)
    {
        byte flag = value ? (byte)1 : (byte)0;
        return SetOption(connection, option, &flag);
    }

    [LibraryImport(
        MySqlLibrary.Name, EntryPoint = "mysql_real_connect", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial nint Connect(
        MySqlHandle connection,
        string? host,
        string? user,
        string? password,
        string? database,
        uint port,
        string? socket,
        nuint flags);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_thread_id")]
    internal static partial nuint ThreadId(MySqlHandle connection);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_get_server_info")]
    internal static partial byte* ServerInfo(MySqlHandle connection);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_get_ssl_cipher")]
    internal static partial byte* TlsCipher(MySqlHandle connection);

    /// <summary>Shuts the socket down: what reads from it in another thread ends with an error.</summary>
    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mariadb_cancel")]
    internal static partial int Cancel(MySqlHandle connection);

    // Errors

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_errno")]
    internal static partial uint ErrorCode(MySqlHandle connection);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_error")]
    internal static partial byte* ErrorText(MySqlHandle connection);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_sqlstate")]
    internal static partial byte* SqlState(MySqlHandle connection);

    // Statements and rows

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_real_query")]
    internal static partial int Query(MySqlHandle connection, byte* sql, nuint length);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_field_count")]
    internal static partial uint FieldCount(MySqlHandle connection);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_affected_rows")]
    internal static partial ulong AffectedRows(MySqlHandle connection);

    /// <summary>`Records: 3  Duplicates: 1  Warnings: 0` after an INSERT of several rows; else null.</summary>
    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_info")]
    internal static partial byte* Info(MySqlHandle connection);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_use_result")]
    internal static partial nint UseResult(MySqlHandle connection);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_num_fields")]
    internal static partial uint FieldsOf(nint result);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_fetch_fields")]
    internal static partial NativeField* Fields(nint result);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_fetch_row")]
    internal static partial byte** FetchRow(nint result);

    /// <summary>Only gives a pointer that the fetch has filled.</summary>
    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_fetch_lengths")]
    [SuppressGCTransition]
    internal static partial nuint* FetchLengths(nint result);

    [LibraryImport(MySqlLibrary.Name, EntryPoint = "mysql_free_result")]
    internal static partial void FreeResult(nint result);

    /// <summary>`MYSQL_FIELD`, 128 bytes on 64-bit Linux.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct NativeField
    {
        internal byte* Name;
        internal byte* OriginalName;
        internal byte* Table;
        internal byte* OriginalTable;
        internal byte* Database;
        internal byte* Catalog;
        internal byte* Default;
        internal nuint Length;
        internal nuint MaxLength;
        internal uint NameLength;
        internal uint OriginalNameLength;
        internal uint TableLength;
        internal uint OriginalTableLength;
        internal uint DatabaseLength;
        internal uint CatalogLength;
        internal uint DefaultLength;
        internal uint Flags;
        internal uint Decimals;
        internal uint CharacterSet;
        internal int Type;
        internal nint Extension;
    }
}

/// <summary>`enum mysql_option`: the numbers are the C API's and never change.</summary>
internal enum MySqlOption
{
    ConnectTimeout = 0,
    CharacterSet = 7,
    LocalInfile = 8,
    Protocol = 9,
    ReadTimeout = 11,
    WriteTimeout = 12,
    TlsVerifyServer = 21,
    TlsKey = 25,
    TlsCertificate = 26,
    TlsAuthorities = 27,
    TlsEnforce = 38,
    AllowedAuthentication = 7026,
}

/// <summary>A connection's memory; closing it also ends the session in the server.</summary>
internal sealed class MySqlHandle : SafeHandle
{
    internal MySqlHandle(nint handle)
        : base(0, ownsHandle: true) => SetHandle(handle);

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        MySqlApi.Close(handle);
        return true;
    }
}
