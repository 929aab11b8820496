using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text.Json;
using Naru.Core.Files;

namespace Naru.Access;

/// <summary>A user's password as it is kept.</summary>
internal sealed record PasswordRecord(string Name, string Hash, DateTimeOffset ChangedAt, string ChangedBy);

/// <summary>
/// Passwords: `data/state/users.json`, a <see cref="StateFile"/> that only its owner may read. Not in `access/`: that
/// folder is read, reviewed and kept in git by many, and a hash is worth guessing at. A change is audited first,
/// durable next, and then in force.
/// </summary>
internal sealed class UserStore
{
    private const string Kind = "users";
    private const int Format = 1;

    private readonly IFileSystem _files;
    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly AuditTrail _audit;
    private readonly Lock _gate = new();
    private volatile FrozenDictionary<string, PasswordRecord> _users;

    private UserStore(IFileSystem files, string folder, TimeProvider time, AuditTrail audit)
    {
        _files = files;
        _folder = folder;
        _time = time;
        _audit = audit;
        _users = Load() ?? FrozenDictionary<string, PasswordRecord>.Empty;
        if (_users.Count == 0 && !files.FileExists(Path) && audit.Tells("user."))
        {
            throw new StorageException(
                StorageFault.Corrupt, $"\"{Path}\" is gone, but users were made; restore it from a backup");
        }
    }

    private string Path => $"{_folder}/users.json";

    /// <summary>Throws <see cref="StorageException"/> when the file is damaged or gone.</summary>
    public static UserStore Open(IFileSystem files, string folder, TimeProvider time, AuditTrail audit) =>
        new(files, folder, time, audit);

    public PasswordRecord? Find(string name) => _users.GetValueOrDefault(name);

    /// <summary>Makes a password and tells it this once.</summary>
    public string Generate(string name, string by)
    {
        string password = PasswordHash.Generate();
        Set(name, password, by);
        return password;
    }

    public void Set(string name, string password, string by)
    {
        string hash = PasswordHash.Make(password);
        lock (_gate)
        {
            PasswordRecord record = new(name, hash, _time.GetUtcNow(), by);
            Change(
                [.. _users.Values.Where(known => known.Name != name), record],
                by,
                _users.ContainsKey(name) ? "user.password" : "user.add",
                name);
        }
    }

    /// <summary>False when there was none.</summary>
    public bool Remove(string name, string by)
    {
        lock (_gate)
        {
            bool known = _users.ContainsKey(name);
            if (known)
            {
                Change([.. _users.Values.Where(user => user.Name != name)], by, "user.remove", name);
            }

            return known;
        }
    }

    /// <summary>Takes up the file when something else changed it (a restore). True when it did.</summary>
    public bool Reload()
    {
        lock (_gate)
        {
            if (Load() is not { } loaded || (loaded.Count == _users.Count
                && loaded.Values.All(user => _users.GetValueOrDefault(user.Name) == user)))
            {
                return false;
            }

            _users = loaded;
            return true;
        }
    }

    private void Change(ImmutableArray<PasswordRecord> users, string by, string what, string name)
    {
        _files.CreateDirectory(_folder);
        if (!_files.FileExists(Path))
        {
            // From the first audited change on there is a file: its absence then means that it was lost.
            Write([]);
        }

        _audit.Append(by, what, AuditTrail.Detail(("user", name)));
        Write(users);
        _users = users.ToFrozenDictionary(static user => user.Name, StringComparer.Ordinal);
    }

    private void Write(ImmutableArray<PasswordRecord> users) => StateFile.WritePrivate(
        _files, Path, Kind, Format, JsonSerializer.SerializeToUtf8Bytes(users, AccessJson.Files));

    private FrozenDictionary<string, PasswordRecord>? Load()
    {
        using JsonDocument? body = StateFile.Read(_files, Path, Kind, Format);
        return body?.Deserialize<ImmutableArray<PasswordRecord>>(AccessJson.Files)
            .ToFrozenDictionary(static user => user.Name, StringComparer.Ordinal);
    }
}
