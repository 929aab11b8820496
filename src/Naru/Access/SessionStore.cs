using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Naru.Core.Files;

namespace Naru.Access;

/// <summary>One sign-in as it is kept: of its id only the SHA-256, so that the file signs nobody in.</summary>
internal sealed record SessionRecord(string Sha256, string User, DateTimeOffset At, DateTimeOffset Until);

/// <summary>
/// Sign-ins: `data/state/sessions.json`, a <see cref="StateFile"/> that only its owner may read. On disk, not in
/// memory, so that a restart of the server signs nobody out and what was signed out stays so. An id is 32 random bytes.
/// </summary>
internal sealed class SessionStore
{
    private const string Kind = "sessions";
    private const int Format = 1;
    private const int IdBytes = 32;
    private const int OfUserMax = 20;

    private readonly IFileSystem _files;
    private readonly string _folder;
    private readonly AccessOptions _options;
    private readonly TimeProvider _time;
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<string, Session> _sessions = new(StringComparer.Ordinal);

    private SessionStore(IFileSystem files, string folder, AccessOptions options, TimeProvider time)
    {
        _files = files;
        _folder = folder;
        _options = options;
        _time = time;
        using JsonDocument? body = StateFile.Read(files, Path, Kind, Format);
        foreach (SessionRecord record in body?.Deserialize<ImmutableArray<SessionRecord>>(AccessJson.Files) ?? [])
        {
            _sessions[record.Sha256] = new Session(record, time.GetUtcNow());
        }
    }

    private string Path => $"{_folder}/sessions.json";

    public static SessionStore Open(IFileSystem files, string folder, AccessOptions options, TimeProvider time) =>
        new(files, folder, options, time);

    /// <summary>Signs a user in: the id, which is told this once, and its end. Durable when it returns.</summary>
    public (string Id, DateTimeOffset Until) Begin(string user)
    {
        string id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
        DateTimeOffset now = _time.GetUtcNow();
        SessionRecord record = new(HashOf(id), user, now, now + _options.SessionLifetime);
        lock (_gate)
        {
            foreach (Session old in _sessions.Values.Where(session => session.Record.User == user)
                .OrderByDescending(static session => session.Record.At).Skip(OfUserMax - 1))
            {
                _sessions.TryRemove(old.Record.Sha256, out _);
            }

            _sessions[record.Sha256] = new Session(record, now);
            Save(now);
        }

        return (id, record.Until);
    }

    /// <summary>Whose sign-in an id is, and its end; null for one that is unknown, over or idle too long.</summary>
    public (string User, DateTimeOffset Until)? Find(string id)
    {
        if (id.Length != 2 * IdBytes || !_sessions.TryGetValue(HashOf(id), out Session? session))
        {
            return null;
        }

        DateTimeOffset now = _time.GetUtcNow();
        if (!IsAlive(session, now))
        {
            return null;
        }

        session.Touch(now);
        return (session.Record.User, session.Record.Until);
    }

    /// <summary>Signs out. Durable when it returns.</summary>
    public void End(string id)
    {
        lock (_gate)
        {
            if (_sessions.TryRemove(HashOf(id), out _))
            {
                Save(_time.GetUtcNow());
            }
        }
    }

    /// <summary>Ends every sign-in of a user: the password was changed, or the user removed.</summary>
    public void EndAllOf(string user)
    {
        lock (_gate)
        {
            foreach (Session session in _sessions.Values.Where(session => session.Record.User == user))
            {
                _sessions.TryRemove(session.Record.Sha256, out _);
            }

            Save(_time.GetUtcNow());
        }
    }

    private bool IsAlive(Session session, DateTimeOffset now) =>
        now < session.Record.Until && now - session.SeenAt < _options.SessionIdle;

    private void Save(DateTimeOffset now)
    {
        foreach (Session over in _sessions.Values.Where(session => !IsAlive(session, now)))
        {
            _sessions.TryRemove(over.Record.Sha256, out _);
        }

        SessionRecord[] records = [.. _sessions.Values.Select(static session => session.Record)];
        _files.CreateDirectory(_folder);
        StateFile.WritePrivate(
            _files, Path, Kind, Format, JsonSerializer.SerializeToUtf8Bytes(records, AccessJson.Files));
    }

    private static string HashOf(string id) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id)));

    private sealed class Session(SessionRecord record, DateTimeOffset seenAt)
    {
        private long _seenAt = seenAt.UtcTicks;

        public SessionRecord Record { get; } = record;

        public DateTimeOffset SeenAt => new(Volatile.Read(ref _seenAt), TimeSpan.Zero);

        public void Touch(DateTimeOffset now) => Volatile.Write(ref _seenAt, now.UtcTicks);
    }
}
