using System.Collections.Immutable;

namespace Naru.Connections;

/// <summary>A bucket of S3, or of what speaks as it does. Holds references to its keys.</summary>
/// <param name="Name">The bucket.</param>
/// <param name="Prefix">What names of objects begin with: empty, or ending with a '/'.</param>
internal sealed record BucketAddress(string Name, string Prefix)
{
    public const string Scheme = "s3://";

    private const string UsualRegion = "us-east-1";

    /// <summary>Beside the path itself.</summary>
    public static readonly ImmutableArray<string> Keys = ["endpoint", "region", "access_key", "secret_key"];

    /// <summary>Empty for Amazon's.</summary>
    public string Endpoint { get; init; } = "";

    public string Region { get; init; } = UsualRegion;

    public string AccessKey { get; init; } = "";

    public string SecretKey { get; init; } = "";

    public static bool Is(string path) => path.StartsWith(Scheme, StringComparison.Ordinal);

    /// <summary>Mistakes are noted.</summary>
    /// <param name="reader">Where <see cref="Keys"/> are.</param>
    /// <param name="path">What `path` says, which begins with <see cref="Scheme"/>.</param>
    public static BucketAddress Read(ConnectionReader reader, string path)
    {
        string[] parts = path[Scheme.Length..].Split('/', 2);
        string prefix = parts.Length == 1 ? "" : parts[1].Trim('/');
        if (parts[0].Length == 0 || prefix.Split('/').Contains("..") || path.Any(char.IsControl))
        {
            reader.Mistake("path", $"'path' is '{path}', which names no bucket", "write it as s3://bucket/prefix");
        }

        foreach (string key in (string[])["access_key", "secret_key"])
        {
            if (reader.Of(key).Find(key) is null)
            {
                reader.Yaml.Mistake(
                    reader.Yaml.Mapping, $"the bucket needs '{key}'", "write it as env:NAME or file:PATH");
            }
        }

        string endpoint = reader.Text("endpoint");
        if (endpoint.Length > 0
            && !(Uri.TryCreate(endpoint, UriKind.Absolute, out Uri? address) && address.Scheme is "http" or "https"))
        {
            reader.Mistake(
                "endpoint", $"'endpoint' is '{endpoint}', which is no address", "write it as https://s3.example.com");
        }

        string region = reader.Text("region");
        return new BucketAddress(parts[0], prefix.Length == 0 ? "" : prefix + "/")
        {
            Endpoint = endpoint,
            Region = region.Length == 0 ? UsualRegion : region,
            AccessKey = reader.Secret("access_key"),
            SecretKey = reader.Secret("secret_key"),
        };
    }

    /// <summary>Of a path that is a folder.</summary>
    public static void RefuseKeys(ConnectionReader reader)
    {
        foreach (string key in Keys.Where(key => reader.Of(key).Find(key) is not null))
        {
            reader.Mistake(key, $"'{key}' is of a bucket", "write path: s3://bucket/prefix, or leave it out");
        }
    }
}
