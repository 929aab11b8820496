using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Archive;
using Naru.Core.Files;
using Naru.Core.Text;
using Naru.Query;
using Naru.Query.Worker;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>Lists, shows, checks, saves and removes saved queries for those who ask over HTTP.</summary>
internal sealed class QueryDesk(
    Shelf<SavedQuery> queries,
    ArchiveRights rights,
    ArchiveOptions options,
    QueryService service,
    ILogger<QueryDesk> logger)
{
    public IResult List(HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        return ArchiveJson.Answer(new JsonObject
        {
            ["queries"] = new JsonArray(
                [.. Seen(principal).Select(static query => (JsonNode)ArchiveJson.About(query))]),
            ["tracker"] = options.Tracker.Length > 0,
            ["may_save"] = rights.MayChange(principal, null),
        });
    }

    public IResult Show(string number, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        if (Find(number, principal) is not { } query)
        {
            return Unknown(number, principal);
        }

        JsonObject answer = ArchiveJson.About(query);
        answer["text"] = Encoding.UTF8.GetString(query.Text);
        answer["sha256"] = query.Sha256;
        answer["may_change"] = rights.MayChange(principal, query.Content.Owner);
        answer["tracker"] = options.Tracker.Length > 0;
        return ArchiveJson.Answer(answer);
    }

    /// <summary>A former text that names what the caller may not read is not shown.</summary>
    public IResult Versions(string number, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        return Find(number, principal) is not { } query
            ? Unknown(number, principal)
            : ArchiveJson.Answer(ArchiveJson.Versions(query, version =>
                queries.ReadVersion(number, version) is { } text
                && SavedQuery.Read("", number, text, new MistakeList()) is { } content
                && rights.MaySee(principal, content) ? text : null));
    }

    public async Task<IResult> CheckAsync(string number, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        if (await ArchiveFile.ReadAsync(http, SavedQuery.BytesMax).ConfigureAwait(false) is not { } text
            || ArchiveNames.NumberFault(number) is not null)
        {
            return BadText();
        }

        (_, MistakeList mistakes) = await ReadAsync(number, text, principal, http.RequestAborted).ConfigureAwait(false);
        return ArchiveJson.Answer(new JsonObject { ["mistakes"] = ArchiveJson.Mistakes(mistakes) });
    }

    public async Task<IResult> SaveAsync(string number, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        if (!ArchiveFile.TrySeen(http, out string? seen, out IResult? refusal))
        {
            return refusal;
        }

        if (await ArchiveFile.ReadAsync(http, SavedQuery.BytesMax).ConfigureAwait(false) is not { } text
            || ArchiveNames.NumberFault(number) is not null)
        {
            return BadText();
        }

        if (RefusalToChange(number, principal) is { } forbidden)
        {
            return forbidden;
        }

        (SavedQuery? query, MistakeList mistakes) =
            await ReadAsync(number, text, principal, http.RequestAborted).ConfigureAwait(false);
        if (query is null || mistakes.Count > 0)
        {
            return ArchiveFile.Wrong(mistakes);
        }

        if (!rights.MayChange(principal, query.Owner))
        {
            return ServerErrors.Forbidden($"save what {Whose(query.Owner)}; write '-- owner: {principal.Name}'");
        }

        return Write(number, text, query, seen, principal.Name) ?? Show(number, http);
    }

    public IResult Remove(string number, HttpContext http)
    {
        if (http.Asks() is not { } principal)
        {
            return AccessErrors.Unauthorized();
        }

        if (!ArchiveFile.TrySeen(http, out string? seen, out IResult? refusal))
        {
            return refusal;
        }

        if (Find(number, principal) is null || seen is null)
        {
            return Unknown(number, principal);
        }

        if (RefusalToChange(number, principal) is { } forbidden)
        {
            return forbidden;
        }

        try
        {
            if (!queries.TryRemove(number, seen, principal.Name))
            {
                return ServerErrors.Changed($"query {number} is not the one that was seen");
            }
        }
        catch (StorageException exception)
        {
            return ServerErrors.Storage(exception.Message);
        }

        ArchiveLog.Removed(logger, "query", number, principal.Name);
        return ArchiveJson.Answer(new JsonObject { ["number"] = number });
    }

    private IResult? Write(string number, byte[] text, SavedQuery query, string? seen, string by)
    {
        try
        {
            if (!queries.TrySave(number, text, query, seen, by))
            {
                return seen is null
                    ? ServerErrors.Changed($"there is a query {number} already")
                    : ServerErrors.Changed($"query {number} is not the one that was edited");
            }
        }
        catch (StorageException exception)
        {
            return ServerErrors.Storage(exception.Message);
        }

        ArchiveLog.Saved(logger, "query", number, by, queries.Current[number].Versions[^1].Version);
        return null;
    }

    /// <summary>The header, and the statement as the gate sees it, with the rights of who saves.</summary>
    private async Task<(SavedQuery? Query, MistakeList Mistakes)> ReadAsync(
        string number, byte[] text, Principal principal, CancellationToken cancellationToken)
    {
        MistakeList mistakes = new();
        string path = $"{SavedQuery.Folder}/{number}{SavedQuery.Extension}";
        SavedQuery? query = SavedQuery.Read(path, number, text, mistakes);
        if (query is null)
        {
            return (null, mistakes);
        }

        try
        {
            await service.JudgeAsync(
                new QueryRequest { Sql = query.Template.Example(), Principal = principal, Format = ResultFormat.Json },
                cancellationToken).ConfigureAwait(false);
        }
        catch (QueryException exception)
        {
            QueryError error = exception.Error;
            mistakes.Add(new Mistake(path, error.Line ?? 0, error.Column ?? 0, error.Message, error.Hint ?? ""));
        }

        return (query, mistakes);
    }

    /// <summary>What a caller may not see answers as if it were another's number.</summary>
    private IResult? RefusalToChange(string number, Principal principal)
    {
        Shelved<SavedQuery>? there = queries.Current.GetValueOrDefault(number);
        if (rights.MayChange(principal, there?.Content.Owner))
        {
            return null;
        }

        return there is null
            ? ServerErrors.Forbidden("save queries")
            : ServerErrors.Forbidden($"change query {number}, which {Whose(there.Content.Owner)}");
    }

    private static string Whose(string owner) => owner.Length == 0 ? "has no owner" : $"is {owner}'s";

    private IEnumerable<Shelved<SavedQuery>> Seen(Principal principal) => queries.Current.Values
        .Where(query => rights.MaySee(principal, query.Content))
        .OrderBy(static query => query.Name, StringComparer.Ordinal);

    private Shelved<SavedQuery>? Find(string number, Principal principal) =>
        queries.Current.TryGetValue(number, out Shelved<SavedQuery>? query)
        && rights.MaySee(principal, query.Content) ? query : null;

    private IResult Unknown(string number, Principal principal) => ServerErrors.NotFound(
        $"there is no saved query {number}",
        NearestName.Find(number, Seen(principal).Select(static query => query.Name)) is { } near
            ? $"did you mean {near}?" : "the page Archive lists those that you may see");

    private static IResult BadText() => ServerErrors.BadRequest(
        "this is no saved query",
        $"send its text, at most {SavedQuery.BytesMax} bytes with their Content-Length; "
        + $"its number is {ArchiveNames.NumberHint}");
}
