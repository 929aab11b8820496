using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Access;

/// <summary>
/// The project's keys: `data/state/keys.json`, a <see cref="StateFile"/> that only its owner may read. A change is
/// audited first, durable next, and then in force. A request with a header that was seen before costs one look-up.
/// </summary>
internal sealed class KeyStore : IAuthenticator
{
    private const string Kind = "keys";
    private const string UsedKind = "keys-used";
    private const int Format = 1;
    private const int CachedHeadersMax = 4096;

    private readonly IFileSystem _files;
    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly AuditTrail _audit;
    private readonly IAccessSource _access;
    private readonly Lock _gate = new();
    private volatile KeySet _keys;
    private volatile string? _localKey;

    private KeyStore(
        IFileSystem files, string folder, TimeProvider time, IAccessSource access, AuditTrail audit)
    {
        _access = access;
        _files = files;
        _folder = folder;
        _time = time;
        _audit = audit;
        _keys = Load() ?? new KeySet([], ImmutableDictionary<string, long>.Empty);
        if (_keys.Entries.Count == 0 && !files.FileExists(Path) && _audit.Tells("key."))
        {
            throw new StorageException(
                StorageFault.Corrupt, $"\"{Path}\" is gone, but keys were made; restore it from a backup");
        }
    }

    private string Path => $"{_folder}/keys.json";

    private string UsedPath => $"{_folder}/keys_used.json";

    private string LocalPath => $"{_folder}/local.key";

    /// <summary>
    /// Opens the keys of a project. Throws <see cref="StorageException"/> when they are damaged or gone.
    /// </summary>
    /// <param name="files">The disk.</param>
    /// <param name="folder">`data/state`; need not be there yet.</param>
    /// <param name="time">Dates keys and their use.</param>
    public static KeyStore Open(IFileSystem files, string folder, TimeProvider time) =>
        new(files, folder, time, FixedAccess.None, AuditTrail.Open(files, folder, time));

    /// <summary>As above, with the roles that keys may have, and the trail that users and roles share.</summary>
    public static KeyStore Open(
        IFileSystem files, string folder, TimeProvider time, IAccessSource access, AuditTrail audit) =>
        new(files, folder, time, access, audit);

    public Principal? Authenticate(string? authorization, IPAddress? remote)
    {
        KeySet keys = _keys;
        if (string.IsNullOrEmpty(authorization))
        {
            return keys.Entries.Count == 0 && _access.Current.IsOpen && IsLoopback(remote) ? Principal.Open : null;
        }

        if (keys.Headers.TryGetValue(authorization, out KeyEntry? seen))
        {
            return Used(seen);
        }

        return AuthenticateUnseen(keys, authorization, remote);
    }

    /// <summary>
    /// Makes the key that commands on this machine use: whoever may read the project's state may do everything with it
    /// anyway. In force until the next start, from loopback only.
    /// </summary>
    public void MakeLocalKey()
    {
        string key = KeyText.Join("local", KeyText.NewSecret());
        lock (_gate)
        {
            _files.CreateDirectory(_folder);
            WholeFile.Replace(_files, LocalPath, System.Text.Encoding.UTF8.GetBytes(key), FileReaders.Owner);
            _localKey = key;
        }
    }

    /// <summary>The running server's own key, for commands; null when it may not be read or none runs.</summary>
    public static string? ReadLocalKey(IFileSystem files, string folder)
    {
        try
        {
            byte[]? bytes = WholeFile.Read(files, $"{folder}/local.key");
            return bytes is null ? null : System.Text.Encoding.UTF8.GetString(bytes);
        }
        catch (StorageException)
        {
            return null;
        }
    }

    /// <summary>
    /// Makes a key; its text is told this once. The rights have been checked (<see cref="KeyRules"/>).
    /// </summary>
    public NewKey Add(string name, KeyRights rights, string by)
    {
        lock (_gate)
        {
            string id = KeyText.NewId();
            string secret = KeyText.NewSecret();
            byte[] hash = new byte[KeyText.HashBytes];
            KeyText.Hash(secret, hash);
            KeyRecord record = new()
            {
                Id = id,
                Name = name,
                Sha256 = Convert.ToHexStringLower(hash),
                Rights = rights,
                CreatedAt = _time.GetUtcNow(),
                CreatedBy = by,
            };
            Invariant.Hold(_keys.Records.All(known => known.Id != id));
            Change(_keys.Records.Add(record), by, "key.add", record);
            return new NewKey(KeyText.Join(id, secret), View(_keys.Entries[id]));
        }
    }

    /// <summary>By creation, revoked ones too.</summary>
    public ImmutableArray<KeyView> List()
    {
        KeySet keys = _keys;
        return [.. keys.Records.Select(record => View(keys.Entries[record.Id]))];
    }

