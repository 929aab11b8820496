using System.CommandLine;
using System.Reflection;
using Naru.Cli;
using Naru.Configuration;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Stream;

namespace Naru.Tests.PublicSurface;

/// <summary>What users, dashboards and scripts hold on to, read from the program itself.</summary>
internal static class Surface
{
    /// <summary>Commands that do something, by their names from the root on (`key add`), without hidden ones.</summary>
    public static IEnumerable<(string Name, Command Command)> CommandsByName() => Walk(CommandTree.Create(), "");

    /// <summary>A command a line with its arguments and options.</summary>
    public static IEnumerable<string> Commands()
    {
        foreach ((string name, Command command) in CommandsByName())
        {
            IEnumerable<string> arguments = command.Arguments.Select(static argument => $" {argument.Name}");
            IEnumerable<string> options = command.Options
                .Where(static option => !option.Hidden && option.Name != "--help")
                .Select(static option => option.Name)
                .Order(StringComparer.Ordinal)
                .Select(static option => $" {option}");
            yield return $"naru {name}{string.Concat(arguments)}{string.Concat(options)}";
        }
    }

    /// <summary>`collect.body_bytes_max = 20MB`, in the order of the table.</summary>
    public static IEnumerable<string> Settings() =>
        from section in SettingTable.Sections
        from setting in section.Settings
        select $"{setting.Path} = {SettingText.Format(setting, setting.Default)}";

    /// <summary>
    /// `naru.topics: topic VARCHAR, …`: the tables that answer from memory, and those that are landed.
    /// </summary>
    public static IEnumerable<string> SystemTables(IEnumerable<SystemTableShape> answered) =>
        SystemTableSchemas(answered).Select(static table => $"{table.Name}: {Columns(table.Schema)}");

    public static IEnumerable<(string Name, TableSchema Schema)> SystemTableSchemas(
        IEnumerable<SystemTableShape> answered)
    {
        IEnumerable<(string Name, TableSchema Schema)> landed = typeof(StreamTables)
            .GetFields(BindingFlags.Static | BindingFlags.Public)
            .Where(static field => field.FieldType == typeof(TableName))
            .Select(static field => (NameOf((TableName)field.GetValue(null)!), SchemaOf(field.Name)));
        return answered
            .Select(static table => (Name: $"{StreamTables.Schema}.{table.Name}", table.Schema))
            .Concat(landed)
            .OrderBy(static table => table.Name, StringComparer.Ordinal);
    }

    private static string Columns(TableSchema schema) =>
        string.Join(", ", schema.Columns.Select(static column => $"{column.Name} {column.Type.Sql}"));

    private static string NameOf(TableName name) => name.Group == ColumnGroup.Fields
        ? $"{name.Schema}.{name.Name}"
        : $"{name.Schema}.{name.Name}${name.Group.ToString().ToLowerInvariant()}";

    private static TableSchema SchemaOf(string field) =>
        (TableSchema)typeof(StreamTables).GetField(field + "Schema")!.GetValue(null)!;

    private static IEnumerable<(string Name, Command Command)> Walk(Command command, string prefix)
    {
        foreach (Command child in command.Subcommands.Where(static child => !child.Hidden))
        {
            string name = prefix.Length == 0 ? child.Name : $"{prefix} {child.Name}";
            if (child.Subcommands.Count == 0)
            {
                yield return (name, child);
            }

            foreach ((string, Command) below in Walk(child, name))
            {
                yield return below;
            }
        }
    }
}
