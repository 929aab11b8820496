using System.Buffers;
using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Naru.Access;

/// <summary>
/// The text of a key, `nk_ID_SECRET`: 10 and 52 characters of base 32 (a-z, 2-7). The secret is 32 random bytes, so one
/// SHA-256 of it needs no stretching: there is nothing to guess.
/// </summary>
internal static class KeyText
{
    public const string Prefix = "nk_";
    public const int HashBytes = 32;
    private const int IdBytes = 6;
    private const int SecretBytes = 32;
    private const int TextLengthMax = 256;
    private const string Alphabet = "abcdefghijklmnopqrstuvwxyz234567";

    public static string NewId() => Encode(RandomNumberGenerator.GetBytes(IdBytes));

    public static string NewSecret() => Encode(RandomNumberGenerator.GetBytes(SecretBytes));

    /// <summary>It has the form of a key, as which no password is made.</summary>
    public static bool IsKey(string text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    public static string Join(string id, string secret) => $"{Prefix}{id}_{secret}";

    public static void Hash(ReadOnlySpan<char> secret, Span<byte> hash)
    {
        Span<byte> utf8 = stackalloc byte[Encoding.UTF8.GetMaxByteCount(TextLengthMax)];
        int length = Encoding.UTF8.GetBytes(secret, utf8);
        SHA256.HashData(utf8[..length], hash);
    }

    /// <summary>Cuts a key; false for anything that has not its form.</summary>
    public static bool TrySplit(ReadOnlySpan<char> key, out ReadOnlySpan<char> id, out ReadOnlySpan<char> secret)
    {
        id = secret = default;
        if (key.Length > TextLengthMax || !key.StartsWith(Prefix, StringComparison.Ordinal))
        {
            return false;
        }

        ReadOnlySpan<char> rest = key[Prefix.Length..];
        int cut = rest.IndexOf('_');
        if (cut <= 0 || cut == rest.Length - 1)
        {
            return false;
        }

        id = rest[..cut];
        secret = rest[(cut + 1)..];
        return true;
    }

    /// <summary>
    /// The key of an Authorization header: `Bearer KEY`, or `Basic` with the key as password. Null for others.
    /// </summary>
    public static string? FromHeader(string authorization)
    {
        const string Bearer = "Bearer ";
        const string Basic = "Basic ";
        if (authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
        {
            return authorization[Bearer.Length..].Trim();
        }

        return authorization.StartsWith(Basic, StringComparison.OrdinalIgnoreCase)
            ? Password(authorization.AsSpan(Basic.Length).Trim())
            : null;
    }

    private static string? Password(ReadOnlySpan<char> base64)
    {
        Span<byte> utf8 = stackalloc byte[TextLengthMax * 2];
        Span<byte> decoded = stackalloc byte[TextLengthMax * 2];
        if (base64.Length > utf8.Length || !Ascii.IsValid(base64))
        {
            return null;
        }

        int length = Encoding.ASCII.GetBytes(base64, utf8);
        OperationStatus status = Base64.DecodeFromUtf8(utf8[..length], decoded, out _, out int written);
        if (status != OperationStatus.Done)
        {
            return null;
        }

        int colon = decoded[..written].IndexOf((byte)':');
        return colon < 0 ? null : Encoding.UTF8.GetString(decoded[(colon + 1)..written]);
    }

    private static string Encode(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new(((bytes.Length * 8) + 4) / 5);
        int bits = 0;
        int pending = 0;
        foreach (byte value in bytes)
        {
            pending = (pending << 8) | value;
            bits += 8;
            while (bits >= 5)
            {
                bits -= 5;
                text.Append(Alphabet[(pending >> bits) & 31]);
            }

            pending &= (1 << bits) - 1;
        }

        if (bits > 0)
        {
            text.Append(Alphabet[(pending << (5 - bits)) & 31]);
        }

        return text.ToString();
    }
}