    /// <summary>Ends a key at once. Null when there is no such key; revoking twice changes nothing.</summary>
    public KeyView? Revoke(string id, string by)
    {
        lock (_gate)
        {
            KeyRecord? record = _keys.Records.FirstOrDefault(known => known.Id == id);
            if (record is { RevokedAt: null })
            {
                KeyRecord revoked = record with { RevokedAt = _time.GetUtcNow() };
                Change(_keys.Records.Replace(record, revoked), by, "key.revoke", revoked);
            }

            return record is null ? null : View(_keys.Entries[id]);
        }
    }

    /// <summary>Takes up the file when something else changed it (a restore). True when it did.</summary>
    public bool Reload()
    {
        lock (_gate)
        {
            if (Load() is { } loaded && !loaded.Records.SequenceEqual(_keys.Records, KeyRecordComparer.Instance))
            {
                _keys = loaded;
                return true;
            }

            return false;
        }
    }

    /// <summary>
    /// Keeps when each key was used last, in full hours, if that changed. Not synced with anything: a hint for people.
    /// </summary>
    public void SaveUsed()
    {
        lock (_gate)
        {
            KeySet keys = _keys;
            Dictionary<string, long> used = keys.Entries
                .Where(static pair => pair.Value.UsedHour > 0)
                .ToDictionary(static pair => pair.Key, static pair => pair.Value.UsedHour);
            if (keys.Entries.Values.All(static entry => entry.UsedHour == entry.SavedHour))
            {
                return;
            }

            StateFile.WritePrivate(
                _files, UsedPath, UsedKind, Format, JsonSerializer.SerializeToUtf8Bytes(used, AccessJson.Files));
            foreach (KeyEntry entry in keys.Entries.Values)
            {
                entry.SavedHour = used.GetValueOrDefault(entry.Record.Id);
            }
        }
    }

    private static bool IsLoopback(IPAddress? remote) => remote is not null && IPAddress.IsLoopback(remote);

    private Principal? AuthenticateUnseen(KeySet keys, string authorization, IPAddress? remote)
    {
        string? key = KeyText.FromHeader(authorization);
        Span<byte> hash = stackalloc byte[KeyText.HashBytes];
        if (key is null || !KeyText.TrySplit(key, out ReadOnlySpan<char> id, out ReadOnlySpan<char> secret))
        {
            return null;
        }

        KeyText.Hash(secret, hash);
        if (_localKey is { } local && id is "local")
        {
            Span<byte> localHash = stackalloc byte[KeyText.HashBytes];
            KeyText.Hash(local.AsSpan(KeyText.Prefix.Length + id.Length + 1), localHash);
            bool ours = CryptographicOperations.FixedTimeEquals(hash, localHash) && IsLoopback(remote);
            return ours ? Principal.Open : null;
        }

        // An unknown id is compared as well, so that the time taken does not tell which ids exist.
        bool known = keys.Entries.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(id, out KeyEntry? entry);
        bool equal = CryptographicOperations.FixedTimeEquals(hash, known ? entry!.Hash : KeySet.NoHash);
        if (!known || !equal || entry!.Record.RevokedAt is not null)
        {
            return null;
        }

        if (keys.Headers.Count >= CachedHeadersMax)
        {
            keys.Headers.Clear();
        }

        keys.Headers.TryAdd(authorization, entry);
        return Used(entry);
    }

    /// <summary>Null after its last moment, as for a key that never was.</summary>
    private Principal? Used(KeyEntry entry)
    {
        if (_time.GetUtcNow() >= entry.Record.Rights.Until)
        {
            return null;
        }

        entry.Touch(_time);
        return entry.PrincipalWith(_access.Current);
    }

    private void Change(ImmutableArray<KeyRecord> records, string by, string what, KeyRecord about)
    {
        _files.CreateDirectory(_folder);
        if (!_files.FileExists(Path))
        {
            // From the first audited change on there is a file: its absence then means that it was lost.
            Write([]);
        }

        _audit.Append(by, what, Detail(about));
        Write(records);
        ImmutableDictionary<string, long> used = _keys.Entries.ToImmutableDictionary(
            static pair => pair.Key, static pair => pair.Value.UsedHour);
        _keys = new KeySet(records, used);
    }

