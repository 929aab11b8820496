using System.Net;
using System.Security.Cryptography;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using Naru.Connections;
using Naru.Core.Files;

namespace Naru.Tiers;

/// <summary>Where a bucket is, and what opens it.</summary>
/// <param name="Name">The bucket.</param>
/// <param name="Endpoint">Of a store that is not Amazon's, such as http://127.0.0.1:9000; null for Amazon's.</param>
/// <param name="Region">Amazon's, or what the store wants to be called.</param>
/// <param name="Credentials">Asked for every client, so that a changed secret is taken at the next start.</param>
internal sealed record BucketPlace(string Name, string? Endpoint, string Region, AWSCredentials Credentials)
{
    /// <summary>How long one try of one request may take until its answer begins.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    public int Retries { get; init; } = 3;

    /// <summary>What names the bucket, the address and the key, for the mends of messages.</summary>
    public (string Bucket, string Endpoint, string Key) Settings { get; init; } =
        ("`tiers.cold`", "`tiers.cold_endpoint`", "`tiers.cold_access_key`");
}

/// <summary>An object as a list shows it.</summary>
/// <param name="Key">Its name.</param>
/// <param name="Bytes">Its size.</param>
/// <param name="Tag">Another when its bytes are.</param>
internal sealed record BucketObject(string Key, long Bytes, string Tag);

/// <summary>
/// The little of S3 that a lake needs. Every failing call throws <see cref="StorageException"/>, which names the
/// object; `NotFound` where it is not there.
/// </summary>
internal sealed class Bucket : IDisposable
{
    private const int CopyBytes = 1 << 20;

    /// <summary>What one PUT takes.</summary>
    private const long PutBytesMax = 5L << 30;

    private readonly AmazonS3Client _client;
    private readonly BucketPlace _place;

    public Bucket(BucketPlace place)
    {
        _place = place;
        AmazonS3Config config = new()
        {
            AuthenticationRegion = place.Region,
            MaxErrorRetry = place.Retries,
            Timeout = place.Timeout,
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
        };
        if (place.Endpoint is null)
        {
            config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(place.Region);
        }
        else
        {
            config.ServiceURL = place.Endpoint;
            config.ForcePathStyle = true;
        }

        _client = new AmazonS3Client(place.Credentials, config);
    }

    public string Name => _place.Name;

    /// <summary>One that a source or an export names.</summary>
    /// <param name="address">Where it is.</param>
    /// <param name="what">Whose it is, for messages: `the target`.</param>
    /// <param name="reveal">Gives the secret of a key and its reference.</param>
    public static Bucket Open(BucketAddress address, string what, Func<string, string, string> reveal) => new(
        new BucketPlace(
            address.Name,
            address.Endpoint.Length == 0 ? null : address.Endpoint,
            address.Region,
            new BasicAWSCredentials(
                reveal("access_key", address.AccessKey), reveal("secret_key", address.SecretKey)))
        {
            Settings = ($"`path` of {what}", $"`endpoint` of {what}", $"`access_key` of {what}"),
        });

    /// <summary>Gives the bytes piece by piece, and their `sha256:…` at the end.</summary>
    public Task<string> GetAsync(
        string key, Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken) =>
        GetAsync(new BucketObject(key, 0, ""), take, cancellationToken);

    /// <summary>The same of an object as it was listed, which fails with `Exists` where it is another now.</summary>
    public Task<string> GetAsync(
        BucketObject listed, Action<ReadOnlyMemory<byte>> take, CancellationToken cancellationToken) =>
        AskAsync(listed.Key, async () =>
        {
            using GetObjectResponse answer = await _client.GetObjectAsync(
                new GetObjectRequest
                {
                    BucketName = _place.Name,
                    Key = listed.Key,
                    EtagToMatch = listed.Tag.Length == 0 ? null : listed.Tag,
                },
                cancellationToken).ConfigureAwait(false);
            using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            byte[] buffer = new byte[CopyBytes];
            while (true)
            {
                using CancellationTokenSource patience =
                    CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                patience.CancelAfter(_place.Timeout);
                int read = await answer.ResponseStream.ReadAsync(buffer, patience.Token).ConfigureAwait(false);
                if (read == 0)
                {
                    return "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset());
                }

                hash.AppendData(buffer, 0, read);
                take(buffer.AsMemory(0, read));
            }
        }, cancellationToken);

    /// <summary>Makes an object that is not there yet; a store that knows conditions refuses one that is.</summary>
    public Task PutAsync(string key, Func<System.IO.Stream> open, CancellationToken cancellationToken) =>
        PutAsync(key, open, replaces: false, cancellationToken);

