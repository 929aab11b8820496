using System.Collections.Immutable;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Files;
using Naru.Lake.Columns;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>
/// A column's number and type, for ever: a name that comes back after it was removed gets both again.
/// </summary>
internal sealed record RegistryField(string Name, int Id, string Type, bool Nullable);

/// <summary>
/// One published text. Several revisions of a version differ only in what does not decide how events are read; the last
/// revision speaks for the version.
/// </summary>
internal sealed record RegistryText(
    int Version, int Revision, string File, string Sha256, DateTimeOffset PublishedAt, string? Reason);

internal sealed record RegistryLog(
    int Id, string Name, ImmutableArray<RegistryField> Fields, ImmutableArray<RegistryText> Texts);

/// <summary>
/// What was ever published: log numbers and field ids that are never reused, and the text of every version.
/// Files: `data/definitions/registry.json` (a <see cref="StateFile"/>, the commit) and, before it, one file a text,
/// `data/definitions/LOG/VERSION.REVISION-HASH.yaml`. A text that no registry names is a leftover of a crash.
/// </summary>
internal sealed record DefinitionRegistry(string Timezone, ImmutableArray<RegistryLog> Logs)
{
    private const string Kind = "definitions";
    private const int Format = 1;
    private const string FileName = "registry.json";

    public static readonly DefinitionRegistry Empty = new("", []);

    public static DefinitionRegistry Read(IFileSystem files, string folder)
    {
        using JsonDocument? body = StateFile.Read(files, $"{folder}/{FileName}", Kind, Format);
        if (body is null)
        {
            return Empty;
        }

        DefinitionRegistry? registry = body.Deserialize<DefinitionRegistry>(DefinitionsJson.Readable);
        Invariant.Hold(registry is not null);
        registry.CheckNumbers();
        return registry;
    }

    /// <summary>Makes this the registry on disk. The texts that it names must be there.</summary>
    public void Write(IFileSystem files, string folder)
    {
        CheckNumbers();
        StateFile.Write(
            files,
            $"{folder}/{FileName}",
            Kind,
            Format,
            JsonSerializer.SerializeToUtf8Bytes(this, DefinitionsJson.Indented));
    }

    public RegistryLog? Find(string name) => Logs.FirstOrDefault(log => log.Name == name);

    /// <summary>Writes a text durably and returns its entry.</summary>
    public static RegistryText WriteText(IFileSystem files, string folder, LogFileContent content, RegistryText entry)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(content.Text);
        string hash = content.Sha256;
        string name = content.Log.FullName;
        string file = string.Create(
            CultureInfo.InvariantCulture, $"{name}/{entry.Version}.{entry.Revision}-{hash[..12]}{LogFile.Extension}");
        files.CreateDirectory($"{folder}/{name}");
        WholeFile.Replace(files, $"{folder}/{file}", bytes);
        return entry with { File = file, Sha256 = hash };
    }

    /// <summary>
    /// Every version of every log, numbered. Throws <see cref="StorageException"/> when a text is not what was
    /// published.
    /// </summary>
    public ImmutableArray<LogDefinition> ReadAll(IFileSystem files, string folder)
    {
        ImmutableArray<LogDefinition>.Builder all = ImmutableArray.CreateBuilder<LogDefinition>();
        foreach (RegistryLog log in Logs)
        {
            foreach (IGrouping<int, RegistryText> version in log.Texts.GroupBy(static text => text.Version))
            {
                all.Add(Number(log, version.Key, ReadText(files, folder, log, version.Last())));
            }
        }

        return all.ToImmutable();
    }

    /// <summary>
    /// The numbers of a log and its fields, in the order of the field ids: a table's columns never change places.
    /// </summary>
    public static LogDefinition Number(RegistryLog log, int version, LogDefinition definition)
    {
        IEnumerable<FieldDefinition> fields = definition.Fields
            .Select(field =>
            {
                RegistryField known = log.Fields.First(candidate => candidate.Name == field.Name);
                return field with { FieldId = known.Id, Nullable = known.Nullable };
            })
            .OrderBy(static field => field.FieldId);
        return definition with { Id = log.Id, Version = version, Fields = [.. fields] };
    }

    private static LogDefinition ReadText(IFileSystem files, string folder, RegistryLog log, RegistryText text)
    {
        string path = $"{folder}/{text.File}";
        byte[]? bytes = WholeFile.Read(files, path);
        if (bytes is null || Convert.ToHexStringLower(SHA256.HashData(bytes)) != text.Sha256)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"cannot use \"{path}\": it is not what was published; restore it from a backup");
        }

        MistakeList mistakes = new();
        LogFileContent? content = LogFile.Read($"{log.Name}{LogFile.Extension}", bytes, mistakes);
        return content?.Log ?? throw new StorageException(
            StorageFault.Corrupt,
            $"cannot use \"{path}\": {mistakes.Sorted()[0].Message}; it was published by another version of Naru");
    }

    private void CheckNumbers()
    {
        Invariant.Hold(Logs.Select(static log => log.Id).Distinct().Count() == Logs.Length);
        Invariant.Hold(Logs.Select(static log => log.Name).Distinct(StringComparer.Ordinal).Count() == Logs.Length);
        foreach (RegistryLog log in Logs)
        {
            Invariant.Hold(log.Id >= 1 && log.Texts.Length >= 1);
            Invariant.Hold(log.Fields.Select(static field => field.Id).Distinct().Count() == log.Fields.Length);
            Invariant.Hold(log.Fields.All(static field => field.Id >= LogTables.FirstFieldId));
        }
    }

    /// <summary>The type of a field as it was published last.</summary>
    public static ColumnType TypeOf(RegistryField field)
    {
        bool parsed = FieldTypes.TryParse(field.Type, out ColumnType type, out _);
        Invariant.Hold(parsed);
        return type;
    }
}
