using System.Collections.Immutable;
using System.Net;
using Naru.Lake.Catalog;

namespace Naru.Access;

/// <summary>How the caller proved who it is.</summary>
internal enum PrincipalKind
{
    Key,
    User,

    /// <summary>A project without any key or user, or a command on the project's own machine.</summary>
    Open,
}

/// <summary>Who asks, and what they may. Deny by default. Immutable: made anew when rights change.</summary>
internal sealed class Principal
{
    /// <summary>A project without any key or user: loopback may do everything.</summary>
    public static readonly Principal Open = new()
    {
        Name = "local",
        Kind = PrincipalKind.Open,
        Write = ["*"],
        Read = ["*"],
        Secure = ["*"],
        Administer = true,
    };

    private readonly bool _administer;

    /// <summary>Source name of the key, which is part of every event's identity; or the user's name.</summary>
    public required string Name { get; init; }

    public PrincipalKind Kind { get; init; }

    /// <summary>A key's own patterns of full log names, besides what its roles give.</summary>
    public IReadOnlyList<string> Write { get; init; } = [];

    public IReadOnlyList<string> Read { get; init; } = [];

    /// <summary>Tables whose secure group may be read (Read of the table is needed too).</summary>
    public IReadOnlyList<string> Secure { get; init; } = [];

    /// <summary>What its roles give. Rights add up.</summary>
    public ImmutableArray<Grant> Roles { get; init; } = [];

    /// <summary>Owner of its budgets, if any.</summary>
    public string? Ticket { get; init; }

    /// <summary>The first moment without rights; null is never.</summary>
    public DateTimeOffset? Until { get; init; }

    public bool Administer
    {
        get => _administer || Roles.Any(static role => role.Administer);
        init => _administer = value;
    }

    public bool ReadsAnything => Grants.Any(static grant => grant.Read.Count > 0);

    public bool WritesAnything => Grants.Any(static grant => grant.Write.Count > 0);

    /// <summary>Its own patterns, then its roles.</summary>
    public IEnumerable<Grant> Grants =>
        Write.Count + Read.Count + Secure.Count == 0
            ? Roles
            : Roles.Prepend(new Grant { Write = Write, Read = Read, Secure = Secure });

    public bool MayWrite(string log)
    {
        // The way of every request that sends: nothing is allocated for a key with patterns of its own.
        foreach (Grant grant in Roles)
        {
            if (grant.Writes(log))
            {
                return true;
            }
        }

        return Grant.Matches(Write, log, derivedToo: true);
    }

    public bool MayRead(TableName table) => Giving(table).Count > 0;

    /// <summary>How the caller sees a table that it may read.</summary>
    public TableRules RulesOf(TableName table)
    {
        List<Grant> giving = Giving(table);
        return TableRules.Of(giving, Grant.NameOf(table), Name);
    }

    /// <summary>Every row as it is: what can neither filter nor mask may be given.</summary>
    public bool MayReadPlainly(TableName table) => MayRead(table) && RulesOf(table).Plain;

    /// <summary>
    /// The grants by which a table may be read; none when it may not. The raw and secure groups hold rows by their
    /// place in the topic alone, so no filter can be applied to them: they need a grant that reads every row, and one
    /// that gives the group without a filter. Raw payloads hold every field, so a mask keeps them away as well.
    /// </summary>
    private List<Grant> Giving(TableName table)
    {
        string name = Grant.NameOf(table);
        if (Administer && name == AuditTable.FullName)
        {
            return [new Grant { Read = [name] }];
        }

        List<Grant> giving = [];
        bool wholly = false;
        foreach (Grant grant in Grants)
        {
            bool reads = grant.Reads(name);
            bool filters = grant.RowsOf(name) is not null;
            bool masks = table.Group == ColumnGroup.Raw && !grant.MasksOf(name).IsEmpty;
            wholly |= reads && !filters && !masks;
            if (table.Group == ColumnGroup.Fields ? reads : grant.Secures(name) && !filters && !masks)
            {
                giving.Add(grant);
            }
        }

        return table.Group == ColumnGroup.Fields || wholly ? giving : [];
    }
}

internal interface IAuthenticator
{
    /// <summary>
    /// Null when the credentials are missing where needed, unknown, expired or revoked (one answer for all).
    /// <paramref name="authorization"/> is the header's value: `Bearer nk_…` or `Basic …` (a user's name and password,
    /// or a key as the password).
    /// </summary>
    Principal? Authenticate(string? authorization, IPAddress? remote);
}
