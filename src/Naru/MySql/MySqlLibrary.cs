using System.Reflection;
using System.Runtime.InteropServices;

namespace Naru.MySql;

/// <summary>
/// Loads MariaDB Connector/C, the client library of MySQL and MariaDB, when the first of their servers is spoken to.
/// It is the distribution's own, so that its security updates come with the system's; a project that names no such
/// server needs it not.
/// </summary>
internal static class MySqlLibrary
{
    internal const string Name = "mariadb";
    private const string FileName = "libmariadb.so.3";

    private static readonly Lock Gate = new();
    private static nint _handle;

    internal static nint Resolve(string library, Assembly assembly, DllImportSearchPath? searchPath) =>
        library == Name ? Load(FileName) : 0;

    /// <summary>Throws <see cref="MySqlLibraryException"/> when the library is not installed.</summary>
    internal static void Need() => Load(FileName);

    internal static nint Load(string fileName)
    {
        lock (Gate)
        {
            if (_handle != 0 && fileName == FileName)
            {
                return _handle;
            }

            if (!NativeLibrary.TryLoad(fileName, out nint handle))
            {
                throw new MySqlLibraryException(
                    $"the client library of MySQL and MariaDB, {fileName}, is not installed; "
                    + "apt-get install libmariadb3 (Debian, Ubuntu) or dnf install mariadb-connector-c (Fedora, RHEL)");
            }

            return _handle = handle;
        }
    }
}

/// <summary>The native library is missing: a person is needed.</summary>
internal sealed class MySqlLibraryException(string message) : Exception(message);
