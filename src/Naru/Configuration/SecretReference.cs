using System.Text;
using Naru.Core.Files;

namespace Naru.Configuration;

/// <summary>
/// Where a secret is: `env:NAME` or `file:PATH` (relative to the project). Definitions and settings hold references
/// only; the secret itself is read when it is used, and never shown, logged or kept.
/// </summary>
internal static class SecretReference
{
    public const string Hint = "keep the address itself out of files: write env:NAME or file:PATH";
    private const string Variable = "env:";
    private const string File = "file:";
    private const int BytesMax = 64 << 10;

    /// <summary>Why a text is no reference, or null. Never repeats the text: it may be the secret.</summary>
    public static string? Fault(string reference)
    {
        bool known = reference.StartsWith(Variable, StringComparison.Ordinal)
            || reference.StartsWith(File, StringComparison.Ordinal);
        if (!known)
        {
            return "it is no reference to a secret";
        }

        return reference.Length <= Variable.Length ? "it names nothing" : null;
    }

    /// <summary>The secret, or null with the reason when it is not there.</summary>
    public static string? Read(string reference, IFileSystem files, string root, out string problem)
    {
        problem = "";
        if (reference.StartsWith(Variable, StringComparison.Ordinal))
        {
            string name = reference[Variable.Length..];
            string? value = Environment.GetEnvironmentVariable(name);
            problem = string.IsNullOrWhiteSpace(value) ? $"the variable '{name}' is not set" : "";
            return string.IsNullOrWhiteSpace(value) ? null : value.Trim();
        }

        string path = reference[File.Length..];
        try
        {
            byte[]? bytes = WholeFile.Read(files, Path.Combine(root, path), BytesMax);
            string? value = bytes is null ? null : Encoding.UTF8.GetString(bytes).Trim();
            problem = string.IsNullOrEmpty(value) ? $"the file '{path}' is not there or is empty" : "";
            return string.IsNullOrEmpty(value) ? null : value;
        }
        catch (StorageException exception)
        {
            problem = exception.Message;
            return null;
        }
    }
}
