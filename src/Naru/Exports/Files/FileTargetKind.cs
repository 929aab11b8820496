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
    public BucketAddress? Bucket { get; init; }

    public override string Place => $"{Folder}/*.{Form.ToString().ToLowerInvariant()}";

    public override string Fingerprint => $"{Kind} {Place} {Bucket?.Endpoint}";
}

/// <summary>`kind: files`.</summary>
internal sealed class FileTargetKind : ITargetKind
{
    public string Name => "files";

    public ImmutableArray<ExportMode> Modes { get; } = [ExportMode.Append, ExportMode.Swap];

    public ImmutableArray<string> Keys { get; } = ["path", "format", "bom", .. BucketAddress.Keys];

    public TargetDefinition Read(ConnectionReader reader)
    {
        string path = reader.Yaml.RequiredText("path", "write the folder that files go to") ?? "";
        bool isBucket = path.StartsWith(BucketAddress.Scheme, StringComparison.Ordinal);
        BucketAddress? bucket = isBucket ? BucketAddress.Read(reader, path) : null;
        if (!isBucket)
        {
            BucketAddress.RefuseKeys(reader);
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

    public IExportTarget Open(TargetDefinition target, TargetTools tools) =>
        new FileTarget((FileTargetDefinition)target, tools);
}
