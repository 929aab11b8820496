using System.Collections.Immutable;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Naru.Access;
using Naru.Lake.Catalog;

namespace Naru.Query.Sharing;

/// <summary>
/// What a caller sees of the lake, as one short text: equal for two callers exactly when each table is readable to both
/// or to neither, with the same row filter and the same masks (their own names are in those by then). It changes with
/// the definitions, so no question is joined to one of before.
/// </summary>
internal sealed class RightsPrints
{
    private readonly Lock _gate = new();
    private ImmutableArray<TableDescription> _tables = [];
    private ConditionalWeakTable<Principal, string> _known = [];
    private long _listing;

    public string Of(Principal principal, ImmutableArray<TableDescription> tables)
    {
        ConditionalWeakTable<Principal, string> known;
        long listing;
        lock (_gate)
        {
            if (tables != _tables)
            {
                _tables = tables;
                _known = [];
                _listing++;
            }

            known = _known;
            listing = _listing;
        }

        // Principals are made anew when rights change, so what is known of one stays true.
        return known.GetValue(principal, asking => Print(asking, tables, listing));
    }

    private static string Print(Principal principal, ImmutableArray<TableDescription> tables, long listing)
    {
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        void Add(string text)
        {
            // Its length first, so that no two lists of texts look alike.
            hash.AppendData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{text.Length}:")));
            hash.AppendData(Encoding.UTF8.GetBytes(text));
        }

        Add(principal.Administer ? "administers" : "asks");
        foreach (TableName table in tables.Select(static table => table.Name).Where(principal.MayRead))
        {
            TableRules rules = principal.RulesOf(table);
            Add(table.ToString());
            Add(rules.Rows is null ? "all" : "rows " + rules.Rows);
            foreach ((string column, string sql) in rules.Columns)
            {
                Add("column " + column);
                Add(sql);
            }
        }

        return string.Create(
            CultureInfo.InvariantCulture, $"{listing}:{Convert.ToHexStringLower(hash.GetHashAndReset())}");
    }
}
