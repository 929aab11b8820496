using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace Naru.Access;

/// <summary>`Basic base64(name:password)`, UTF-8 (RFC 7617).</summary>
internal static class BasicText
{
    private const string Prefix = "Basic ";
    private const int BytesMax = 1024;

    public static bool TryRead(string authorization, out string name, out string password)
    {
        name = password = "";
        if (!authorization.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
        {
            return false;
        }

        ReadOnlySpan<char> base64 = authorization.AsSpan(Prefix.Length).Trim();
        Span<byte> utf8 = stackalloc byte[BytesMax];
        Span<byte> decoded = stackalloc byte[BytesMax];
        if (base64.Length > utf8.Length || !Ascii.IsValid(base64))
        {
            return false;
        }

        int length = Encoding.ASCII.GetBytes(base64, utf8);
        OperationStatus status = Base64.DecodeFromUtf8(utf8[..length], decoded, out _, out int written);
        int colon = status == OperationStatus.Done ? decoded[..written].IndexOf((byte)':') : -1;
        if (colon < 0)
        {
            return false;
        }

        name = Encoding.UTF8.GetString(decoded[..colon]);
        password = Encoding.UTF8.GetString(decoded[(colon + 1)..written]);
        return true;
    }
}
