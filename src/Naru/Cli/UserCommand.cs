using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Server;
using Naru.Yaml;

namespace Naru.Cli;

/// <summary>`naru user add|list|passwd|remove`: on a running server, or on a project at rest.</summary>
internal static class UserCommand
{
    public static Command Create()
    {
        Command command = new("user", "Add, list and remove users. Example: naru user add kim --role analyst");
        command.Subcommands.Add(Add());
        command.Subcommands.Add(List());
        command.Subcommands.Add(Named(
            "passwd", "Make another password; it is shown this once. Example: naru user passwd kim", Renew));
        command.Subcommands.Add(Named(
            "remove", "End a user at once, sign-ins too. Example: naru user remove kim", Remove));
        return command;
    }

    private static Command Add()
    {
        ServerOptions options = new();
        Argument<string> name = new("NAME") { Description = "name to sign in with" };
        Option<string[]> roles = new("--role")
        {
            Description = "role of access/*.yaml; may be given several times; not for a user who stands there already",
            HelpName = "NAME",
            AllowMultipleArgumentsPerToken = true,
        };
        Option<string?> from = new("--from") { Description = "first day: 2026-01-01", HelpName = "DATE" };
        Option<string?> until = new("--until") { Description = "first day without rights", HelpName = "DATE" };
        Option<string?> about = new("--description") { Description = "who this is", HelpName = "TEXT" };
        Command command = new(
            "add", "Add a user; the password is shown this once. Example: naru user add kim --role analyst")
        {
            name, roles, from, until, about,
        };
        options.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
        {
            UserRequest request = new()
            {
                Name = parsed.GetValue(name)!,
                Roles = [.. parsed.GetValue(roles) ?? []],
                From = parsed.GetValue(from),
                Until = parsed.GetValue(until),
                Description = parsed.GetValue(about),
            };
            return PasswordAsync(
                options, parsed, users => users.AddAsync(request, cancellationToken));
        });
        return command;
    }

    private static Command List()
    {
        ServerOptions options = new();
        Command command = new("list", "Show users, never their passwords. Example: naru user list");
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using IUsers? users = UserTarget.Open(KeyTarget.Of(options, parsed));
            UserList? list = users is null ? null : await users.ListAsync(cancellationToken).ConfigureAwait(false);
            if (list is null)
            {
                return ExitCode.Failed;
            }

            Console.Write(options.Json(parsed) ? JsonText(list) : Table(list.Users));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Named(
        string verb,
        string about,
        Func<ServerOptions, ParseResult, string, CancellationToken, Task<int>> run)
    {
        ServerOptions options = new();
        Argument<string> name = new("NAME") { Description = "name of the user" };
        Command command = new(verb, about) { name };
        options.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
            run(options, parsed, parsed.GetValue(name)!, cancellationToken));
        return command;
    }

    private static Task<int> Renew(
        ServerOptions options, ParseResult parsed, string name, CancellationToken cancellationToken) =>
        PasswordAsync(options, parsed, users => users.RenewAsync(name, cancellationToken));

    private static async Task<int> Remove(
        ServerOptions options, ParseResult parsed, string name, CancellationToken cancellationToken)
    {
        using IUsers? users = UserTarget.Open(KeyTarget.Of(options, parsed));
        UserRemoved? removed = users is null
            ? null : await users.RemoveAsync(name, cancellationToken).ConfigureAwait(false);
        if (removed is null)
        {
            return ExitCode.Failed;
        }

        Console.WriteLine(options.Json(parsed) ? JsonText(removed).TrimEnd()
            : removed.ByHand is null ? $"user {name} is removed"
            : $"user {name} can no longer sign in; take the user out of {removed.ByHand} too");
        return ExitCode.Done;
    }

    private static async Task<int> PasswordAsync(
        ServerOptions options, ParseResult parsed, Func<IUsers, Task<NewPassword?>> ask)
    {
        using IUsers? users = UserTarget.Open(KeyTarget.Of(options, parsed));
        NewPassword? made = users is null ? null : await ask(users).ConfigureAwait(false);
        if (made is null)
        {
            return ExitCode.Failed;
        }

        if (options.Json(parsed))
        {
            Console.Write(JsonText(made));
            return ExitCode.Done;
        }

        // The password alone on standard output, so that it can be piped to where it belongs.
        await Console.Error.WriteLineAsync($"password of {made.Name}; it is shown this once:").ConfigureAwait(false);
        Console.WriteLine(made.Password);
        return ExitCode.Done;
    }

    private static string Table(ImmutableArray<UserView> users)
    {
        if (users.IsEmpty)
        {
            return "no users; `naru user add NAME --role ROLE` makes the first\n";
        }

        string[][] rows =
        [
            ["name", "state", "roles", "from", "until", "ticket", "file"],
            .. users.Select(static user => new[]
            {
                user.Name, user.State, string.Join(' ', user.Roles), Day(user.From), Day(user.Until),
                user.Ticket ?? "-", user.File,
            }),
        ];
        return PlainTable.Of(rows);
    }

    private static string Day(DateTimeOffset? time) =>
        time?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "-";

    private static string JsonText<T>(T value) => JsonSerializer.Serialize(value, AccessJson.Answers) + "\n";
}

/// <summary>Cells below each other.</summary>
internal static class PlainTable
{
    public static string Of(string[][] rows)
    {
        int[] widths = [.. Enumerable.Range(0, rows[0].Length).Select(column => rows.Max(row => row[column].Length))];
        return string.Concat(rows.Select(row =>
            string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd() + "\n"));
    }
}

