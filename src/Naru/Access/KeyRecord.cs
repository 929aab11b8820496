using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Naru.Access;

/// <summary>What a key may do, as asked for. Patterns: `*`, `kr_shop.*`, `kr_shop.page_view`.</summary>
internal sealed record KeyRights
{
    public ImmutableArray<string> Write { get; init; } = [];

    public ImmutableArray<string> Read { get; init; } = [];

    public ImmutableArray<string> Secure { get; init; } = [];

    public bool Administer { get; init; }

    /// <summary>Roles of `access/`, whose rights are added.</summary>
    public ImmutableArray<string> Roles { get; init; } = [];

    /// <summary>Its budget, a ticket of `access/`; null has none.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Ticket { get; init; }

    /// <summary>The first moment without rights; null is never.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public DateTimeOffset? Until { get; init; }

    [JsonIgnore]
    public bool None => Write.IsEmpty && Read.IsEmpty && Secure.IsEmpty && Roles.IsEmpty && !Administer;
}

/// <summary>A key as it is kept: of its secret only the SHA-256.</summary>
internal sealed record KeyRecord
{
    public required string Id { get; init; }

    /// <summary>
    /// Source name: part of the identity of every event that the key sends. Two keys may share it, to rotate.
    /// </summary>
    public required string Name { get; init; }

    public required string Sha256 { get; init; }

    public required KeyRights Rights { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required string CreatedBy { get; init; }

    public DateTimeOffset? RevokedAt { get; init; }
}

/// <summary>A key as it is shown: never its secret. LastUsedAt is full hours.</summary>
internal sealed record KeyView(
    string Id,
    string Name,
    KeyRights Rights,
    DateTimeOffset CreatedAt,
    string CreatedBy,
    DateTimeOffset? LastUsedAt,
    DateTimeOffset? RevokedAt);

/// <summary>A new key: the one time that its text is told.</summary>
internal sealed record NewKey(string Key, KeyView About);
