using System.Security.Cryptography;
using System.Text;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>What folders of definitions have in common.</summary>
internal static class DefinitionFiles
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Editors, and writers that replace a file, leave such files beside it.</summary>
    public static bool IsLeftover(string name) =>
        name.StartsWith('.') || name.EndsWith('~') || name.EndsWith(".swp", StringComparison.Ordinal)
        || name.EndsWith(".tmp", StringComparison.Ordinal);

    /// <summary>The text of a file; null, with a mistake, when it is none.</summary>
    public static string? Text(string path, byte[] bytes, int bytesMax, MistakeList mistakes)
    {
        if (bytes.Length > bytesMax)
        {
            mistakes.Add(new Mistake(path, $"the file is longer than {bytesMax} bytes", "split it"));
            return null;
        }

        try
        {
            string text = Strict.GetString(bytes);
            if (!text.Contains('\0', StringComparison.Ordinal))
            {
                return text;
            }
        }
        catch (DecoderFallbackException)
        {
            // Told below.
        }

        mistakes.Add(new Mistake(path, "the file is not UTF-8 text", "save it as UTF-8"));
        return null;
    }

    /// <summary>Names and bytes of all files of some folders.</summary>
    public static string Fingerprint(IFileSystem files, params ReadOnlySpan<string> folders)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string folder in folders)
        {
            foreach (string name in files.List(folder))
            {
                byte[] bytes = WholeFile.Read(files, $"{folder}/{name}") ?? [];
                hash.AppendData(Encoding.UTF8.GetBytes($"{name}\n{bytes.Length}\n"));
                hash.AppendData(bytes);
            }

            hash.AppendData("\n"u8);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
