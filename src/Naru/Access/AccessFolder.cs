using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Naru.Access.Tickets;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Lake.Catalog;
using Naru.Yaml;

namespace Naru.Access;

/// <summary>One file of `access/`.</summary>
internal sealed record AccessFile(string Name, byte[] Bytes);

/// <summary>
/// Reads all of `access/*.yaml`: `roles:`, `users:` and `tickets:`, spread over any number of files. Every mistake at
/// once; nothing of a folder with a mistake is taken, for half of a rule may give more than the whole.
/// </summary>
internal sealed class AccessFolder
{
    public const string Extension = ".yaml";
    public const string Folder = "access";

    private static readonly ImmutableArray<string> FileKeys = ["roles", "users", "tickets"];
    private static readonly ImmutableArray<string> RoleKeys =
        ["description", "read", "secure", "write", "rows", "masks", "administer"];

    private static readonly ImmutableArray<string> UserKeys = ["description", "roles", "from", "until", "ticket"];

    private readonly TimeZoneInfo _zone;
    private readonly string _maskKey;
    private readonly MistakeList _mistakes;
    private readonly Dictionary<string, Grant> _roles = new(StringComparer.Ordinal);
    private readonly Dictionary<string, UserDefinition> _users = new(StringComparer.Ordinal);
    private readonly Dictionary<string, TicketDefinition> _tickets = new(StringComparer.Ordinal);
    private readonly List<(string File, YamlScalar Role, string User)> _named = [];
    private readonly List<(string File, YamlScalar Ticket, string User)> _ticketed = [];
    private readonly List<RuleText> _rules = [];

    private AccessFolder(TimeZoneInfo zone, string maskKey, MistakeList mistakes)
    {
        _zone = zone;
        _maskKey = maskKey;
        _mistakes = mistakes;
    }

