using System.Collections.Immutable;
using Naru.Connections;

namespace Naru.Exports.Files;

/// <summary>Files in a folder of this machine, or in a bucket.</summary>
internal sealed record FileTargetDefinition : TargetDefinition
{
    public required string Folder { get; init; }

    public RowForm Form { get; init; }

    /// <summary>CSV for spreadsheets: a byte order mark, and no cell that they would run.</summary>
    public bool Bom { get; init; }

    /// <summary>Null for a folder of this machine.</summary>
    public BucketTarget? Bucket { get; init; }

    public override string Place => $"{Folder}/*.{Form.ToString().ToLowerInvariant()}";

    public override string Fingerprint => $"{Kind} {Place} {Bucket?.Endpoint}";
}

/// <summary>A bucket of S3, or of what speaks as it does. Holds references to its keys.</summary>
/// <param name="Name">The bucket.</param>
/// <param name="Prefix">What names of objects begin with: empty, or ending with a '/'.</param>
internal sealed record BucketTarget(string Name, string Prefix)
{
    public const string Scheme = "s3://";

    public string Endpoint { get; init; } = "";

    public string Region { get; init; } = "us-east-1";

    public string AccessKey { get; init; } = "";

    public string SecretKey { get; init; } = "";
}

/// <summary>`kind: files`.</summary>
internal sealed class FileTargetKind : ITargetKind
{
    public string Name => "files";

    public ImmutableArray<ExportMode> Modes { get; } = [ExportMode.Append, ExportMode.Swap];

    private static readonly ImmutableArray<string> BucketKeys = ["endpoint", "region", "access_key", "secret_key"];

    public ImmutableArray<string> Keys { get; } = ["path", "format", "bom", .. BucketKeys];

    public TargetDefinition Read(ConnectionReader reader)
    {
        string path = reader.Yaml.RequiredText("path", "write the folder that files go to") ?? "";
        bool isBucket = path.StartsWith(BucketTarget.Scheme, StringComparison.Ordinal);
        BucketTarget? bucket = isBucket ? BucketOf(reader, path) : null;
        foreach (string key in BucketKeys.Where(key => !isBucket && reader.Yaml.Find(key) is not null))
        {
            reader.Yaml.Mistake(
                reader.Yaml.Find(key)!, $"'{key}' is of a bucket", "write path: s3://bucket/prefix, or leave it out");
        }

        string[] parts = path.Split('/');
        if (!isBucket && path.Length > 0
            && (parts.Contains("..") || path.TrimEnd('/').Length == 0 || parts[0] == "data"))
        {
            reader.Yaml.Mistake(
                reader.Yaml.Find("path")!,
                $"'path' is '{path}'",
                "write a folder without '..' that is not in the project's data/, such as out/orders");
        }

        RowForm form = reader.Yaml.Word("format", "csv", "ndjson", "parquet") switch
        {
            "ndjson" => RowForm.Ndjson,
            "parquet" => RowForm.Parquet,
            _ => RowForm.Csv,
        };
        bool bom = reader.Yaml.Boolean("bom") ?? false;
        if (bom && form != RowForm.Csv)
        {
            reader.Yaml.Mistake(reader.Yaml.Find("bom")!, "'bom' is of CSV", "leave it out");
        }

        return new FileTargetDefinition
        {
            Kind = Name, Folder = path.TrimEnd('/'), Form = form, Bom = bom, Bucket = bucket,
        };
    }

    private static BucketTarget BucketOf(ConnectionReader reader, string path)
    {
        string[] parts = path[BucketTarget.Scheme.Length..].Split('/', 2);
        string prefix = parts.Length == 1 ? "" : parts[1].Trim('/');
        if (parts[0].Length == 0 || prefix.Split('/').Contains("..") || path.Any(char.IsControl))
        {
            reader.Mistake("path", $"'path' is '{path}', which names no bucket", "write it as s3://bucket/prefix");
        }

        foreach (string key in (string[])["access_key", "secret_key"])
        {
            if (reader.Yaml.Find(key) is null)
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
        return new BucketTarget(parts[0], prefix.Length == 0 ? "" : prefix + "/")
        {
            Endpoint = endpoint,
            Region = region.Length == 0 ? "us-east-1" : region,
            AccessKey = reader.Secret("access_key"),
            SecretKey = reader.Secret("secret_key"),
        };
    }

    public IExportTarget Open(TargetDefinition target, TargetTools tools) =>
        new FileTarget((FileTargetDefinition)target, tools);
}
