using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Query.History;

/// <summary>Every query that ended: the table `naru.queries`.</summary>
internal sealed class QueryHistory(
    KeptJournal<QueryRow> journal, TimeZoneInfo zone, TimeSpan lifetime, ILogger logger)
    : KeptRows<QueryRow>(TableShape, lifetime, journal), IQueryHistory
{
    public static readonly SystemTableShape TableShape = new(
        "queries", QueryRow.Schema, "every query that ended: who, what, how long, what it used, and its error");

    private readonly ProjectZone _zone = ProjectZone.Of(zone);

    public static KeptJournal<QueryRow> Journal(IFileSystem files, string folder) =>
        new(files, folder, "queries", HistoryJson.Default.QueryRow);

    public void Add(QueryEntry entry) => Keep(number => QueryRow.Of(entry, number));

    protected override void Write(QueryRow row, ColumnBatch rows) => row.Write(rows, _zone);

    protected override void TellNotJournaled(string reason) => QueryLog.NotJournaled(logger, reason);
}
