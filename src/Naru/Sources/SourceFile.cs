using System.Collections.Immutable;
using Naru.Connections;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Sources;

/// <summary>Reads one file of `sources/` (reference: docs/sources.md).</summary>
internal sealed class SourceFile
{
    public const string Extension = ".yaml";

    /// <summary>Of every source; what else there may be is its kind's to say.</summary>
    private static readonly ImmutableArray<string> Keys =
    [
        "source", "kind", "description", "owner", "every", "schedule", "start", "retries", "retry_after", "rate",
        "schema_changes", "empty", "shards", "tables",
    ];

    private static readonly ImmutableArray<string> PartKeys = ["parallel", "chunk_rows"];
    private const int ParallelMax = 64;
    private const long ChunkRowsMin = 1_000;
    private const long ChunkRowsMax = 1_000_000_000;
    private const long RateMin = 64 << 10;

    private readonly YamlReader _reader;
    private readonly ISourceKind _kind;
    private readonly ProjectZone _zone;

    private SourceFile(YamlReader reader, ISourceKind kind, ProjectZone zone)
    {
        _reader = reader;
        _kind = kind;
        _zone = zone;
    }

    /// <summary>Null when anything in the file is wrong; every mistake is noted.</summary>
    /// <param name="file">Its path in the project and its bytes.</param>
    /// <param name="kinds">What `kind` may say.</param>
    /// <param name="zone">The project's.</param>
    /// <param name="mistakes">Takes what is wrong.</param>
    public static SourceDefinition? Read(
        DefinitionFile file, SourceKinds kinds, ProjectZone zone, MistakeList mistakes)
    {
        int before = mistakes.Count;
        if (YamlText.Parse(file.Path, file.Bytes, mistakes) is not { } root)
        {
            return null;
        }

        YamlReader first = new(file.Path, root, ["kind"], "the source", mistakes);
        string? name = first.RequiredText("kind", $"write one of {string.Join(", ", kinds.Names)}");
        if (name is null || kinds.Find(name) is not { } kind)
        {
            if (name is not null)
            {
                string? near = NearestName.Find(name, kinds.Names);
                first.Mistake(
                    first.Find("kind")!,
                    $"there is no kind of source '{name}'",
                    near is null ? $"kinds: {string.Join(", ", kinds.Names)}" : $"did you mean '{near}'?");
            }

            return null;
        }

        YamlReader reader = new(
            file.Path, root, [.. Keys, .. kind.Keys, .. kind.HasParts ? PartKeys : []], "the source", mistakes);
        SourceDefinition source = new SourceFile(reader, kind, zone).Source(name);
        reader.End(key => Elsewhere(key, kind, kinds));
        return mistakes.Count == before ? source : null;
    }

    /// <summary>The mend of a key that other kinds have.</summary>
    private static string? Elsewhere(string key, ISourceKind kind, SourceKinds kinds) =>
        PartKeys.Contains(key) || kinds.Kinds.Any(other => other.Keys.Contains(key))
            ? $"a source of kind {kind.Names[0]} has no such key, but {string.Join(", ", kind.Keys)}" : null;

    private SourceDefinition Source(string kindName)
    {
        ConnectionReader connection = new(_reader);
        SourceDefinition source = new()
        {
            Name = Name(),
            KindName = kindName,
            Kind = _kind,
            Description = _reader.Text("description") ?? "",
            Owner = _reader.Text("owner") ?? "",
            Parallel = (int)connection.Number("parallel", 1, ParallelMax, _kind.HasParts ? 2 : 1),
            ChunkRows = connection.Number("chunk_rows", ChunkRowsMin, ChunkRowsMax, 1_000_000),
            Rate = Rate(),
            SchemaChanges = _reader.Word("schema_changes", "follow", "freeze", "fail") switch
            {
                "freeze" => SchemaPolicy.Freeze,
                "fail" => SchemaPolicy.Fail,
                _ => SchemaPolicy.Follow,
            },
            Shards = Shards(),
        };
        return source with { Tables = new SnapshotReader(_reader, source, _zone).Read() };
    }

    private string Name()
    {
        string stem = Path.GetFileNameWithoutExtension(_reader.File);
        string? name = _reader.RequiredText("source", $"write 'source: {stem}'");
        if (name is null)
        {
            return "";
        }

        if (LogNames.Fault(name) is { } fault)
        {
            string mend = LogNames.Mended(name) is { } mended ? $"write '{mended}'" : "use lower-case letters";
            _reader.Mistake(_reader.Find("source")!, $"the source's name '{name}' {fault}", mend);
        }
        else if (name != stem)
        {
            _reader.Mistake(
                _reader.Find("source")!,
                $"the source '{name}' is in a file named '{stem}{Extension}'",
                $"name the file '{name}{Extension}'");
        }

        return name;
    }

    private long? Rate()
    {
        YamlScalar? rate = _reader.Scalar("rate", "a size a second such as 20MB");
        if (rate is null)
        {
            return null;
        }

        if (SizeText.TryParse(rate.Text, out long bytes) && bytes >= RateMin)
        {
            return bytes;
        }

        _reader.Mistake(rate, $"'rate' is '{rate.Text}'", "write bytes a second, 64KB or more, such as 20MB");
        return null;
    }

    private ImmutableArray<SourceShard> Shards()
    {
        YamlNode? node = _reader.Find("shards");
        if (node is null)
        {
            return [new SourceShard("", _kind.Read(new ConnectionReader(_reader)))];
        }

        if (node is not YamlSequence { Items.Length: > 0 } list)
        {
            _reader.Mistake(
                node, $"'shards' of the source holds {node.Kind}", "write a list of - {shard: kr1, host: db1}");
            return [];
        }

        ImmutableArray<SourceShard>.Builder shards = ImmutableArray.CreateBuilder<SourceShard>();
        foreach (YamlNode item in list.Items)
        {
            if (item is not YamlMapping mapping)
            {
                _reader.Mistake(item, $"a shard is {item.Kind}", "write it as - {shard: kr1, host: db1}");
                continue;
            }

            YamlReader reader = new(
                _reader.File, mapping, ["shard", .. _kind.Keys], "a shard of the source", _reader.Mistakes);
            string name = reader.RequiredText("shard", "name it: its rows carry the name in _shard") ?? "";
            if (shards.Any(shard => shard.Name == name))
            {
                reader.Mistake(mapping, $"two shards are called '{name}'", "give one of them another name");
            }

            shards.Add(new SourceShard(name, _kind.Read(new ConnectionReader(reader, _reader))));
            reader.End();
        }

        return shards.ToImmutable();
    }
}
