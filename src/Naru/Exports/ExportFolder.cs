using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Models;
using Naru.Query;
using Naru.Query.Gate;
using Naru.Yaml;

namespace Naru.Exports;

/// <summary>Reads all of `exports/`, and holds each against the tables that there are.</summary>
internal static class ExportFolder
{
    public static readonly DefinitionKind Kind = new("exports", ExportFile.Extension, "export");

    public static string Fingerprint(IFileSystem files, string folder) => DefinitionFiles.Fingerprint(files, folder);

    /// <summary>Every export that is right, by name; mistakes of all files are noted.</summary>
    /// <param name="found">Files of the folder.</param>
    /// <param name="tables">Every table that there is or will be.</param>
    /// <param name="kinds">Of targets.</param>
    /// <param name="zone">The project's.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static ExportSet Compile(
        IEnumerable<DefinitionFile> found,
        ImmutableArray<TableDescription> tables,
        TargetKinds kinds,
        ProjectZone zone,
        MistakeList mistakes) => new(
        [
            .. found.Select(file => ExportFile.Read(file, kinds, zone, mistakes)).OfType<ExportContent>()
                .Select(content => Compile(content, tables, zone, mistakes)).OfType<ExportDefinition>(),
        ]);

    private static ExportDefinition? Compile(
        ExportContent content, ImmutableArray<TableDescription> tables, ProjectZone zone, MistakeList mistakes)
    {
        int before = mistakes.Count;
        ExportDefinition export = content.Export;
        IntervalCalendar calendar = new(zone);
        ReadableTables readable = new(tables, ExportReader.Checking(export));
        StatementShape shape;
        try
        {
            Interval sample = calendar.At(export.Every, export.Start ?? 0);
            shape = StatementDescriber.Describe(export.Text.Bind(export.Name, sample, calendar), readable, zone.Zone);
        }
        catch (QueryException exception)
        {
            QueryError error = exception.Error;
            bool secure = error.Code == QueryCodes.Forbidden && !export.AllowsSecure;
            mistakes.Add(content.File.Path, content.Place, error.Message, secure
                ? "what is sensitive goes out only with 'secure: allow', and where the owner may read it"
                : error.Hint ?? "");
            return null;
        }

        CheckColumns(content, shape, mistakes);
        ImmutableArray<ModelInput> inputs = InputsOf(content, shape, readable, mistakes);
        return mistakes.Count > before ? null : export with
        {
            Inputs = inputs,
            Fingerprint = FingerprintOf(content, shape),
        };
    }

    private static void CheckColumns(ExportContent content, StatementShape shape, MistakeList mistakes)
    {
        HashSet<string> seen = new(SqlName.Comparer);
        foreach (DescribedColumn column in shape.Columns)
        {
            if (!seen.Add(column.Name))
            {
                mistakes.Add(
                    content.File.Path,
                    content.Place,
                    $"two columns are called \"{column.Name}\"", "give one of them another name with AS");
            }
            else if (column.Name.StartsWith(ExportRows.OwnPrefix, StringComparison.OrdinalIgnoreCase))
            {
                mistakes.Add(
                    content.File.Path,
                    content.Place,
                    $"names that begin with {ExportRows.OwnPrefix} are Naru's own, as \"{column.Name}\" does",
                    "give it another with AS");
            }
        }

        foreach (string key in content.Export.Key.Where(key => !shape.Columns.Any(column => column.Name == key)))
        {
            mistakes.Add(
                content.File.Path,
                content.Place,
                $"the key's column \"{key}\" is not among those of the query",
                $"columns: {string.Join(", ", shape.Columns.Select(static column => column.Name))}");
        }
    }

    /// <summary>What names no interval reads all of its tables, so that any change of them counts.</summary>
    private static ImmutableArray<ModelInput> InputsOf(
        ExportContent content, StatementShape shape, ReadableTables readable, MistakeList mistakes)
    {
        bool all = !content.Export.Text.NamesInterval;
        Dictionary<TableName, ModelInput> inputs = shape.Tables.ToDictionary(
            static table => table.Name, table => new ModelInput(table.Name, TimeSpan.Zero) { IsAll = all });
        foreach ((YamlScalar at, InputReach reach) in content.DependsOn)
        {
            string[] parts = reach.Table.Split('.', 2);
            (string schema, string name) = (parts.Length == 2 ? parts[0] : "", parts[^1]);
            if (readable.Find(schema, name) is { } table)
            {
                inputs[table.Name] = new ModelInput(table.Name, reach.Back);
            }
            else
            {
                QueryError unknown = readable.Unknown(schema, name);
                mistakes.Add(content.File.Path, at, $"'depends_on': {unknown.Message}", unknown.Hint ?? "");
            }
        }

        return [.. inputs.Values.OrderBy(static input => input.Table.ToString(), StringComparer.Ordinal)];
    }

    /// <summary>Of all that decides what the target holds: the query, its columns, the mode and the place.</summary>
    private static string FingerprintOf(ExportContent content, StatementShape shape)
    {
        ExportDefinition export = content.Export;
        string columns = string.Join(',', shape.Columns.Select(static column => $"{column.Name} {column.Type}"));
        string text = $"{export.Every}\n{export.Mode}\n{string.Join(',', export.Key)}\n{columns}\n{content.Sql}\n"
            + export.Targets[ExportDefinition.DefaultTarget].Fingerprint;
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];
    }
}
