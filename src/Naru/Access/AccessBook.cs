using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Access;

/// <summary>
/// The files of `access/` beside their last texts that were right, kept in `data/state/access.json`: rights that are
/// broken while the server is down must neither end everybody's access nor give everybody everything.
/// </summary>
internal sealed class AccessBook(IFileSystem files, ProjectPaths paths, TimeZoneInfo zone)
{
    private const string Kind = "access";
    private const int Format = 1;
    private const int MaskKeyBytes = 32;

    private string KeptPath => $"{paths.State}/access.json";

    private string MaskKeyPath => $"{paths.State}/mask.key";

    public ImmutableArray<AccessFile> Files() => AccessFolder.Files(files, paths.Access);

    /// <summary>
    /// What the files say, and after a mistake what they said last when they were right. Throws
    /// <see cref="StorageException"/>.
    /// </summary>
    public AccessSet Read(ImmutableArray<AccessFile> now, MistakeList mistakes)
    {
        ImmutableArray<AccessFile> kept = ReadKept();
        string maskKey = now.IsEmpty && kept.IsEmpty ? "" : MaskKey();
        if (AccessFolder.Read(now, zone, maskKey, mistakes) is not { } read)
        {
            return kept.IsEmpty
                ? new AccessSet { Closed = true }
                : AccessFolder.Read(kept, zone, maskKey, new MistakeList()) ?? new AccessSet { Closed = true };
        }

        Keep(kept, now);
        return read;
    }

    /// <summary>What files say, without taking them; null after a mistake.</summary>
    public AccessSet? Check(ImmutableArray<AccessFile> now, MistakeList mistakes) =>
        AccessFolder.Read(now, zone, "", mistakes);

    private ImmutableArray<AccessFile> ReadKept()
    {
        using JsonDocument? body = StateFile.Read(files, KeptPath, Kind, Format);
        return body is null
            ? []
            :
            [
                .. body.RootElement.EnumerateObject().Select(static file =>
                    new AccessFile(file.Name, Encoding.UTF8.GetBytes(file.Value.GetString()!))),
            ];
    }

    private void Keep(ImmutableArray<AccessFile> kept, ImmutableArray<AccessFile> now)
    {
        if (AccessFolder.Fingerprint(kept) == AccessFolder.Fingerprint(now))
        {
            return;
        }

        files.CreateDirectory(paths.State);
        Dictionary<string, string> texts = now.ToDictionary(
            static file => file.Name, static file => Encoding.UTF8.GetString(file.Bytes));
        StateFile.WritePrivate(
            files, KeptPath, Kind, Format, JsonSerializer.SerializeToUtf8Bytes(texts, AccessJson.Files));
    }

    /// <summary>Made once: hashes in old answers and new ones stay the same.</summary>
    private string MaskKey()
    {
        if (WholeFile.Read(files, MaskKeyPath) is { Length: 2 * MaskKeyBytes } known)
        {
            return Encoding.ASCII.GetString(known);
        }

        string made = RandomNumberGenerator.GetHexString(2 * MaskKeyBytes, lowercase: true);
        files.CreateDirectory(paths.State);
        WholeFile.Replace(files, MaskKeyPath, Encoding.ASCII.GetBytes(made), FileReaders.Owner);
        return made;
    }
}
