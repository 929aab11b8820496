using System.Collections.Immutable;
using Naru.Access;
using Naru.Core.Text;
using Naru.Lake.Catalog;

namespace Naru.Query.Gate;

/// <summary>The tables that one principal may read, by SQL name, and what to say of the others.</summary>
internal sealed class ReadableTables
{
    /// <summary>The one catalog's name; `naru.kr_shop.order` is `kr_shop.order`.</summary>
    public const string Catalog = "naru";

    /// <summary>Where unqualified names are looked up, in this order, unless a session says otherwise.</summary>
    public static readonly ImmutableArray<string> SearchPath = ["mart", "agg", "naru"];

    private readonly Dictionary<(string Schema, string Name), TableDescription> _byName = new(NameComparer.Instance);
    private readonly HashSet<(string Schema, string Name)> _secureWithoutRight = new(NameComparer.Instance);

    /// <param name="all">What there is.</param>
    /// <param name="principal">Who asks.</param>
    /// <param name="schema">Where unqualified names are looked up first, if the caller's session says.</param>
    public ReadableTables(IEnumerable<TableDescription> all, Principal principal, string? schema = null)
    {
        foreach (TableDescription table in all)
        {
            if (principal.MayRead(table.Name))
            {
                _byName.Add((table.Name.Schema, table.Name.SqlName), table);
            }
            else if (table.Name.Group != ColumnGroup.Fields
                && principal.MayRead(table.Name with { Group = ColumnGroup.Fields }))
            {
                _secureWithoutRight.Add((table.Name.Schema, table.Name.SqlName));
            }
        }

        All = [.. _byName.Values.OrderBy(static table => table.Name.ToString(), StringComparer.Ordinal)];

        // A schema without a readable table finds nothing, so it need not be in the path, nor be a name that it may be.
        string? first = All.Select(static table => table.Name.Schema)
            .FirstOrDefault(name => SqlName.Same(name, schema));
        Path = first is null ? SearchPath : [first, .. SearchPath.Where(name => name != first)];
    }

    /// <summary>Where this caller's unqualified names are looked up.</summary>
    public ImmutableArray<string> Path { get; }

    public ImmutableArray<TableDescription> All { get; }

    public TableDescription? Find(string schema, string name)
    {
        if (schema.Length > 0)
        {
            return _byName.GetValueOrDefault((schema, name));
        }

        foreach (string searched in Path)
        {
            if (_byName.TryGetValue((searched, name), out TableDescription? found))
            {
                return found;
            }
        }

        return null;
    }

    /// <summary>The caller reads the log, and asked for its secure or raw group, which needs more.</summary>
    public bool NeedsSecureRight(string schema, string name) => _secureWithoutRight.Contains((schema, name));

    /// <summary>A table that exists and may not be read is spoken of as one that does not exist.</summary>
    public QueryError Unknown(string schema, string name)
    {
        string asked = schema.Length == 0 ? name : $"{schema}.{name}";
        return new QueryError(QueryCodes.UnknownTable, $"table \"{asked}\" does not exist")
        {
            Hint = Hint(schema, name),
        };
    }

    private string Hint(string schema, string name)
    {
        if (schema.Length == 0 && All.FirstOrDefault(table => SqlName.Same(table.Name.SqlName, name)) is { } elsewhere)
        {
            return $"did you mean {Sql(elsewhere.Name)}?";
        }

        IEnumerable<TableDescription> inSchema = All.Where(table => SqlName.Same(table.Name.Schema, schema));
        string? near = schema.Length == 0
            ? NearestName.Find(name, All.Select(static table => table.Name.SqlName))
            : NearestName.Find(name, inSchema.Select(static table => table.Name.SqlName));
        TableDescription? found = near is null
            ? null
            : (schema.Length == 0 ? All : inSchema).First(table => table.Name.SqlName == near);
        if (found is null && schema.Length > 0)
        {
            string? whole = NearestName.Find($"{schema}.{name}", All.Select(static table => table.Name.ToString()));
            found = All.FirstOrDefault(table => table.Name.ToString() == whole);
        }

        return found is null ? "SHOW ALL TABLES lists what you may read" : $"did you mean {Sql(found.Name)}?";
    }

    /// <summary>The name as SQL wants it: `kr_shop."order$raw"`.</summary>
    public static string Sql(TableName name) => name.Group == ColumnGroup.Fields
        ? $"{name.Schema}.{name.Name}"
        : $"{name.Schema}.\"{name.SqlName}\"";

    private sealed class NameComparer : IEqualityComparer<(string Schema, string Name)>
    {
        public static readonly NameComparer Instance = new();

        public bool Equals((string Schema, string Name) x, (string Schema, string Name) y) =>
            SqlName.Same(x.Schema, y.Schema) && SqlName.Same(x.Name, y.Name);

        public int GetHashCode((string Schema, string Name) obj) =>
            HashCode.Combine(SqlName.Comparer.GetHashCode(obj.Schema), SqlName.Comparer.GetHashCode(obj.Name));
    }
}
