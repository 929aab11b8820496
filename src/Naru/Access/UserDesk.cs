using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Yaml;

namespace Naru.Access;

/// <summary>What `POST /v1/users` takes: dates as 2026-01-01, in the project's zone.</summary>
internal sealed record UserRequest
{
    public string Name { get; init; } = "";

    public ImmutableArray<string> Roles { get; init; } = [];

    public string? From { get; init; }

    public string? Until { get; init; }

    public string? Description { get; init; }
}

/// <summary>A user as shown.</summary>
internal sealed record UserView(
    string Name,
    ImmutableArray<string> Roles,
    DateTimeOffset? From,
    DateTimeOffset? Until,
    string? Ticket,
    string State,
    string File);

/// <summary>A password, the one time that it is told.</summary>
internal sealed record NewPassword(string Name, string Password);

/// <summary>What is wrong with what was asked, and the mend.</summary>
internal sealed class UserException(string message, string hint) : Exception(message)
{
    public string Hint { get; } = hint;
}

/// <summary>Adds, lists and removes users: their lines in `access/users.yaml`, and their passwords.</summary>
internal sealed class UserDesk(
    IFileSystem files, ProjectPaths paths, AccessBook book, UserStore passwords)
{
    private readonly Lock _gate = new();

    private string FilePath => $"{paths.Access}/{UserFile.Name}";

    /// <summary>By name; also passwords whose user is in no file any more.</summary>
    public static ImmutableArray<UserView> List(AccessSet access, UserStore passwords, DateTimeOffset now) =>
    [
        .. access.Users.Values.OrderBy(static user => user.Name, StringComparer.Ordinal).Select(user => new UserView(
            user.Name,
            user.Roles,
            user.From,
            user.Until,
            user.Ticket,
            now < user.From ? "not yet" : now >= user.Until ? "expired"
                : passwords.Find(user.Name) is null ? "no password" : "valid",
            user.File)),
    ];

    /// <summary>
    /// Throws <see cref="UserException"/> for what cannot be, <see cref="StorageException"/> when the disk fails.
    /// </summary>
    public NewPassword Add(UserRequest request, string by)
    {
        lock (_gate)
        {
            AccessSet access = Current();
            string name = request.Name;
            if (!AccessNames.IsName(name) || name == Principal.Open.Name)
            {
                throw new UserException($"'{name}' is no name of a user", AccessNames.Hint);
            }

            if (passwords.Find(name) is not null && access.Users.ContainsKey(name))
            {
                throw new UserException(
                    $"user '{name}' is there already", "`naru user passwd` makes another password");
            }

            bool known = access.Users.TryGetValue(name, out UserDefinition? there);
            bool says = request.Roles.Length > 0 || request.From is not null || request.Until is not null;
            if (known && says)
            {
                throw new UserException(
                    $"user '{name}' stands in {there!.File} already", "change roles there, and leave them out here");
            }

            if (!known)
            {
                Write(name, UserFile.With(Text(), Definition(request, access)));
            }

            return new NewPassword(name, passwords.Generate(name, by));
        }
    }

    public NewPassword Renew(string name, string by)
    {
        lock (_gate)
        {
            return Current().Users.ContainsKey(name)
                ? new NewPassword(name, passwords.Generate(name, by))
                : throw Unknown(name);
        }
    }

    /// <summary>
    /// Ends the user at once. Returns the file in which the user still stands and has to be taken out by hand, or null.
    /// </summary>
    public string? Remove(string name, string by)
    {
        lock (_gate)
        {
            AccessSet access = Current();
            bool had = passwords.Remove(name, by);
            if (!access.Users.TryGetValue(name, out UserDefinition? user))
            {
                return had ? null : throw Unknown(name);
            }

            string? rest = user.File == $"{AccessFolder.Folder}/{UserFile.Name}"
                ? UserFile.Without(Text() ?? "", name) : null;
            if (rest is null)
            {
                return user.File;
            }

            Write(name, rest);
            return null;
        }
    }

    private UserException Unknown(string name) => new(
        $"there is no user '{name}'",
        NearestName.Find(name, Current().Users.Keys) is { } nearest
            ? $"did you mean '{nearest}'?" : "`naru user list` shows them");

    private UserDefinition Definition(UserRequest request, AccessSet access)
    {
        if (request.Roles.IsDefaultOrEmpty)
        {
            throw new UserException($"user '{request.Name}' has no role", "name one with --role");
        }

        foreach (string role in request.Roles.Where(role => !access.Roles.ContainsKey(role)))
        {
            throw new UserException(
                $"there is no role '{role}'",
                NearestName.Find(role, access.Roles.Keys) is { } nearest ? $"did you mean '{nearest}'?"
                    : access.Roles.Count == 0 ? "write access/roles.yaml: roles: {analyst: {read: [kr_shop.*]}}"
                    : $"there are {string.Join(", ", access.Roles.Keys.Order(StringComparer.Ordinal))}");
        }

        return new UserDefinition
        {
            Name = request.Name,
            Description = request.Description ?? "",
            Roles = request.Roles,
            From = Day("from", request.From),
            Until = Day("until", request.Until),
            File = FilePath,
        };
    }

    private static DateTimeOffset? Day(string name, string? text)
    {
        if (text is null)
        {
            return null;
        }

        return DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, 0, out DateOnly day)
            ? new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero)
            : throw new UserException($"'{text}' of '{name}' is no date", "write it as 2026-01-01");
    }

    private AccessSet Current() => Read(book.Files());

    /// <summary>The files have to be right: nothing is added to what cannot be read.</summary>
    private AccessSet Read(ImmutableArray<AccessFile> now)
    {
        MistakeList mistakes = new();
        return book.Check(now, mistakes) ?? throw new UserException(
            $"access/ has a mistake: {mistakes.Sorted()[0]}", "mend it first; `naru check` tells them all");
    }

    private string? Text() =>
        WholeFile.Read(files, FilePath) is { } bytes ? Encoding.UTF8.GetString(bytes) : null;

    private void Write(string name, string? text)
    {
        if (text is null)
        {
            throw new UserException(
                $"access/{UserFile.Name} is written in a way that a line cannot be added to",
                $"write {name}: {{roles: […]}} under its users yourself, then ask for the password again");
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Read([.. book.Files().Where(static file => file.Name != UserFile.Name), new AccessFile(UserFile.Name, bytes)]);
        files.CreateDirectory(paths.Access);
        WholeFile.Replace(files, FilePath, bytes);
    }
}
