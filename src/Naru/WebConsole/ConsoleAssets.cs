using System.Collections.Frozen;
using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http;

namespace Naru.WebConsole;

/// <summary>
/// Scripts, styles and pictures, embedded in the program and served below one path that changes with their bytes, so
/// that a browser may keep them for ever and scripts may import each other by plain names.
/// </summary>
internal static class ConsoleAssets
{
    private const string Prefix = "console/";

    private static readonly Assembly Program = typeof(ConsoleAssets).Assembly;

    private static readonly FrozenDictionary<string, string> ContentTypes = new Dictionary<string, string>
    {
        [".js"] = "text/javascript; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".svg"] = "image/svg+xml",
        [".png"] = "image/png",
    }.ToFrozenDictionary();

    private static readonly Lazy<FrozenDictionary<string, ConsoleAsset>> All = new(Load);

    private static readonly Lazy<string> RootPath = new(static () => $"/console/assets/{Fingerprint()}");

    /// <summary>`/console/assets/HASH`.</summary>
    public static string Root => RootPath.Value;

    public static IEnumerable<string> Names => All.Value.Keys;

    public static string Path(string name) => $"{Root}/{All.Value[name].Name}";

    /// <summary>An embedded file of the console.</summary>
    public static byte[] Read(string name)
    {
        using System.IO.Stream file = Program.GetManifestResourceStream(Prefix + name)
            ?? throw new InvalidOperationException($"no file \"{name}\" is embedded");
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    public static IResult Answer(string hash, string name, HttpContext http)
    {
        if (!Root.EndsWith($"/{hash}", StringComparison.Ordinal)
            || !All.Value.TryGetValue(name, out ConsoleAsset? asset))
        {
            return Results.NotFound();
        }

        http.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
        http.Response.Headers.Vary = "Accept-Encoding";
        if (!http.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
        {
            return Results.Bytes(asset.Bytes, asset.ContentType);
        }

        http.Response.Headers.ContentEncoding = "gzip";
        return Results.Bytes(asset.Packed, asset.ContentType);
    }

    private static FrozenDictionary<string, ConsoleAsset> Load()
    {
        IEnumerable<ConsoleAsset> files = Program.GetManifestResourceNames()
            .Where(static name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(static name => name[Prefix.Length..])
            .Where(static name => ContentTypes.ContainsKey(System.IO.Path.GetExtension(name)))
            .Select(static name => new ConsoleAsset(name, TypeOf(name), Read(name)));

        // Words are a module of their own, fetched beside the others.
        IEnumerable<ConsoleAsset> words = ConsoleWords.Languages.Select(static language =>
        {
            string name = $"words.{language}.js";
            string text = $"export default {Encoding.UTF8.GetString(Read($"{language}.json"))};";
            return new ConsoleAsset(name, TypeOf(name), Encoding.UTF8.GetBytes(text));
        });
        return files.Concat(words).ToFrozenDictionary(static asset => asset.Name, StringComparer.Ordinal);
    }

    private static string Fingerprint()
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (ConsoleAsset asset in All.Value.Values.OrderBy(static asset => asset.Name, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{asset.Name} {asset.Bytes.Length}\n"));
            hash.AppendData(asset.Bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset().AsSpan(0, 8));
    }

    private static string TypeOf(string name) => ContentTypes[System.IO.Path.GetExtension(name)];
}

/// <summary>One file as it is served.</summary>
internal sealed class ConsoleAsset(string name, string contentType, byte[] bytes)
{
    private readonly Lazy<byte[]> _packed = new(() =>
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Optimal))
        {
            gzip.Write(bytes);
        }

        return packed.ToArray();
    });

    public string Name { get; } = name;

    public string ContentType { get; } = contentType;

    public byte[] Bytes { get; } = bytes;

    /// <summary>With gzip, made when it is asked for first.</summary>
    public byte[] Packed => _packed.Value;
}
