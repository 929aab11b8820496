using System.Reflection;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Naru.Core;
using Naru.Lake.Columns;
using Naru.Tests.Tidy;

namespace Naru.Tests.Architecture;

/// <summary>Which room may use which: the matrix of the house (ARCHITECTURE.md).</summary>
public class RoomTests
{
    private const string Everything = "*";

    /// <summary>What a slice may use beside itself, `Core`, and the slices that hold plain text forms (Yaml).</summary>
    private static readonly Dictionary<string, string[]> MayUse = new()
    {
        // Columns and catalog names are the words in which definitions and rights speak; they are types, not the
        // engine.
        ["Definitions"] = ["Lake.Columns", "Lake.Catalog", "Configuration", "Yaml"],
        ["Access"] = ["Lake.Catalog", "Lake.Columns", "Configuration", "Yaml"],
        ["Yaml"] = [],
        ["Configuration"] = ["Lake.Columns", "Yaml"],
        ["Aggregates"] = ["Lake", "Definitions", "Configuration", "Yaml"],
        ["Collect"] = ["Definitions", "Access", "Configuration"],
        ["Tiers"] = ["Lake", "Connections", "Configuration"],
        ["Stream"] = ["Lake", "Definitions", "Configuration", "Aggregates", "Tiers"],
        ["Backup"] = ["Lake", "Stream", "Configuration", "Tiers"],
        ["Query"] = ["Lake", "Definitions", "Access", "Configuration", "Yaml"],
        ["External"] = ["Lake", "Query", "Definitions", "Access", "Configuration", "Yaml"],
        ["Archive"] = ["Lake", "Query", "Definitions", "Access", "Configuration", "Yaml"],
        ["Watch"] = ["Lake", "Query", "Definitions", "Access", "Configuration", "Yaml"],
        ["MySql"] = [],
        ["Connections"] = ["Configuration", "Yaml"],
        ["Redis"] = ["Connections"],
        ["State"] = ["Configuration"],
        ["Ledger"] = ["State"],
        ["Models"] = ["Lake", "Query", "Ledger", "State", "Definitions", "Access", "Configuration", "Yaml"],
        ["Sources"] =
        [
            "Lake", "Models", "MySql", "Redis", "Connections", "Ledger", "State", "Definitions", "Configuration",
            "Yaml", "Query", "External", "Access", "Tiers",
        ],
        ["Exports"] =
        [
            "Lake", "Models", "Query", "Ledger", "Definitions", "Access", "MySql", "Redis", "Connections",
            "Configuration", "Yaml", "Watch.Alerts", "Tiers",
        ],
        ["Server"] = [Everything],
        ["WebConsole"] = [Everything],
        ["Cli"] = [Everything],
        ["Demo"] = ["Definitions", "Configuration", "Server", "Cli.Send"],
    };

    [Fact]
    public void Every_slice_has_its_line_in_the_matrix()
    {
        string[] missing =
        [
            .. Repository.Shipping
                .Where(static file => file.Project == "src/Naru" && file.Path.Count(static c => c == '/') > 2)
                .Select(static file => file.Path.Split('/')[2])
                .Distinct()
                .Where(static slice => !MayUse.ContainsKey(slice)),
        ];
        Assert.True(missing.Length == 0, $"rooms without a line in MayUse: {string.Join(", ", missing)}");
    }

    [Fact]
    public void A_room_uses_only_what_the_matrix_allows() => Exceptions.Check(
        "rooms",
        "not in the matrix",
        from file in Repository.Shipping
        where file.Project == "src/Naru" && file.Path.Count(static c => c == '/') > 2
        let slice = file.Path.Split('/')[2]
        from used in RoomsUsedBy(file)
        where used != slice && !used.StartsWith(slice + ".", StringComparison.Ordinal) && !Allows(slice, used)
        group file by $"{file.Path} uses {used}" into place
        select (place.Key, 1));

    [Fact]
    public void Namespaces_are_folders() => Exceptions.Check(
        "namespaces",
        "the folder's",
        from file in Repository.Sources
        let name = file.All<BaseNamespaceDeclarationSyntax>().FirstOrDefault()?.Name.ToString()
        where name is not null && name != NamespaceOf(file)
        select ($"{file.Path} is in {name}", 1));

    [Fact]
    public void Core_uses_the_base_class_library_only() =>
        Assert.Empty(Foreign(typeof(Invariant).Assembly, "System", "Microsoft.Win32"));

    [Fact]
    public void Lake_uses_Core_and_the_base_class_library_only() =>
        Assert.Empty(Foreign(typeof(Column).Assembly, "System", "Microsoft.Win32", "Naru.Core"));

    [Fact]
    public void Shipping_assemblies_are_three() => Assert.Equal(
        ["src/Naru.Core", "src/Naru.Lake", "src/Naru"],
        Repository.TrackedFiles
            .Where(static path => path.StartsWith("src/", StringComparison.Ordinal))
            .Where(static path => path.EndsWith(".csproj", StringComparison.Ordinal))
            .Select(static path => Path.GetDirectoryName(path)!)
            .OrderBy(static path => path == "src/Naru" ? 1 : 0));

    private static IEnumerable<string> Foreign(Assembly assembly, params string[] allowed) => assembly
        .GetReferencedAssemblies()
        .Select(static reference => reference.Name!)
        .Where(name => !allowed.Any(prefix => $"{name}.".StartsWith(prefix + ".", StringComparison.Ordinal)));

    private static bool Allows(string slice, string used) =>
        !MayUse.TryGetValue(slice, out string[]? allowed)
        || used == "Core" || used.StartsWith("Core.", StringComparison.Ordinal)
        || allowed.Contains(Everything)
        || allowed.Any(room => used == room || used.StartsWith(room + ".", StringComparison.Ordinal));

    /// <summary>
    /// `Lake.Columns`, `Definitions`, …: from using directives, and from names qualified by a room
    /// (`Access.Principal`), which C# allows inside the namespace Naru without a directive.
    /// </summary>
    private static HashSet<string> RoomsUsedBy(SourceFile file)
    {
        IEnumerable<string> directives = file.All<UsingDirectiveSyntax>()
            .Select(static directive => directive.NamespaceOrType.ToString())
            .Where(static name => name.StartsWith("Naru.", StringComparison.Ordinal))
            .Select(static name => name["Naru.".Length..]);
        IEnumerable<string> qualified = file.Syntax.DescendantNodes()
            .Where(static node => node is QualifiedNameSyntax or MemberAccessExpressionSyntax)
            .Where(static node =>
                node.Parent is not (BaseNamespaceDeclarationSyntax or UsingDirectiveSyntax or QualifiedNameSyntax))
            .Select(static node => node.ToString());
        HashSet<string> rooms = [.. directives];
        foreach (string name in qualified)
        {
            string plain = name.StartsWith("Naru.", StringComparison.Ordinal) ? name["Naru.".Length..]
                : name.StartsWith("global::Naru.", StringComparison.Ordinal) ? name["global::Naru.".Length..] : name;
            string first = plain.Split('.')[0];
            if (MayUse.ContainsKey(first) || first is "Lake" && plain != name)
            {
                rooms.Add(first == "Lake" ? string.Join('.', plain.Split('.').Take(2)) : first);
            }
        }

        return rooms;
    }

    private static string NamespaceOf(SourceFile file)
    {
        string folder = Path.GetDirectoryName(file.Path)!;
        string project = file.Project.Split('/')[1];
        string below = folder.Length > file.Project.Length ? folder[file.Project.Length..].Replace('/', '.') : "";
        return project + below;
    }
}
