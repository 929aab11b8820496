using Naru.Configuration;
using Naru.Core;

namespace Naru.Tiers;

[SettingSection("tiers", "Where data of the lake is kept as it grows old: hot is the project's own folder.")]
internal sealed record TierOptions : ICheckedOptions
{
    private const string BucketScheme = "s3://";

    [Setting("folder of the warm volume, absolute or relative to the project; empty is none")]
    public string Warm { get; init; } = "";

    [Setting("folder of the cold volume, or a bucket: s3://bucket/prefix; empty is none")]
    public string Cold { get; init; } = "";

    [Setting("address of an S3 that is not Amazon's, such as https://s3.example.com; empty is Amazon's")]
    public string ColdEndpoint { get; init; } = "";

    [Setting("region of the bucket")]
    public string ColdRegion { get; init; } = "us-east-1";

    [Setting("access key of the bucket, as env:NAME or file:PATH")]
    public string ColdAccessKey { get; init; } = "";

    [Setting("secret key of the bucket, as env:NAME or file:PATH")]
    public string ColdSecretKey { get; init; } = "";

    [Setting("how long one request to the bucket may take until its answer begins", Min = "1s", Max = "10m")]
    public TimeSpan ColdTimeout { get; init; } = TimeSpan.FromSeconds(30);

    [Setting("how often a request to the bucket that failed is tried again", Min = "0", Max = "10")]
    public int ColdRetries { get; init; } = 3;

    [Setting("copies of files of the bucket that are kept on this machine", Unit = SettingUnit.Bytes, Min = "1MB")]
    public long CacheBytesMax { get; init; } = 10L << 30;

    [Setting("how long after its end a day stays hot in tables of models that do not say", Min = "1h")]
    public TimeSpan HotFor { get; init; } = TimeSpan.FromDays(7);

    [Setting("how long after its end such a day is on the warm volume at most", Min = "1h")]
    public TimeSpan WarmFor { get; init; } = TimeSpan.FromDays(90);

    [Setting(
        "free space to keep on the hot volume: with less, the oldest days go down before their time; 0 is none",
        Unit = SettingUnit.Bytes)]
    public long HotFreeMin { get; init; }

    [Setting("how long a moved file stays where it was, for other engines that have begun to read it", Max = "7d")]
    public TimeSpan MovedKept { get; init; } = TimeSpan.FromMinutes(10);

    [Setting("price of a gigabyte and month on the hot volume, for `naru tiers`", Min = "0", Null = "none")]
    public double? HotPrice { get; init; }

    [Setting("price of a gigabyte and month on the warm volume", Min = "0", Null = "none")]
    public double? WarmPrice { get; init; }

    [Setting("price of a gigabyte and month on the cold volume", Min = "0", Null = "none")]
    public double? ColdPrice { get; init; }

    public bool ColdIsBucket => Cold.StartsWith(BucketScheme, StringComparison.Ordinal);

    /// <summary>The bucket's name, and what its keys begin with: empty, or ending with a '/'.</summary>
    public (string Name, string Prefix) ColdBucket
    {
        get
        {
            string[] parts = Cold[BucketScheme.Length..].Split('/', 2, StringSplitOptions.RemoveEmptyEntries);
            string prefix = parts.Length < 2 ? "" : parts[1].Trim('/');
            return (parts.Length == 0 ? "" : parts[0], prefix.Length == 0 ? "" : prefix + "/");
        }
    }

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        foreach ((string property, string message, string hint) mistake in ColdIsBucket ? CheckBucket() : [])
        {
            yield return mistake;
        }

        foreach ((string property, string folder) in
            ((string, string)[])[(nameof(Warm), Warm), (nameof(Cold), ColdIsBucket ? ColdBucket.Prefix : Cold)])
        {
            if (Fault(folder) is { } fault)
            {
                yield return (property, fault, "name a folder of another disk, such as /mnt/disk2/naru");
            }
        }

        if (Warm.Length > 0 && Warm.TrimEnd('/') == Cold.TrimEnd('/'))
        {
            yield return (nameof(Cold), "the warm volume is there", "give each volume a folder of its own");
        }

        if (HotFor > WarmFor)
        {
            yield return (nameof(HotFor), "it is longer than tiers.warm_for", "both are counted from the day's end");
        }
    }

    private IEnumerable<(string Property, string Message, string Hint)> CheckBucket()
    {
        if (ColdBucket.Name.Length == 0)
        {
            yield return (nameof(Cold), "it names no bucket", "write it as s3://bucket/prefix");
        }

        foreach ((string property, string reference) in ((string, string)[])
            [(nameof(ColdAccessKey), ColdAccessKey), (nameof(ColdSecretKey), ColdSecretKey)])
        {
            if (SecretReference.Fault(reference) is { } fault)
            {
                yield return (property, reference.Length == 0 ? "the bucket needs it" : fault, SecretReference.Hint);
            }
        }

        if (ColdEndpoint.Length > 0 && !(Uri.TryCreate(ColdEndpoint, UriKind.Absolute, out Uri? address)
            && address.Scheme is "http" or "https"))
        {
            yield return (nameof(ColdEndpoint), "it is no address", "write it as https://s3.example.com");
        }
    }

    private static string? Fault(string folder)
    {
        // Partition values are read from folders' names.
        return folder.Contains('=') ? "its path has a '='"
            : folder.Any(char.IsControl) || folder.Contains('%') ? "its path has a control character or a '%'"
            : folder.Contains("://", StringComparison.Ordinal) ? "it is an address, not a folder"
            : folder.Length > 0 && folder.Trim('/', '.').Length == 0 ? "it names no folder"
            : null;
    }
}
