using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Archive;
using Naru.Query;
using Naru.Query.Worker;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>Saved queries.</summary>
internal sealed class QueryDesk(
    Shelf<SavedQuery> queries,
    ArchiveRights rights,
    ArchiveOptions options,
    QueryService service,
    ILogger<QueryDesk> logger)
    : ArchiveDesk<SavedQuery>(queries, rights, logger)
{
    protected override string Noun => "saved query";

    protected override string ListKey => "queries";

    protected override int BytesMax => SavedQuery.BytesMax;

    protected override JsonObject About(Shelved<SavedQuery> file) => ArchiveJson.About(file);

    protected override void Add(JsonObject answer, Shelved<SavedQuery> file, Principal principal) =>
        answer["tracker"] = options.Tracker.Length > 0;

    protected override async Task<SavedQuery?> ReadAsync(
        string name, byte[] text, Principal principal, MistakeList mistakes, CancellationToken cancellationToken)
    {
        string path = $"{SavedQuery.Folder}/{name}{SavedQuery.Extension}";
        SavedQuery? query = SavedQuery.Read(path, name, text, mistakes);
        if (query is not null && await FaultAsync(service, query.Template, principal, cancellationToken)
            .ConfigureAwait(false) is { } error)
        {
            mistakes.Add(new Mistake(path, error.Line ?? 0, error.Column ?? 0, error.Message, error.Hint ?? ""));
        }

        return query;
    }

    /// <summary>Why a statement may not run, for one who asks with these rights; null when it may.</summary>
    public static async Task<QueryError?> FaultAsync(
        QueryService service, QueryTemplate template, Principal principal, CancellationToken cancellationToken)
    {
        try
        {
            await service.JudgeAsync(
                new QueryRequest { Sql = template.Example(), Principal = principal, Format = ResultFormat.Json },
                cancellationToken).ConfigureAwait(false);
            return null;
        }
        catch (QueryException exception)
        {
            return exception.Error;
        }
    }
}