    private static ImmutableSortedDictionary<string, string> Detail(KeyRecord key) =>
        new Dictionary<string, string>
        {
            ["id"] = key.Id,
            ["name"] = key.Name,
            ["write"] = string.Join(' ', key.Rights.Write),
            ["read"] = string.Join(' ', key.Rights.Read),
            ["secure"] = string.Join(' ', key.Rights.Secure),
            ["administer"] = key.Rights.Administer ? "true" : "false",
            ["roles"] = string.Join(' ', key.Rights.Roles),
            ["ticket"] = key.Rights.Ticket ?? "",
            ["until"] = key.Rights.Until?.ToString("u", System.Globalization.CultureInfo.InvariantCulture) ?? "",
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    private void Write(ImmutableArray<KeyRecord> records) => StateFile.WritePrivate(
        _files, Path, Kind, Format, JsonSerializer.SerializeToUtf8Bytes(records, AccessJson.Files));

    private KeySet? Load()
    {
        using JsonDocument? body = StateFile.Read(_files, Path, Kind, Format);
        if (body is null)
        {
            return null;
        }

        ImmutableArray<KeyRecord> records = body.Deserialize<ImmutableArray<KeyRecord>>(AccessJson.Files);
        return new KeySet(records, LoadUsed());
    }

    private ImmutableDictionary<string, long> LoadUsed()
    {
        try
        {
            using JsonDocument? body = StateFile.Read(_files, UsedPath, UsedKind, Format);
            return body?.Deserialize<ImmutableDictionary<string, long>>(AccessJson.Files)
                ?? ImmutableDictionary<string, long>.Empty;
        }
        catch (StorageException exception) when (exception.Fault == StorageFault.Corrupt)
        {
            // Only a hint for people: without it every key counts as not used yet.
            return ImmutableDictionary<string, long>.Empty;
        }
    }

    private static KeyView View(KeyEntry entry) => new(
        entry.Record.Id,
        entry.Record.Name,
        entry.Record.Rights,
        entry.Record.CreatedAt,
        entry.Record.CreatedBy,
        entry.UsedHour == 0 ? null : DateTimeOffset.UnixEpoch.AddHours(entry.UsedHour),
        entry.Record.RevokedAt);

    /// <summary>The keys at one moment, and the headers that proved to be one of them since.</summary>
    private sealed class KeySet
    {
        public static readonly byte[] NoHash = new byte[KeyText.HashBytes];

        public KeySet(ImmutableArray<KeyRecord> records, ImmutableDictionary<string, long> used)
        {
            Records = records;
            Entries = records.ToFrozenDictionary(
                static record => record.Id,
                record => new KeyEntry(record, used.GetValueOrDefault(record.Id)),
                StringComparer.Ordinal);
        }

        public ImmutableArray<KeyRecord> Records { get; }

        public FrozenDictionary<string, KeyEntry> Entries { get; }

        public ConcurrentDictionary<string, KeyEntry> Headers { get; } = new(StringComparer.Ordinal);
    }

    private sealed record MadePrincipal(AccessSet Access, Principal Principal);

    private sealed class KeyEntry
    {
        private long _usedHour;
        private volatile MadePrincipal? _made;

        public KeyEntry(KeyRecord record, long usedHour)
        {
            Record = record;
            Hash = Convert.FromHexString(record.Sha256);
            _usedHour = SavedHour = usedHour;
        }

        public KeyRecord Record { get; }

        public byte[] Hash { get; }

        /// <summary>Made anew when the roles are others.</summary>
        public Principal PrincipalWith(AccessSet access)
        {
            if (_made is not { } made || !ReferenceEquals(made.Access, access))
            {
                KeyRights rights = Record.Rights;
                _made = made = new MadePrincipal(access, new Principal
                {
                    Name = Record.Name,
                    Kind = PrincipalKind.Key,
                    Write = rights.Write,
                    Read = rights.Read,
                    Secure = rights.Secure,
                    Administer = rights.Administer,
                    Roles = rights.Roles.IsDefaultOrEmpty ? [] : access.Named(rights.Roles),
                    Ticket = rights.Ticket,
                });
            }

            return made.Principal;
        }

        /// <summary>Hours since 1970, 0 when never.</summary>
        public long UsedHour => Volatile.Read(ref _usedHour);

        public long SavedHour { get; set; }

        public void Touch(TimeProvider time)
        {
            long hour = time.GetUtcNow().ToUnixTimeSeconds() / 3600;
            if (Volatile.Read(ref _usedHour) != hour)
            {
                Volatile.Write(ref _usedHour, hour);
            }
        }
    }

    private sealed class KeyRecordComparer : IEqualityComparer<KeyRecord>
    {
        public static readonly KeyRecordComparer Instance = new();

        public bool Equals(KeyRecord? left, KeyRecord? right) =>
            left?.Id == right?.Id && left?.Sha256 == right?.Sha256 && left?.RevokedAt == right?.RevokedAt
                && JsonSerializer.Serialize(left?.Rights, AccessJson.Files)
                    == JsonSerializer.Serialize(right?.Rights, AccessJson.Files);

        public int GetHashCode(KeyRecord record) => StringComparer.Ordinal.GetHashCode(record.Id);
    }
}
