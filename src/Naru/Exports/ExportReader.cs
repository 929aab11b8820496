using System.Net;
using Naru.Access;

namespace Naru.Exports;

/// <summary>
/// Who an export reads as: its owner, as of now. What is sensitive is kept back even from an owner who may read it,
/// unless the export's file says otherwise.
/// </summary>
internal sealed class ExportReader(Authenticator callers)
{
    /// <summary>For checks of files, which know no users: every table, and the secure groups where they are allowed.
    /// </summary>
    public static Principal Checking(ExportDefinition export) => new()
    {
        Name = $"export {export.Name}",
        Kind = PrincipalKind.Open,
        Read = ["*"],
        Secure = export.AllowsSecure ? ["*"] : [],
        Administer = true,
    };

    /// <summary>Null when the owner may not ask now.</summary>
    public Principal? Of(ExportDefinition export)
    {
        Principal? owner = callers.UserNamed(export.Owner);
        if (owner is null && export.Owner == Principal.Open.Name)
        {
            // A project without any key or user belongs to whoever sits at the machine.
            owner = callers.Stores.Keys.Authenticate(null, IPAddress.Loopback);
        }

        return owner is null ? null : new Principal
        {
            Name = owner.Name,
            Kind = owner.Kind,
            Read = owner.Read,
            Secure = export.AllowsSecure ? owner.Secure : [],
            Roles = export.AllowsSecure
                ? owner.Roles : [.. owner.Roles.Select(static role => role with { Secure = [] })],
            Administer = owner.Administer,
            Ticket = export.Ticket ?? owner.Ticket,
            Until = owner.Until,
        };
    }
}
