using System.Net;
using Naru.Lake.Catalog;

namespace Naru.Access;

/// <summary>Who asks, and what they may. Deny by default.</summary>
internal sealed class Principal
{
    /// <summary>A project without any key or user: loopback may do everything.</summary>
    public static readonly Principal Open = new()
    {
        Name = "local", Write = ["*"], Read = ["*"], Secure = ["*"], Administer = true,
    };

    /// <summary>Source name of the key: part of every event's identity.</summary>
    public required string Name { get; init; }

    /// <summary>Patterns of full log names: `*`, `kr_shop.*` or `kr_shop.page_view`.</summary>
    public IReadOnlyList<string> Write { get; init; } = [];

    public IReadOnlyList<string> Read { get; init; } = [];

    /// <summary>Tables whose secure group may be read (Read of the table is needed too).</summary>
    public IReadOnlyList<string> Secure { get; init; } = [];

    public bool Administer { get; init; }

    public bool MayWrite(string log) => Matches(Write, log);

    public bool MayRead(TableName table)
    {
        string name = $"{table.Schema}.{table.Name}";
        return Matches(Read, name) && (table.Group == ColumnGroup.Fields || Matches(Secure, name));
    }

    private static bool Matches(IReadOnlyList<string> patterns, string name)
    {
        foreach (string pattern in patterns)
        {
            if (pattern == "*" || pattern == name
                || (pattern.EndsWith(".*", StringComparison.Ordinal)
                    && name.AsSpan().StartsWith(pattern.AsSpan(0, pattern.Length - 1), StringComparison.Ordinal)))
            {
                return true;
            }
        }

        return false;
    }
}

internal interface IAuthenticator
{
    /// <summary>
    /// Null when the credentials are missing where needed, unknown or revoked (one answer for all three).
    /// <paramref name="authorization"/> is the header's value: `Bearer nk_…` or `Basic …` (the key as password).
    /// </summary>
    Principal? Authenticate(string? authorization, IPAddress? remote);
}