/// <summary>What can be done with users; null where it failed, with the reason told.</summary>
internal interface IUsers : IDisposable
{
    Task<NewPassword?> AddAsync(UserRequest request, CancellationToken cancellationToken);

    Task<UserList?> ListAsync(CancellationToken cancellationToken);

    Task<NewPassword?> RenewAsync(string name, CancellationToken cancellationToken);

    Task<UserRemoved?> RemoveAsync(string name, CancellationToken cancellationToken);
}

internal static class UserTarget
{
    /// <summary>A server, or the files of a project that none has open; null, told, when there is neither.</summary>
    public static IUsers? Open(KeyTarget target)
    {
        if (target.Server is not null)
        {
            return new ServerUsers(ServerConnection.Open(target.Server, target.Project, target.Key));
        }

        ProjectPaths paths = new(Path.GetFullPath(target.Project ?? "."));
        PosixFileSystem files = new();
        try
        {
            if (!files.FileExists(paths.SettingsFile))
            {
                Console.Error.WriteLine(
                    $"'{paths.Root}' is no project: it has no {Settings.FileName}\n"
                    + "name one with --project DIR, or a server with --server URL");
                return null;
            }

            ProjectLock? projectLock = ProjectLock.TryTake(paths, files);
            return projectLock is null
                ? new ServerUsers(ServerConnection.Open(null, target.Project, target.Key))
                : new ProjectUsers(projectLock, files, paths);
        }
        catch (StorageException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return null;
        }
    }
}

internal sealed class ServerUsers(ServerConnection connection) : IUsers
{
    public Task<NewPassword?> AddAsync(UserRequest request, CancellationToken cancellationToken) =>
        AskAsync<NewPassword>(HttpMethod.Post, "/v1/users", request, cancellationToken);

    public Task<UserList?> ListAsync(CancellationToken cancellationToken) =>
        AskAsync<UserList>(HttpMethod.Get, "/v1/users", null, cancellationToken);

    public Task<NewPassword?> RenewAsync(string name, CancellationToken cancellationToken) => AskAsync<NewPassword>(
        HttpMethod.Put, $"/v1/users/{Uri.EscapeDataString(name)}/password", null, cancellationToken);

    public Task<UserRemoved?> RemoveAsync(string name, CancellationToken cancellationToken) => AskAsync<UserRemoved>(
        HttpMethod.Delete, $"/v1/users/{Uri.EscapeDataString(name)}", null, cancellationToken);

    public void Dispose() => connection.Dispose();

    private async Task<T?> AskAsync<T>(
        HttpMethod method, string path, UserRequest? body, CancellationToken cancellationToken)
        where T : class
    {
        using HttpRequestMessage request = new(method, path);
        if (body is not null)
        {
            request.Content = new StringContent(JsonSerializer.Serialize(body, AccessJson.Answers));
        }

        using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return answer?.Deserialize<T>(AccessJson.Answers);
    }
}

internal sealed class ProjectUsers : IUsers
{
    private readonly ProjectLock _lock;
    private readonly AccessBook _book;
    private readonly UserStore _passwords;
    private readonly UserDesk _desk;

    public ProjectUsers(ProjectLock projectLock, PosixFileSystem files, ProjectPaths paths)
    {
        _lock = projectLock;
        _book = new AccessBook(files, paths, ZoneOf(files, paths));
        AuditTrail audit = AuditTrail.Open(files, paths.State, TimeProvider.System);
        _passwords = UserStore.Open(files, paths.State, TimeProvider.System, audit);
        _desk = new UserDesk(files, paths, _book, _passwords);
    }

    public Task<NewPassword?> AddAsync(UserRequest request, CancellationToken cancellationToken) =>
        Try(() => _desk.Add(request, Principal.Open.Name));

    public Task<UserList?> ListAsync(CancellationToken cancellationToken) => Try(() =>
    {
        MistakeList mistakes = new();
        AccessSet access = _book.Check(_book.Files(), mistakes) ?? throw new UserException(
            $"access/ has a mistake: {mistakes.Sorted()[0]}", "`naru check` tells them all");
        return new UserList(UserDesk.List(access, _passwords, TimeProvider.System.GetUtcNow()));
    });

    public Task<NewPassword?> RenewAsync(string name, CancellationToken cancellationToken) =>
        Try(() => _desk.Renew(name, Principal.Open.Name));

    public Task<UserRemoved?> RemoveAsync(string name, CancellationToken cancellationToken) =>
        Try(() => new UserRemoved(name, _desk.Remove(name, Principal.Open.Name)));

    public void Dispose() => _lock.Dispose();

    private static TimeZoneInfo ZoneOf(PosixFileSystem files, ProjectPaths paths) =>
        new Definitions.ProjectFolder(files, paths)
            .ReadSettings(SettingsReader.ProcessEnvironment(), new MistakeList())
            ?.Get<ProjectOptions>().FindTimeZone() ?? TimeZoneInfo.Utc;

    private static Task<T?> Try<T>(Func<T> act)
        where T : class
    {
        try
        {
            return Task.FromResult<T?>(act());
        }
        catch (UserException exception)
        {
            Console.Error.WriteLine($"{exception.Message}\n{exception.Hint}");
        }
        catch (StorageException exception)
        {
            Console.Error.WriteLine(exception.Message);
        }

        return Task.FromResult<T?>(null);
    }
}
