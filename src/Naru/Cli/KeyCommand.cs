using System.CommandLine;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Server;

namespace Naru.Cli;

/// <summary>`naru key add|list|revoke`: on a running server, or on a project at rest.</summary>
internal static class KeyCommand
{
    public static Command Create()
    {
        Command command = new("key", "Make, list and revoke keys. Example: naru key add shop-web --write 'kr_shop.*'");
        command.Subcommands.Add(Add());
        command.Subcommands.Add(List());
        command.Subcommands.Add(Revoke());
        return command;
    }

    private static Command Add()
    {
        ServerOptions options = new();
        Argument<string> name = new("NAME")
        {
            Description = "source name: part of the identity of what the key sends; two keys may share one, to rotate",
        };
        Option<string[]> write = Patterns("--write", "logs that it may send to");
        Option<string[]> read = Patterns("--read", "tables that it may read");
        Option<string[]> secure = Patterns("--secure", "tables whose sensitive fields it may read, besides --read");
        Option<bool> administer = new("--admin") { Description = "may make keys and change the project" };
        Option<string[]> roles = new("--role")
        {
            Description = "role of access/*.yaml whose rights it has; may be given several times",
            HelpName = "NAME",
        };
        Option<string?> ticket = new("--ticket")
        {
            Description = "ticket of access/*.yaml: what it sends and asks is counted there", HelpName = "NAME",
        };
        Option<DateTimeOffset?> until = new("--until")
        {
            Description = "first day, or moment, when it is no longer valid: 2027-01-01", HelpName = "TIME",
        };
        Command command = new(
            "add", "Make a key; it is shown this once. Example: naru key add shop-web --write 'kr_shop.*'")
        {
            name, write, read, secure, administer, roles, ticket, until,
        };
        options.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
        {
            string source = parsed.GetValue(name)!;
            KeyRights rights = new()
            {
                Write = Cut(parsed.GetValue(write)),
                Read = Cut(parsed.GetValue(read)),
                Secure = Cut(parsed.GetValue(secure)),
                Administer = parsed.GetValue(administer),
                Roles = Cut(parsed.GetValue(roles)),
                Ticket = parsed.GetValue(ticket),
                Until = parsed.GetValue(until),
            };
            return AddAsync(KeyTarget.Of(options, parsed), source, rights, options.Json(parsed), cancellationToken);
        });
        return command;
    }

    private static Command List()
    {
        ServerOptions options = new();
        Command command = new("list", "Show keys, never their secrets. Example: naru key list");
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using IKeys? keys = KeyTarget.Of(options, parsed).Open();
            ImmutableArray<KeyView>? list = keys is null
                ? null : await keys.ListAsync(cancellationToken).ConfigureAwait(false);
            if (list is not { } views)
            {
                return ExitCode.Failed;
            }

            Console.Write(options.Json(parsed) ? Text(new KeyList(views)) : Table(views));
            return ExitCode.Done;
        });
        return command;
    }

    private static Command Revoke()
    {
        ServerOptions options = new();
        Argument<string> id = new("ID") { Description = "id of the key, as `naru key list` shows it" };
        Command command = new("revoke", "End a key at once. Example: naru key revoke k3x9q2m7ab") { id };
        options.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            using IKeys? keys = KeyTarget.Of(options, parsed).Open();
            KeyView? revoked = keys is null
                ? null
                : await keys.RevokeAsync(Id(parsed.GetValue(id)!), cancellationToken).ConfigureAwait(false);
            if (revoked is null)
            {
                return ExitCode.Failed;
            }

            Console.WriteLine(options.Json(parsed)
                ? Text(revoked).TrimEnd() : $"key {revoked.Id} of {revoked.Name} is revoked");
            return ExitCode.Done;
        });
        return command;
    }

    private static Option<string[]> Patterns(string name, string doc) => new(name)
    {
        Description = $"{doc}: '*', 'kr_shop.*' or 'kr_shop.order'; may be given several times",
        HelpName = "PATTERN",
        AllowMultipleArgumentsPerToken = true,
    };

    private static ImmutableArray<string> Cut(string[]? patterns) =>
    [
        .. (patterns ?? []).SelectMany(static pattern =>
            pattern.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)),
    ];

    /// <summary>The whole key may be given instead of its id.</summary>
    private static string Id(string text) =>
        KeyText.TrySplit(text, out ReadOnlySpan<char> id, out _) ? id.ToString() : text;

    private static async Task<int> AddAsync(
        KeyTarget target, string name, KeyRights rights, bool json, CancellationToken cancellationToken)
    {
        IReadOnlyList<(string Message, string Hint)> mistakes = KeyRules.Check(name, rights);
        foreach ((string message, string hint) in mistakes)
        {
            await Console.Error.WriteLineAsync($"{message}\n{hint}").ConfigureAwait(false);
        }

        if (mistakes.Count > 0)
        {
            return ExitCode.Usage;
        }

        using IKeys? keys = target.Open();
        NewKey? made = keys is null ? null : await keys.AddAsync(name, rights, cancellationToken).ConfigureAwait(false);
        if (made is null)
        {
            return ExitCode.Failed;
        }

        if (json)
        {
            Console.Write(Text(made));
            return ExitCode.Done;
        }

        // The key alone on standard output, so that it can be piped to where it belongs.
        await Console.Error.WriteLineAsync(
            $"key {made.About.Id} of {name} may {Rights(rights)}; it is shown this once:").ConfigureAwait(false);
        Console.WriteLine(made.Key);
        return ExitCode.Done;
    }

    private static string Rights(KeyRights rights)
    {
        List<string> may = [];
        Add("write", rights.Write);
        Add("read", rights.Read);
        Add("read the sensitive fields of", rights.Secure);
        if (rights.Administer)
        {
            may.Add("administer");
        }

        if (!rights.Roles.IsDefaultOrEmpty)
        {
            may.Add($"do what {string.Join(", ", rights.Roles)} may");
        }

        if (rights.Ticket is { } ticket)
        {
            may.Add($"within ticket {ticket}");
        }

        if (rights.Until is { } until)
        {
            may.Add($"until {Time(until)}");
        }

        return string.Join(", ", may);

        void Add(string verb, ImmutableArray<string> patterns)
        {
            if (!patterns.IsEmpty)
            {
                may.Add($"{verb} {string.Join(' ', patterns)}");
            }
        }
    }

    private static string Table(ImmutableArray<KeyView> keys)
    {
        if (keys.IsEmpty)
        {
            return "no keys: loopback may do everything; `naru key add NAME --write PATTERN` makes the first\n";
        }

        string[][] rows =
        [
            ["id", "name", "created", "last used", "revoked", "may"],
            .. keys.Select(static key => new[]
            {
                key.Id, key.Name, Time(key.CreatedAt), Time(key.LastUsedAt), Time(key.RevokedAt), Rights(key.Rights),
            }),
        ];
        return PlainTable.Of(rows);
    }

    private static string Time(DateTimeOffset? time) =>
        time?.ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture) ?? "-";

    private static string Text<T>(T value) => JsonSerializer.Serialize(value, AccessJson.Answers) + "\n";
}

