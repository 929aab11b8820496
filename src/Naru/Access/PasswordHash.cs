using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Naru.Access;

/// <summary>
/// `pbkdf2-sha256$ITERATIONS$SALT$HASH`, both in base64. A password is guessable, so trying one costs the iterations
/// that OWASP asks for (600,000 of SHA-256, some 0.2 s of one core).
/// </summary>
internal static class PasswordHash
{
    public const int Iterations = 600_000;
    public const int LengthMax = 256;
    private const string Kind = "pbkdf2-sha256";
    private const int SaltBytes = 16;
    private const int HashBytes = 32;
    private const int GeneratedCharacters = 20;

    /// <summary>Letters and digits that nobody mistakes for another when reading them out.</summary>
    private const string Alphabet = "abcdefghjkmnpqrstuvwxyz23456789";

    /// <summary>Of nobody's password: verifying it takes as long as any.</summary>
    public static readonly string Nobody = $"{Kind}${Iterations}${Convert.ToBase64String(new byte[SaltBytes])}"
        + $"${Convert.ToBase64String(new byte[HashBytes])}";

    /// <summary>99 bits, in groups of five.</summary>
    public static string Generate() => string.Join(
        '-',
        RandomNumberGenerator.GetString(Alphabet, GeneratedCharacters).Chunk(5)
            .Select(static part => new string(part)));

    public static string Make(string password)
    {
        byte[] salt = RandomNumberGenerator.GetBytes(SaltBytes);
        byte[] hash = Derive(password, salt, Iterations);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Kind}${Iterations}${Convert.ToBase64String(salt)}${Convert.ToBase64String(hash)}");
    }

    public static bool Verify(string password, string stored)
    {
        string[] parts = stored.Split('$');
        if (parts.Length != 4 || parts[0] != Kind
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int iterations))
        {
            return false;
        }

        byte[] expected = Convert.FromBase64String(parts[3]);
        byte[] hash = Derive(password, Convert.FromBase64String(parts[2]), iterations);
        return CryptographicOperations.FixedTimeEquals(hash, expected) && expected.AsSpan().ContainsAnyExcept((byte)0);
    }

    private static byte[] Derive(string password, byte[] salt, int iterations) => Rfc2898DeriveBytes.Pbkdf2(
        Encoding.UTF8.GetBytes(password), salt, iterations, HashAlgorithmName.SHA256, HashBytes);
}
