using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Lake.Delta;
using Naru.Lake.Parquet;
using Naru.Models.Checks;
using Naru.Query;
using Naru.Query.Gate;
using Naru.Yaml;

namespace Naru.Models;

/// <summary>One file that is named as a model.</summary>
internal sealed record ModelFile(string Path, string Name, string Text);

/// <summary>Reads all of `models/`.</summary>
internal static class ModelFolder
{
    public const int BytesMax = 256 * 1024;

    private static readonly DefinitionKind Kind = new("models", ".sql", "model")
    {
        NameFault = static (kind, path, name) => kind.TableNameFault(path, name),
    };

    private static readonly ImmutableArray<string> PartitionOfDays = [LogTables.Ymd];
    private static readonly ImmutableArray<string> PartitionOfHours = [LogTables.Ymd, LogTables.Hour];

    public static string Fingerprint(IFileSystem files, string folder) => DefinitionFiles.Fingerprint(files, folder);

    /// <summary>
    /// Every model that is right, each after those that it reads; mistakes of all files are noted.
    /// </summary>
    /// <param name="found">Files of the folder.</param>
    /// <param name="others">Tables that are not models'.</param>
    /// <param name="zone">The project's.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static ModelSet Compile(
        IReadOnlyList<ModelFile> found,
        ImmutableArray<TableDescription> others,
        ProjectZone zone,
        MistakeList mistakes)
    {
        List<ModelDefinition> models = [];
        HashSet<string> own = [.. found.Select(static file => file.Name)];
        Dictionary<string, TableDescription> known = others
            .Where(table => table.Name.Schema != FilledTable.Schema || !own.Contains(table.Name.Name))
            .ToDictionary(static table => table.Name.ToString(), StringComparer.Ordinal);
        foreach (ModelFile file in InOrder(found, mistakes))
        {
            if (Compile(file, [.. known.Values], zone, mistakes) is { } model)
            {
                models.Add(model);
                known[model.Table.Name.ToString()] = new TableDescription(
                    model.Table.Name, model.Table.Columns, model.Header.Description, System: false);
            }
        }

        return new ModelSet([.. models]);
    }

    public static IEnumerable<ModelFile> Files(IFileSystem files, string folder, MistakeList mistakes)
    {
        foreach (DefinitionFile file in Kind.Read(files, folder, mistakes))
        {
            if (DefinitionFiles.Text(file.Path, file.Bytes, BytesMax, mistakes) is { } text)
            {
                yield return new ModelFile(file.Path, file.Name, text);
            }
        }
    }

    /// <summary>Each file after those whose names stand in it; those that name each other in a ring are told.</summary>
    private static IEnumerable<ModelFile> InOrder(IReadOnlyList<ModelFile> found, MistakeList mistakes)
    {
        Dictionary<string, ModelFile> waiting = found.ToDictionary(static file => file.Name, StringComparer.Ordinal);
        Dictionary<string, HashSet<string>> reads = found.ToDictionary(
            static file => file.Name,
            file => WordsOf(file).Where(word => word != file.Name && waiting.ContainsKey(word))
                .ToHashSet(StringComparer.Ordinal),
            StringComparer.Ordinal);
        while (waiting.Count > 0)
        {
            ModelFile[] next =
            [
                .. waiting.Values.Where(file => !reads[file.Name].Any(waiting.ContainsKey))
                    .OrderBy(static file => file.Name, StringComparer.Ordinal),
            ];
            if (next.Length == 0)
            {
                foreach (ModelFile file in waiting.Values)
                {
                    string others = string.Join(", ", reads[file.Name].Where(waiting.ContainsKey).Order());
                    mistakes.Add(new Mistake(
                        file.Path,
                        $"it stands in a ring of models that read each other: it reads {others}",
                        "let one of them read what the other is made from"));
                }

                yield break;
            }

            foreach (ModelFile file in next)
            {
                waiting.Remove(file.Name);
                yield return file;
            }
        }
    }

    /// <summary>Of the statement, and of checks, which may read other models too.</summary>
    private static IEnumerable<string> WordsOf(ModelFile file) => SqlHeader
        .Read(file.Path, file.Text, ModelHeader.Keys, ModelHeader.CheckKey, new MistakeList()).Entries
        .Where(static entry => entry.Key == ModelHeader.CheckKey)
        .SelectMany(static entry => ModelText.Words(entry.Value))
        .Concat(ModelText.Words(file.Text));

    private static ModelDefinition? Compile(
        ModelFile file, ImmutableArray<TableDescription> known, ProjectZone zone, MistakeList mistakes)
    {
        int before = mistakes.Count;
        ModelHeader header = ModelHeader.Read(file.Path, file.Text, zone, mistakes);
        if (ModelText.Read(file.Path, file.Text, mistakes) is not { } text || mistakes.Count > before)
        {
            return null;
        }

        IntervalCalendar calendar = new(zone);
        Interval sample = calendar.At(header.Every, header.Start ?? 0);
        StatementShape shape;
        try
        {
            ReadableTables readable = new(known, ModelReader.Of(file.Name, null));
            shape = StatementDescriber.Describe(text.Bind(file.Name, sample, calendar), readable, zone.Zone);
        }
        catch (QueryException exception)
        {
            QueryError error = exception.Error;

            // Columns are those of the text with its parameters put in, so only the line is sure.
            string hint = error.Code == QueryCodes.Forbidden
                ? "a model's table lies open to its readers, so models cannot read what is sensitive"
                : error.Hint ?? "";
            mistakes.Add(new Mistake(
                file.Path, error.Line ?? 0, error.Line is null ? 0 : 1, error.Message, hint));
            return null;
        }

        TableSchema? schema = SchemaOf(file, header.Every, shape.Columns, mistakes);
        CheckBuckets(file, header, schema, mistakes);
        ImmutableArray<ModelInput> inputs = InputsOf(file, header, shape, known, mistakes);
        ImmutableArray<ModelCheck> checks = schema is { } columns && !header.Checks.IsEmpty
            ? ChecksOf(file, (header, columns), known, (sample, zone), mistakes) : [];
        return schema is null || mistakes.Count > before ? null : new ModelDefinition
        {
            Checks = checks,
            Name = file.Name,
            Header = header,
            Text = text,
            Inputs = inputs,
            Table = new FilledTable(
                new TableName(FilledTable.Schema, file.Name),
                schema,
                PartitionOf(header.Every),
                header.Description)
            {
                HotFor = header.HotFor, WarmFor = header.WarmFor,
            },
            GivesPartition = PartitionOf(header.Every).All(
                column => shape.Columns.Any(each => each.Name == column)),
            Fingerprint = FingerprintOf(file.Text, header.Every, schema),
        };
    }

    /// <summary>A check may read the model's own table, too: what it had before.</summary>
    private static ImmutableArray<ModelCheck> ChecksOf(
        ModelFile file,
        (ModelHeader Header, TableSchema Columns) model,
        ImmutableArray<TableDescription> known,
        (Interval Interval, ProjectZone Zone) sample,
        MistakeList mistakes)
    {
        TableSchema columns = model.Columns;
        TableDescription own = new(new TableName(FilledTable.Schema, file.Name), columns, "", System: false);
        ReadableTables readable = new(
            [.. known, own, CheckCompiler.Describe(columns)], ModelReader.Of(file.Name, null));
        return new CheckCompiler(file.Name, file.Path, columns, readable)
            .Compile(model.Header.Checks, sample, mistakes);
    }

    private static void CheckBuckets(ModelFile file, ModelHeader header, TableSchema? schema, MistakeList mistakes)
    {
        if (header.Buckets is not { } buckets || schema is null)
        {
            return;
        }

        int at = schema.IndexOf(buckets.Column);
        if (at < 0 || PartitionOf(header.Every).Contains(buckets.Column))
        {
            mistakes.Add(new Mistake(
                file.Path, $"'buckets' names \"{buckets.Column}\", which the model does not select", "name a column"));
        }
        else if (!HashBucket.Takes(schema.Columns[at].Type))
        {
            mistakes.Add(new Mistake(
                file.Path,
                $"'buckets' names \"{buckets.Column}\", a {schema.Columns[at].Type.Sql}",
                "buckets are by a text or a whole number"));
        }
    }

    public static ImmutableArray<string> PartitionOf(IntervalKind every) =>
        every == IntervalKind.Day ? PartitionOfDays : PartitionOfHours;

    /// <summary>Field ids are the table's when there is one; these are for one that is not there yet.</summary>
    private static TableSchema? SchemaOf(
        ModelFile file, IntervalKind every, ImmutableArray<DescribedColumn> columns, MistakeList mistakes)
    {
        int before = mistakes.Count;
        ImmutableArray<string> partition = PartitionOf(every);
        List<Column> made = [];
        HashSet<string> seen = new(SqlName.Comparer);
        foreach (DescribedColumn column in columns)
        {
            if (!seen.Add(column.Name))
            {
                mistakes.Add(new Mistake(
                    file.Path, $"two columns are called \"{column.Name}\"", "give one of them another name with AS"));
            }
            else if (LogNames.Fault(column.Name.TrimStart('_')) is { } fault)
            {
                mistakes.Add(new Mistake(
                    file.Path, $"the column's name \"{column.Name}\" {fault}", "give it another with AS"));
            }
            else if (TypeOf(column.Type) is not { } type)
            {
                mistakes.Add(new Mistake(
                    file.Path,
                    $"column \"{column.Name}\" is {column.Type}, which a table cannot hold",
                    "cast it: to VARCHAR, to DECIMAL(38,0), or with to_json()"));
            }
            else if (!partition.Contains(column.Name))
            {
                made.Add(new Column(column.Name, type, Nullable: true, LogTables.FirstFieldId + made.Count));
            }
        }

        made.AddRange(LogTables.PartitionColumns(partition.Length > 1));
        return mistakes.Count > before ? null : new TableSchema([.. made]);
    }

    private static ColumnType? TypeOf(string type) =>
        type is "HUGEINT" or "UHUGEINT" ? ColumnType.Decimal(38, 0) : ParquetImport.TypeOf(type);

    private static ImmutableArray<ModelInput> InputsOf(
        ModelFile file,
        ModelHeader header,
        StatementShape shape,
        ImmutableArray<TableDescription> known,
        MistakeList mistakes)
    {
        Dictionary<TableName, TimeSpan> inputs = shape.Tables.ToDictionary(
            static table => table.Name, static _ => TimeSpan.Zero);
        ReadableTables readable = new(known, ModelReader.Of(file.Name, null));
        foreach (InputReach reach in header.DependsOn)
        {
            string[] parts = reach.Table.Split('.', 2);
            TableDescription? table = readable.Find(parts.Length == 2 ? parts[0] : "", parts[^1]);
            if (table is null)
            {
                QueryError unknown = readable.Unknown(parts.Length == 2 ? parts[0] : "", parts[^1]);
                mistakes.Add(new Mistake(file.Path, $"'depends_on': {unknown.Message}", unknown.Hint ?? ""));
            }
            else
            {
                inputs[table.Name] = reach.Back;
            }
        }

        return
        [
            .. inputs.Select(static input => new ModelInput(input.Key, input.Value))
                .OrderBy(static input => input.Table.ToString(), StringComparer.Ordinal),
        ];
    }

    private static string FingerprintOf(string text, IntervalKind every, TableSchema schema)
    {
        string columns = string.Join(',', schema.Columns.Select(static column => $"{column.Name} {column.Type.Sql}"));
        string body = string.Join('\n', text.Split('\n')
            .Where(static line => !line.TrimStart().StartsWith("--", StringComparison.Ordinal)));
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{every}\n{columns}\n{body}")))[..16];
    }
}
