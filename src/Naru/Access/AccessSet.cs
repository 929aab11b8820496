using System.Collections.Frozen;
using System.Collections.Immutable;
using Naru.Access.Tickets;
using Naru.Yaml;

namespace Naru.Access;

/// <summary>A person as `access/` names them. The password stands elsewhere (<see cref="UserStore"/>).</summary>
internal sealed record UserDefinition
{
    public required string Name { get; init; }

    public string Description { get; init; } = "";

    public required ImmutableArray<string> Roles { get; init; }

    /// <summary>Inclusive.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Exclusive.</summary>
    public DateTimeOffset? Until { get; init; }

    public string? Ticket { get; init; }

    /// <summary>Where the user is written, for whoever has to change it.</summary>
    public required string File { get; init; }

    public bool IsValidAt(DateTimeOffset time) => !(time < From) && !(time >= Until);
}

/// <summary>A condition or mask of a role with its place: what is held against the tables.</summary>
/// <param name="Role">Whose.</param>
/// <param name="Table">Full name, as written.</param>
/// <param name="Column">Of a mask; null for a condition of rows.</param>
/// <param name="Mask">Of a mask.</param>
/// <param name="Text">The scalar in the file.</param>
/// <param name="Key">The table or column in the file.</param>
/// <param name="File">The file.</param>
internal sealed record RuleText(
    string Role, string Table, string? Column, ColumnMask? Mask, YamlScalar Text, YamlScalar Key, string File);

/// <summary>Roles, users and tickets of a project at one moment.</summary>
internal sealed record AccessSet
{
    public static readonly AccessSet Empty = new();

    public FrozenDictionary<string, Grant> Roles { get; init; } = FrozenDictionary<string, Grant>.Empty;

    public FrozenDictionary<string, UserDefinition> Users { get; init; } =
        FrozenDictionary<string, UserDefinition>.Empty;

    public FrozenDictionary<string, TicketDefinition> Tickets { get; init; } =
        FrozenDictionary<string, TicketDefinition>.Empty;

    public ImmutableArray<RuleText> Rules { get; init; } = [];

    /// <summary>The files cannot be read and never could: nobody but known keys is let in.</summary>
    public bool Closed { get; init; }

    /// <summary>No user is named: as far as rights of people go, loopback may do everything.</summary>
    public bool IsOpen => Users.Count == 0 && !Closed;

    /// <summary>Roles by name; a name that is no role gives nothing.</summary>
    public ImmutableArray<Grant> Named(IEnumerable<string> roles) =>
        [.. roles.Distinct().Select(Roles.GetValueOrDefault).OfType<Grant>()];
}

/// <summary>Who holds the roles and users that are in force.</summary>
internal interface IAccessSource
{
    /// <summary>Another object whenever anything changed.</summary>
    AccessSet Current { get; }
}

/// <summary>Roles and users that do not change: of a project's files at rest, of none.</summary>
internal sealed class FixedAccess(AccessSet access) : IAccessSource
{
    public static readonly FixedAccess None = new(AccessSet.Empty);

    public AccessSet Current => access;
}
