using System.Collections.Immutable;
using Naru.Lake.Catalog;

namespace Naru.Access;

/// <summary>What one user or key may: `GET /v1/grants`.</summary>
internal sealed record GrantView
{
    public required string Name { get; init; }

    /// <summary>`user` or `key`.</summary>
    public required string Kind { get; init; }

    /// <summary>`valid`, `not yet`, `expired`, `no password` or `revoked`.</summary>
    public required string State { get; init; }

    public required ImmutableArray<string> Roles { get; init; }

    public required bool Administer { get; init; }

    public required ImmutableArray<string> Write { get; init; }

    /// <summary>Tables that exist and may be read, as they are seen.</summary>
    public required ImmutableArray<TableGrant> Tables { get; init; }

    public DateTimeOffset? Until { get; init; }
}

/// <summary>A table as one caller sees it.</summary>
/// <param name="Table">As in SQL.</param>
/// <param name="Rows">The condition of the rows that are shown; null is all.</param>
/// <param name="Masked">Columns for which something else stands.</param>
internal sealed record TableGrant(string Table, string? Rows, ImmutableArray<string> Masked);

/// <summary>Who may what, as it is now.</summary>
internal static class GrantList
{
    /// <param name="authenticator">The callers.</param>
    /// <param name="tables">All that there are.</param>
    /// <param name="who">One name only; null is everybody.</param>
    /// <param name="now">The time.</param>
    public static ImmutableArray<GrantView> Of(
        Authenticator authenticator, IReadOnlyCollection<TableDescription> tables, string? who, DateTimeOffset now)
    {
        AccessSet access = authenticator.Stores.Access.Current;
        ImmutableArray<UserView> users = UserDesk.List(access, authenticator.Stores.Users, now);
        return
        [
            .. users.Where(user => who is null || user.Name == who).Select(user => View(
                new Principal
                {
                    Name = user.Name, Kind = PrincipalKind.User, Roles = access.Named(user.Roles), Until = user.Until,
                },
                user.State,
                tables)),
            .. authenticator.Stores.Keys.List().Where(key => who is null || key.Name == who || key.Id == who)
                .Select(key => View(
                    new Principal
                    {
                        Name = $"{key.Name} ({key.Id})",
                        Kind = PrincipalKind.Key,
                        Read = key.Rights.Read,
                        Secure = key.Rights.Secure,
                        Write = key.Rights.Write,
                        Administer = key.Rights.Administer,
                        Roles = access.Named(key.Rights.Roles),
                        Until = key.Rights.Until,
                    },
                    key.RevokedAt is not null ? "revoked" : now >= key.Rights.Until ? "expired" : "valid",
                    tables)),
        ];
    }

    private static GrantView View(
        Principal principal, string state, IReadOnlyCollection<TableDescription> tables) => new()
        {
            Name = principal.Name,
            Kind = principal.Kind.ToString().ToLowerInvariant(),
            State = state,
            Roles = [.. principal.Roles.Select(static role => role.Name)],
            Administer = principal.Administer,
            Write = [.. principal.Grants.SelectMany(static grant => grant.Write).Distinct()],
            Tables =
        [
            .. tables.Where(table => principal.MayRead(table.Name))
                .OrderBy(static table => table.Name.ToString(), StringComparer.Ordinal)
                .Select(table => Table(principal, table)),
        ],
            Until = principal.Until,
        };

    private static TableGrant Table(Principal principal, TableDescription table)
    {
        TableRules rules = principal.RulesOf(table.Name);
        return new TableGrant(
            table.Name.ToString(),
            rules.Rows?.Replace("\n)", ")", StringComparison.Ordinal),
            [.. rules.Columns.Keys.Where(column => table.Schema.IndexOf(column) >= 0)]);
    }
}
