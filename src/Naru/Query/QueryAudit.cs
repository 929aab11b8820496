using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Naru.Access;

namespace Naru.Query;

/// <summary>Each query as an entry of the audit trail: who, what, of which tables, with what outcome.</summary>
internal static class QueryAudit
{
    /// <summary>Of a longer text its beginning and its hash are kept.</summary>
    private const int TextMax = 4_000;

    public static ValueTask RecordAsync(IActivity activity, Principal principal, QueryEntry entry)
    {
        bool whole = entry.Sql.Length <= TextMax;
        string sql = whole ? entry.Sql : entry.Sql[..TextMax];
        string hash = whole ? "" : Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(entry.Sql)));
        string outcome = entry.Error?.Code
            ?? (entry.State == QueryState.Finished ? "finished" : entry.State.ToString().ToLowerInvariant());
        return activity.RecordAsync(principal.Name, "query", AuditTrail.Detail(
            ("id", entry.Id),
            ("kind", principal.Kind.ToString().ToLowerInvariant()),
            ("sql", sql),
            ("sql_sha256", hash),
            ("tables", string.Join(' ', entry.Tables.Select(static table => table.Name.ToString()))),
            ("outcome", outcome),
            ("rows", entry.Rows.ToString(CultureInfo.InvariantCulture)),
            ("milliseconds", entry.Milliseconds.ToString("0", CultureInfo.InvariantCulture))));
    }
}
