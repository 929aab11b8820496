using System.Collections.Immutable;

namespace Naru.Access;

internal sealed record RoleList(ImmutableArray<RoleView> Roles);

/// <summary>A role as its file says: `GET /v1/roles`.</summary>
internal sealed record RoleView
{
    public required string Name { get; init; }

    public required string Description { get; init; }

    public required ImmutableArray<string> Read { get; init; }

    public required ImmutableArray<string> Secure { get; init; }

    public required ImmutableArray<string> Write { get; init; }

    public required bool Administer { get; init; }

    /// <summary>By table: the condition of the rows that are shown.</summary>
    public required ImmutableSortedDictionary<string, string> Rows { get; init; }

    /// <summary>By table and column (`kr_shop.order.phone`): what stands for it, as written.</summary>
    public required ImmutableSortedDictionary<string, string> Masks { get; init; }

    /// <summary>Every role for administrators; else those of the caller.</summary>
    public static ImmutableArray<RoleView> Of(Principal asking, AccessSet access) =>
    [
        .. (asking.Administer ? access.Roles.Values : asking.Roles.AsEnumerable())
            .OrderBy(static role => role.Name, StringComparer.Ordinal).Select(Of),
    ];

    private static RoleView Of(Grant role) => new()
    {
        Name = role.Name,
        Description = role.Description,
        Read = [.. role.Read],
        Secure = [.. role.Secure],
        Write = [.. role.Write],
        Administer = role.Administer,
        Rows = role.Rows,
        Masks = role.Masks
            .SelectMany(static table => table.Value.Select(mask => ($"{table.Key}.{mask.Key}", mask.Value.Written)))
            .ToImmutableSortedDictionary(
                static each => each.Item1, static each => each.Written, StringComparer.Ordinal),
    };
}