/// <summary>Where keys are kept: with a server, or in the files of a project that no server has open.</summary>
internal sealed record KeyTarget(string? Server, string? Project, string? Key)
{
    public static KeyTarget Of(ServerOptions options, ParseResult parsed) =>
        new(options.Server(parsed), options.Project(parsed), options.Key(parsed));

    /// <summary>Null, with the reason told, when there is neither.</summary>
    public IKeys? Open()
    {
        if (Server is not null)
        {
            return new ServerKeys(ServerConnection.Open(Server, Project, Key));
        }

        ProjectPaths paths = new(Path.GetFullPath(Project ?? "."));
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
                ? new ServerKeys(ServerConnection.Open(null, Project, Key))
                : new ProjectKeys(projectLock, KeyStore.Open(files, paths.State, TimeProvider.System));
        }
        catch (StorageException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return null;
        }
    }
}

/// <summary>The three things that can be done with keys; null where it failed, with the reason told.</summary>
internal interface IKeys : IDisposable
{
    Task<NewKey?> AddAsync(string name, KeyRights rights, CancellationToken cancellationToken);

    Task<ImmutableArray<KeyView>?> ListAsync(CancellationToken cancellationToken);

    Task<KeyView?> RevokeAsync(string id, CancellationToken cancellationToken);
}

internal sealed class ServerKeys(ServerConnection connection) : IKeys
{
    public async Task<NewKey?> AddAsync(string name, KeyRights rights, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/keys");
        KeyRequest body = new()
        {
            Name = name,
            Write = rights.Write,
            Read = rights.Read,
            Secure = rights.Secure,
            Administer = rights.Administer,
            Roles = rights.Roles,
            Ticket = rights.Ticket,
            Until = rights.Until,
        };
        request.Content = new StringContent(JsonSerializer.Serialize(body, AccessJson.Answers));
        using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return answer?.Deserialize<NewKey>(AccessJson.Answers);
    }

    public async Task<ImmutableArray<KeyView>?> ListAsync(CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "/v1/keys");
        using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return answer?.Deserialize<KeyList>(AccessJson.Answers)?.Keys;
    }

    public async Task<KeyView?> RevokeAsync(string id, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Delete, $"/v1/keys/{Uri.EscapeDataString(id)}");
        using JsonDocument? answer = await connection.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return answer?.Deserialize<KeyView>(AccessJson.Answers);
    }

    public void Dispose() => connection.Dispose();
}

internal sealed class ProjectKeys(ProjectLock projectLock, KeyStore keys) : IKeys
{
    private static readonly string Who = Principal.Open.Name;

    public Task<NewKey?> AddAsync(string name, KeyRights rights, CancellationToken cancellationToken) =>
        Try<NewKey?>(() => keys.Add(name, rights, Who));

    public Task<ImmutableArray<KeyView>?> ListAsync(CancellationToken cancellationToken) =>
        Try<ImmutableArray<KeyView>?>(() => keys.List());

    public Task<KeyView?> RevokeAsync(string id, CancellationToken cancellationToken) => Try(() =>
    {
        KeyView? revoked = keys.Revoke(id, Who);
        if (revoked is null)
        {
            Console.Error.WriteLine($"there is no key '{id}'\n`naru key list` shows the ids");
        }

        return revoked;
    });

    public void Dispose() => projectLock.Dispose();

    private static Task<T?> Try<T>(Func<T?> act)
    {
        try
        {
            return Task.FromResult(act());
        }
        catch (StorageException exception)
        {
            Console.Error.WriteLine(exception.Message);
            return Task.FromResult(default(T));
        }
    }
}