    /// <summary>What the files say; null after a mistake.</summary>
    /// <param name="files">Of `access/`, by name.</param>
    /// <param name="zone">In which dates are days.</param>
    /// <param name="maskKey">Hexadecimal secret of `hash` masks.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static AccessSet? Read(
        IReadOnlyList<AccessFile> files, TimeZoneInfo zone, string maskKey, MistakeList mistakes)
    {
        int before = mistakes.Count;
        AccessFolder reader = new(zone, maskKey, mistakes);
        foreach (AccessFile file in files)
        {
            string path = $"{Folder}/{file.Name}";
            if (file.Name.EndsWith(Extension, StringComparison.Ordinal))
            {
                reader.File(path, file.Bytes);
            }
            else
            {
                mistakes.Add(new Mistake(path, "is no file of rights: its name does not end with .yaml", "rename it"));
            }
        }

        reader.CheckNamed();
        return mistakes.Count > before ? null : new AccessSet
        {
            Roles = reader._roles.ToFrozenDictionary(StringComparer.Ordinal),
            Users = reader._users.ToFrozenDictionary(StringComparer.Ordinal),
            Tickets = reader._tickets.ToFrozenDictionary(StringComparer.Ordinal),
            Rules = [.. reader._rules],
        };
    }

    /// <summary>The files of a project's `access/`, without what editors leave beside the one that is edited.</summary>
    public static ImmutableArray<AccessFile> Files(IFileSystem files, string folder) =>
    [
        .. files.List(folder)
            .Where(static name =>
                !name.StartsWith('.') && !name.EndsWith('~') && !name.EndsWith(".swp", StringComparison.Ordinal)
                && !name.EndsWith(".tmp", StringComparison.Ordinal))
            .Select(name => new AccessFile(
                name, WholeFile.Read(files, $"{folder}/{name}", 2 * YamlText.BytesMax) ?? [])),
    ];

    /// <summary>Names and bytes of everything that is read.</summary>
    public static string Fingerprint(IReadOnlyList<AccessFile> files)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (AccessFile file in files)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{file.Name}\n{file.Bytes.Length}\n"));
            hash.AppendData(file.Bytes);
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private void File(string path, byte[] bytes)
    {
        if (YamlText.Parse(path, bytes, _mistakes) is not { } root)
        {
            return;
        }

        YamlReader file = new(path, root, FileKeys, "a file of rights", _mistakes);
        if (file.Keys("roles", "roles: {analyst: {read: [kr_shop.*]}}") is { } roles)
        {
            foreach (YamlEntry entry in roles.Entries)
            {
                Role(path, entry);
            }
        }

        if (file.Keys("users", "users: {kim: {roles: [analyst]}}") is { } users)
        {
            foreach (YamlEntry entry in users.Entries)
            {
                User(path, entry);
            }
        }

        if (file.Keys("tickets", TicketReader.Example) is { } tickets)
        {
            foreach (YamlEntry entry in tickets.Entries)
            {
                Ticket(path, entry);
            }
        }

        file.End();
    }

    private void Ticket(string path, YamlEntry entry)
    {
        if (Body(path, entry, "ticket", TicketReader.Keys, "concurrent: 4") is { } keys)
        {
            TicketDefinition ticket = TicketReader.Read(entry.Key, keys);
            keys.End();
            if (!_tickets.TryAdd(ticket.Name, ticket))
            {
                _mistakes.Add(path, entry.Key, $"ticket '{ticket.Name}' is defined twice", "keep one of them");
            }
        }
    }

    private void Role(string path, YamlEntry entry)
    {
        string name = entry.Key.Text;
        if (Body(path, entry, "role", RoleKeys, "read: [kr_shop.*]") is not { } keys)
        {
            return;
        }

        Grant role = new()
        {
            Name = name,
            Description = keys.Text("description") ?? "",
            Read = Patterns(keys, "read"),
            Secure = Patterns(keys, "secure"),
            Write = Patterns(keys, "write"),
            Administer = keys.Boolean("administer") ?? false,
            Rows = Rows(path, name, keys),
            Masks = Masks(path, name, keys),
        };
        keys.End();
        if (role.Read.Count + role.Secure.Count + role.Write.Count == 0 && !role.Administer)
        {
            _mistakes.Add(path, entry.Key, $"role '{name}' gives nothing", "give it read, write, secure or administer");
        }

        foreach (string table in role.Rows.Keys.Concat(role.Masks.Keys).Distinct().Where(table => !role.Reads(table)))
        {
            _mistakes.Add(
                path,
                entry.Key,
                $"role '{name}' has rows or masks of {table}, which it may not read",
                "with rows or masks, '*' means logs only: name it under read, or leave its rule out");
        }

        if (!_roles.TryAdd(name, role))
        {
            _mistakes.Add(path, entry.Key, $"role '{name}' is defined twice", "keep one of them");
        }
    }

    private void User(string path, YamlEntry entry)
    {
        string name = entry.Key.Text;
        if (Body(path, entry, "user", UserKeys, "roles: [analyst]") is not { } keys)
        {
            return;
        }

        ImmutableArray<YamlScalar> roles = keys.Texts("roles", single: true) ?? [];
        if (keys.Find("roles") is null)
        {
            keys.Mistake(entry.Key, $"user '{name}' has no roles", "write roles: [analyst]");
        }

        _named.AddRange(roles.Select(role => (path, role, name)));
        UserDefinition user = new()
        {
            Name = name,
            Description = keys.Text("description") ?? "",
            Roles = [.. roles.Select(static role => role.Text)],
            From = Time(keys, "from"),
            Until = Time(keys, "until"),
            Ticket = keys.Text("ticket"),
            File = path,
        };
        if (user.Ticket is not null)
        {
            _ticketed.Add((path, keys.Scalar("ticket", "a text")!, name));
        }

        keys.End();
        if (user.From >= user.Until)
        {
            keys.Mistake(
                entry.Key, $"user '{name}' is valid from after until", "until is the first day without rights");
        }

        if (!_users.TryAdd(name, user))
        {
            _mistakes.Add(
                path, entry.Key, $"user '{name}' is defined twice", $"keep this one or that of {_users[name].File}");
        }
    }

    private YamlReader? Body(
        string path, YamlEntry entry, string what, ImmutableArray<string> known, string example)
    {
        string name = entry.Key.Text;
        if (!AccessNames.IsName(name))
        {
            _mistakes.Add(path, entry.Key, $"'{name}' is no name of a {what}", AccessNames.Hint);
        }
        else if (what == "user" && name == Principal.Open.Name)
        {
            _mistakes.Add(path, entry.Key, $"the name '{name}' is Naru's own", "choose another");
        }

        if (entry.Value is YamlMapping mapping)
        {
            return new YamlReader(path, mapping, known, $"{what} '{name}'", _mistakes);
        }

        _mistakes.Add(path, entry.Value, $"{what} '{name}' holds {entry.Value.Kind}", $"write {name}: {{{example}}}");
        return null;
    }

    private static ImmutableArray<string> Patterns(YamlReader keys, string key)
    {
        ImmutableArray<YamlScalar> patterns = keys.Texts(key, single: true) ?? [];
        foreach (YamlScalar pattern in patterns.Where(static pattern => !AccessNames.IsPattern(pattern.Text)))
        {
            keys.Mistake(
                pattern,
                $"'{pattern.Text}' is no pattern for '{key}'",
                "write \"*\", kr_shop.* or kr_shop.page_view");
        }

        return [.. patterns.Select(static pattern => pattern.Text)];
    }

    private ImmutableSortedDictionary<string, string> Rows(string path, string role, YamlReader keys)
    {
        ImmutableSortedDictionary<string, string>.Builder rows =
            ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        YamlMapping? tables = keys.Keys("rows", "rows: {kr_shop.order: \"region = 'seoul'\"}");
        foreach (YamlEntry entry in tables?.Entries ?? [])
        {
            if (Table(keys, entry.Key) && entry.Value is YamlScalar { IsNull: false, Text.Length: > 0 } condition)
            {
                rows[entry.Key.Text] = condition.Text;
                _rules.Add(new RuleText(role, entry.Key.Text, null, null, condition, entry.Key, path));
            }
            else if (entry.Value is not YamlScalar { IsNull: false, Text.Length: > 0 })
            {
                keys.Mistake(
                    entry.Value, $"the rows of {entry.Key.Text} hold {entry.Value.Kind}", "write a condition in SQL");
            }
        }

        return rows.ToImmutable();
    }

    private ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ColumnMask>> Masks(
        string path, string role, YamlReader keys)
    {
        var masks = ImmutableSortedDictionary.CreateBuilder<string, ImmutableSortedDictionary<string, ColumnMask>>(
            StringComparer.Ordinal);
        const string Example = "kr_shop.member: {phone: \"left(phone, 3)\", email: hash}";
        YamlMapping? tables = keys.Keys("masks", $"masks: {{{Example}}}");
        foreach (YamlEntry entry in tables?.Entries ?? [])
        {
            if (!Table(keys, entry.Key) || entry.Value is not YamlMapping columns)
            {
                if (entry.Value is not YamlMapping)
                {
                    keys.Mistake(
                        entry.Value, $"the masks of {entry.Key.Text} hold {entry.Value.Kind}", $"write {Example}");
                }

                continue;
            }

            var of = ImmutableSortedDictionary.CreateBuilder<string, ColumnMask>(StringComparer.Ordinal);
            foreach (YamlEntry column in columns.Entries)
            {
                if (column.Value is YamlScalar text)
                {
                    ColumnMask mask = Mask(column.Key.Text, text);
                    of[column.Key.Text] = mask;
                    _rules.Add(
                        new RuleText(role, entry.Key.Text, column.Key.Text, mask, text, column.Key, path));
                }
                else
                {
                    keys.Mistake(
                        column.Value, $"the mask of {column.Key.Text} holds {column.Value.Kind}", $"write {Example}");
                }
            }

            masks[entry.Key.Text] = of.ToImmutable();
        }

        return masks.ToImmutable();
    }

    private static bool Table(YamlReader keys, YamlScalar table)
    {
        bool named = AccessNames.IsPattern(table.Text) && !table.Text.Contains('*', StringComparison.Ordinal);
        if (!named)
        {
            keys.Mistake(table, $"'{table.Text}' is no table", "a rule is for one table: write kr_shop.order");
        }

        return named;
    }

    /// <summary>
    /// `hash` is a keyed hash: equal values stay equal, and who does not hold the project's key cannot try values out.
    /// </summary>
    private ColumnMask Mask(string column, YamlScalar text)
    {
        string quoted = SqlIdentifier.Quote(column);
        return text switch
        {
            { IsNull: true } => new ColumnMask("null", "NULL"),
            { Text: "hash" } => new ColumnMask("hash", $"left(sha256('{_maskKey}' || {quoted}), 16)"),
            _ => new ColumnMask(text.Text, text.Text),
        };
    }

    private DateTimeOffset? Time(YamlReader keys, string key)
    {
        if (keys.Scalar(key, "a date such as 2026-01-01") is not { } scalar)
        {
            return null;
        }

        if (DateOnly.TryParseExact(scalar.Text, "yyyy-MM-dd", CultureInfo.InvariantCulture, 0, out DateOnly day))
        {
            DateTime midnight = day.ToDateTime(TimeOnly.MinValue);
            return new DateTimeOffset(midnight, _zone.GetUtcOffset(midnight));
        }

        keys.Mistake(scalar, $"'{scalar.Text}' of '{key}' is no date", "write it as 2026-01-01");
        return null;
    }

    private void CheckNamed()
    {
        foreach ((string file, YamlScalar role, string user) in
            _named.Where(each => !_roles.ContainsKey(each.Role.Text)))
        {
            _mistakes.Add(
                file,
                role,
                $"user '{user}' has role '{role.Text}', which is not defined",
                NearestName.Find(role.Text, _roles.Keys) is { } nearest
                    ? $"did you mean '{nearest}'?" : "define it under 'roles'");
        }

        foreach ((string file, YamlScalar ticket, string user) in
            _ticketed.Where(each => !_tickets.ContainsKey(each.Ticket.Text)))
        {
            _mistakes.Add(
                file,
                ticket,
                $"user '{user}' has ticket '{ticket.Text}', which is not defined",
                NearestName.Find(ticket.Text, _tickets.Keys) is { } nearest
                    ? $"did you mean '{nearest}'?" : "define it under 'tickets'");
        }
    }
}
