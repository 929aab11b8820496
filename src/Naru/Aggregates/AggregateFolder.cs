using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Aggregates;

/// <summary>One file that is named as an aggregate; its text is null when it is no text.</summary>
internal sealed record AggregateFile(string Path, string Name, string? Text);

/// <summary>Reads all of `aggregates/`.</summary>
internal static class AggregateFolder
{
    private const string Extension = ".sql";
    private const string Folder = "aggregates";
    private const int BytesMax = 64 * 1024;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Every aggregate that is right, by name; mistakes of all files are noted.</summary>
    public static ImmutableArray<AggregatePlan> Read(
        IFileSystem files, string folder, KnownLogs logs, MistakeList mistakes)
    {
        AggregateFile[] found = [.. Files(files, folder, mistakes).Where(static file => file.Text is not null)];
        if (found.Length == 0)
        {
            return [];
        }

        using SqlEngine engine = new();
        return
        [
            .. found
                .Select(file => AggregateCompiler.Compile(
                    new AggregateText(file.Path, file.Name, file.Text!, mistakes), logs, engine))
                .OfType<AggregatePlan>()
                .OrderBy(static plan => plan.Name, StringComparer.Ordinal),
        ];
    }

    /// <summary>Names and bytes of everything that is read.</summary>
    public static string Fingerprint(IFileSystem files, string folder)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string name in files.List(folder))
        {
            byte[] bytes = WholeFile.Read(files, $"{folder}/{name}") ?? [];
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}\n{bytes.Length}\n"));
            hash.AppendData(bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    public static IEnumerable<AggregateFile> Files(IFileSystem files, string folder, MistakeList mistakes)
    {
        foreach (string name in files.List(folder))
        {
            // Editors leave such files beside the one that is edited.
            if (name.StartsWith('.') || name.EndsWith('~') || name.EndsWith(".swp", StringComparison.Ordinal))
            {
                continue;
            }

            string path = $"{Folder}/{name}";
            string stem = name.EndsWith(Extension, StringComparison.Ordinal) ? name[..^Extension.Length] : "";
            if (stem.Length == 0)
            {
                mistakes.Add(new Mistake(
                    path, "is no aggregate: its name does not end with .sql", "rename or move it"));
            }
            else if (LogNames.Fault(stem) is { } fault)
            {
                string mend = LogNames.Mended(stem) is { } mended
                    ? $"name it '{mended}.sql'" : "use lower-case letters";
                mistakes.Add(new Mistake(path, $"the aggregate's name '{stem}' {fault}", mend));
            }
            else if (WholeFile.Read(files, $"{folder}/{name}") is { } bytes)
            {
                yield return new AggregateFile(path, stem, Text(path, bytes, mistakes));
            }
        }
    }

    private static string? Text(string path, byte[] bytes, MistakeList mistakes)
    {
        if (bytes.Length > BytesMax)
        {
            mistakes.Add(new Mistake(path, $"the file is longer than {BytesMax} bytes", "split it"));
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
}
