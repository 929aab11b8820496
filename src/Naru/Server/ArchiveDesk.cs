using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Archive;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>
/// Lists, shows, checks, saves and removes the files of one shelf for those who ask over HTTP. Whoever may read every
/// table that a text names sees it; its owner and administrators change it.
/// </summary>
internal abstract class ArchiveDesk<T>(Shelf<T> shelf, ArchiveRights rights, ILogger logger)
    where T : class, IKept
{
    protected ArchiveRights Rights { get; } = rights;

    protected Shelf<T> Shelf { get; } = shelf;

    /// <summary>What one is called: `saved query`.</summary>
    protected abstract string Noun { get; }

    /// <summary>The list's key: `queries`.</summary>
    protected abstract string ListKey { get; }

    protected abstract int BytesMax { get; }

    public IResult List(HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        JsonObject answer = new()
        {
            [ListKey] = new JsonArray([.. Seen(principal).Select(file => (JsonNode)About(file))]),
            ["may_save"] = Rights.MayChange(principal, null),
        };
        return ArchiveJson.Answer(answer);
    }

    public IResult Show(string name, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        if (Find(name, principal) is not { } file)
        {
            return Unknown(name, principal);
        }

        JsonObject answer = About(file);
        answer["text"] = Encoding.UTF8.GetString(file.Text);
        answer["sha256"] = file.Sha256;
        answer["may_change"] = Rights.MayChange(principal, file.Content.Owner);
        Add(answer, file, principal);
        return ArchiveJson.Answer(answer);
    }

    /// <summary>A former text that names what the caller may not read is not shown.</summary>
    public IResult Versions(string name, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        return Find(name, principal) is not { } file
            ? Unknown(name, principal)
            : ArchiveJson.Answer(ArchiveJson.Versions(file, version =>
                Shelf.ReadVersion(name, version) is { } text
                && Shelf.Kind.Read("", name, text, new MistakeList()) is { } content
                && Rights.MaySee(principal, content) ? text : null));
    }

    public async Task<IResult> CheckAsync(string name, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        if (await ArchiveFile.ReadAsync(http, BytesMax).ConfigureAwait(false) is not { } text
            || Shelf.Kind.Fault(name) is not null)
        {
            return BadText();
        }

        MistakeList mistakes = new();
        await ReadAsync(name, text, principal, mistakes, http.RequestAborted).ConfigureAwait(false);
        return ArchiveJson.Answer(new JsonObject { ["mistakes"] = ArchiveJson.Mistakes(mistakes) });
    }

    public async Task<IResult> SaveAsync(string name, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        if (!ArchiveFile.TrySeen(http, out string? seen, out IResult? refusal))
        {
            return refusal;
        }

        if (await ArchiveFile.ReadAsync(http, BytesMax).ConfigureAwait(false) is not { } text
            || Shelf.Kind.Fault(name) is not null)
        {
            return BadText();
        }

        if (RefusalToChange(name, principal) is { } forbidden)
        {
            return forbidden;
        }

        MistakeList mistakes = new();
        T? content = await ReadAsync(name, text, principal, mistakes, http.RequestAborted).ConfigureAwait(false);
        if (content is null || mistakes.Count > 0)
        {
            return ArchiveFile.Wrong(mistakes);
        }

        return Rights.MayChange(principal, content.Owner)
            ? Write(name, text, content, seen, principal.Name) ?? Show(name, http)
            : ServerErrors.Forbidden($"save what {Whose(content.Owner)}; name {principal.Name} as its owner");
    }

    public IResult Remove(string name, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        if (!ArchiveFile.TrySeen(http, out string? seen, out IResult? refusal))
        {
            return refusal;
        }

        if (Find(name, principal) is null || seen is null)
        {
            return Unknown(name, principal);
        }

        if (RefusalToChange(name, principal) is { } forbidden)
        {
            return forbidden;
        }

        try
        {
            if (!Shelf.TryRemove(name, seen, principal.Name))
            {
                return ServerErrors.Changed($"{Noun} {name} is not the one that was seen");
            }
        }
        catch (StorageException exception)
        {
            return ServerErrors.Storage(exception.Message);
        }

        ArchiveLog.Removed(logger, Noun, name, principal.Name);
        return ArchiveJson.Answer(new JsonObject { ["name"] = name });
    }

    /// <summary>As a list shows it.</summary>
    protected abstract JsonObject About(Shelved<T> file);

    /// <summary>What is shown of one alone.</summary>
    protected abstract void Add(JsonObject answer, Shelved<T> file, Principal principal);

    /// <summary>What the text says, held against what its writer may read; mistakes are noted.</summary>
    protected abstract Task<T?> ReadAsync(
        string name, byte[] text, Principal principal, MistakeList mistakes, CancellationToken cancellationToken);

    private IEnumerable<Shelved<T>> Seen(Principal principal) => Shelf.Current.Values
        .Where(file => Rights.MaySee(principal, file.Content))
        .OrderBy(static file => file.Name, StringComparer.Ordinal);

    private Shelved<T>? Find(string name, Principal principal) =>
        Shelf.Current.TryGetValue(name, out Shelved<T>? file) && Rights.MaySee(principal, file.Content) ? file : null;

    private IResult? Write(string name, byte[] text, T content, string? seen, string by)
    {
        try
        {
            if (!Shelf.TrySave(name, text, content, seen, by))
            {
                return ServerErrors.Changed(seen is null
                    ? $"there is a {Noun} {name} already" : $"{Noun} {name} is not the one that was edited");
            }
        }
        catch (StorageException exception)
        {
            return ServerErrors.Storage(exception.Message);
        }

        ArchiveLog.Saved(logger, Noun, name, by, Shelf.Current[name].Versions[^1].Version);
        return null;
    }

    private IResult? RefusalToChange(string name, Principal principal)
    {
        Shelved<T>? there = Shelf.Current.GetValueOrDefault(name);
        return Rights.MayChange(principal, there?.Content.Owner) ? null
            : ServerErrors.Forbidden(there is null
                ? $"save a {Noun}" : $"change {Noun} {name}, which {Whose(there.Content.Owner)}");
    }

    private static string Whose(string owner) => owner.Length == 0 ? "has no owner" : $"is {owner}'s";

    private IResult Unknown(string name, Principal principal) => ServerErrors.NotFound(
        $"there is no {Noun} {name}",
        NearestName.Find(name, Seen(principal).Select(static file => file.Name)) is { } near
            ? $"did you mean {near}?" : "the console lists those that you may see");

    private IResult BadText() => ServerErrors.BadRequest(
        $"this is no {Noun}",
        $"send its text, at most {BytesMax} bytes with their Content-Length; it is named by "
        + (Shelf.Kind.Fault("") ?? ""));
}
