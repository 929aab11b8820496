using Microsoft.AspNetCore.Builder;

namespace Naru.Access;

/// <summary>What a request needs to reach an endpoint. An endpoint without one is never reached.</summary>
internal enum Permission
{
    /// <summary>Nothing: it tells nothing of the project.</summary>
    Public,

    /// <summary>Whoever asks is found out; to a stranger the page says where to sign in.</summary>
    Page,

    /// <summary>The same machine, or any caller who is known.</summary>
    Local,

    /// <summary>Any caller who is known; it answers about that caller.</summary>
    Known,

    /// <summary>A right to read the table that the request names; the endpoint holds the request against it.</summary>
    Read,

    /// <summary>A right to write to the log that the request names; the endpoint asks and answers itself.</summary>
    Write,

    Administer,
}

internal static class PermissionExtensions
{
    /// <summary>Declares what an endpoint needs. <see cref="AccessGate"/> holds requests against it.</summary>
    public static T Needs<T>(this T endpoint, Permission permission)
        where T : IEndpointConventionBuilder =>
        endpoint.WithMetadata(new EndpointPermission(permission));
}

/// <summary>Metadata of an endpoint.</summary>
internal sealed record EndpointPermission(Permission Permission);