    /// <summary>The same, or in the place of one that is there: readers see the old bytes or the new ones.</summary>
    public Task PutAsync(
        string key, Func<System.IO.Stream> open, bool replaces, CancellationToken cancellationToken) =>
        AskAsync(key, async () =>
        {
            using System.IO.Stream content = open();
            if (content.Length > PutBytesMax)
            {
                throw new StorageException(
                    StorageFault.NoSpace,
                    $"\"s3://{_place.Name}/{key}\" would have more than 5 GB, which one request cannot put: it is not "
                    + "sent");
            }

            await _client.PutObjectAsync(
                new PutObjectRequest
                {
                    BucketName = _place.Name,
                    Key = key,
                    InputStream = content,
                    AutoCloseStream = false,
                    UseChunkEncoding = false,
                    IfNoneMatch = replaces ? null : "*",
                },
                cancellationToken).ConfigureAwait(false);
            return true;
        }, cancellationToken);

    public Task DeleteAsync(string key, CancellationToken cancellationToken) =>
        AskAsync(key, async () =>
        {
            await _client.DeleteObjectAsync(_place.Name, key, cancellationToken).ConfigureAwait(false);
            return true;
        }, cancellationToken);

    /// <summary>Keys that begin with a prefix.</summary>
    public async Task<List<string>> ListAsync(string prefix, CancellationToken cancellationToken) =>
        [.. (await ListObjectsAsync(prefix, cancellationToken).ConfigureAwait(false)).Select(static each => each.Key)];

    /// <summary>Objects whose keys begin with a prefix.</summary>
    public Task<List<BucketObject>> ListObjectsAsync(string prefix, CancellationToken cancellationToken) =>
        AskAsync(prefix, async () =>
        {
            List<BucketObject> keys = [];
            ListObjectsV2Request request = new() { BucketName = _place.Name, Prefix = prefix };
            do
            {
                ListObjectsV2Response page =
                    await _client.ListObjectsV2Async(request, cancellationToken).ConfigureAwait(false);
                keys.AddRange((page.S3Objects ?? []).Select(static each =>
                    new BucketObject(each.Key, each.Size ?? 0, each.ETag ?? "")));
                request.ContinuationToken = page.NextContinuationToken;
            }
            while (request.ContinuationToken is not null);

            return keys;
        }, cancellationToken);

    public void Dispose() => _client.Dispose();

    private async Task<T> AskAsync<T>(string key, Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        string what = $"\"s3://{_place.Name}/{key}\"";
        try
        {
            return await ask().ConfigureAwait(false);
        }
        catch (StorageException)
        {
            throw;
        }
        catch (AmazonS3Exception error)
        {
            throw Told(error, what);
        }
        catch (AmazonClientException error) when (error.Message.Contains("hash", StringComparison.OrdinalIgnoreCase))
        {
            // The library holds a body against the ETag.
            throw new StorageException(
                StorageFault.Corrupt,
                $"{what} was changed in the bucket or on its way: look at the store, or bring back its former version",
                error);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception error) when (error is AmazonClientException or HttpRequestException or IOException
            or OperationCanceledException or TimeoutException)
        {
            string where = _place.Endpoint ?? $"S3 in {_place.Region}";
            throw new StorageException(
                StorageFault.Io,
                $"{what} cannot be reached at {where}: {(error.InnerException ?? error).Message}; nothing is lost: "
                + $"look at the network and at {_place.Settings.Endpoint}",
                error);
        }
    }

    private StorageException Told(AmazonS3Exception error, string what) => error.StatusCode switch
    {
        HttpStatusCode.NotFound when error.ErrorCode == "NoSuchBucket" => new StorageException(
            StorageFault.NotFound,
            $"{what}: there is no such bucket; make it, or mend {_place.Settings.Bucket}",
            error),
        HttpStatusCode.NotFound => new StorageException(
            StorageFault.NotFound, $"{what} is not there: bring it back into the bucket, or restore a backup", error),
        HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized => new StorageException(
            StorageFault.Denied,
            $"{what} is refused ({error.ErrorCode}): look at {_place.Settings.Key} and what it may do",
            error),
        HttpStatusCode.PreconditionFailed => new StorageException(
            StorageFault.Exists, $"{what} is there already: it is tried again under another name", error),
        _ => new StorageException(
            StorageFault.Io,
            $"{what} failed with {(int)error.StatusCode} {error.ErrorCode}; nothing is lost: it is tried again", error),
    };
}
