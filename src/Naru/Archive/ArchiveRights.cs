using Naru.Access;
using Naru.Lake.Catalog;
using Naru.Query.Gate;

namespace Naru.Archive;

/// <summary>Who may see and change what is kept.</summary>
internal sealed class ArchiveRights(ArchiveOptions options, ILakeCatalog catalog)
{
    /// <summary>
    /// A text tells of the tables that it names, so it is shown to who may read all of them, to its owner, and to
    /// administrators. To others it is not there.
    /// </summary>
    public bool MaySee(Principal principal, IKept kept) =>
        principal.Administer || IsOwner(principal, kept.Owner)
        || !catalog.Tables.Any(table => Names(kept, table) && !principal.MayRead(table.Name));

    /// <summary>Whether there may be another version of what `owner` owns; null: of what is not there yet.</summary>
    public bool MayChange(Principal principal, string? owner) =>
        principal.Administer
        || (options.ReadersMaySave && principal.ReadsAnything && (owner is null || IsOwner(principal, owner)));

    /// <summary>The owner is the user or key of that name, or whoever holds a role of that name.</summary>
    public static bool IsOwner(Principal principal, string owner) =>
        owner.Length > 0
        && (principal.Name == owner || principal.Roles.Any(role => role.Name == owner));

    private static bool Names(IKept kept, TableDescription table) =>
        kept.Names.Contains($"{table.Name.Schema}.{table.Name.SqlName}")
        || (ReadableTables.SearchPath.Contains(table.Name.Schema) && kept.Names.Contains(table.Name.SqlName));
}
