using Amazon.Runtime;
using Naru.Configuration;
using Naru.Core.Files;

namespace Naru.Tiers;

/// <summary>Keys of a bucket, read where the settings say whenever they are used; never shown or logged.</summary>
internal sealed class ReferencedCredentials(TierOptions options, string root, IFileSystem files) : AWSCredentials
{
    public override ImmutableCredentials GetCredentials() => new(
        Read(options.ColdAccessKey, "tiers.cold_access_key"),
        Read(options.ColdSecretKey, "tiers.cold_secret_key"),
        token: null);

    private string Read(string reference, string setting) =>
        SecretReference.Read(reference, files, root, out string problem)
            ?? throw new StorageException(StorageFault.Denied, $"`{setting}`: {problem}");
}
