using System.Collections.Immutable;
using System.Globalization;
using System.Text.RegularExpressions;
using Naru.Configuration;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Core.Text;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Sources;

/// <summary>Reads one file of `sources/` (reference: docs/sources.md).</summary>
internal sealed partial class SourceFile
{
    public const string Extension = ".yaml";

    public static readonly ImmutableArray<string> Keys =
    [
        "source", "kind", "host", "port", "database", "user", "password", "tls", "tls_authorities", "zone",
        "description", "owner", "every", "schedule", "start", "retries", "retry_after", "parallel", "chunk_rows",
        "rate", "connect_timeout", "statement_timeout", "schema_changes", "empty", "shards", "tables",
    ];

    private static readonly ImmutableArray<string> ShardKeys = ["shard", "host", "port", "database"];
    private const int ParallelMax = 64;
    private const long ChunkRowsMin = 1_000;
    private const long ChunkRowsMax = 1_000_000_000;
    private const long RateMin = 64 << 10;
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromDays(1);

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

        YamlReader reader = new(file.Path, root, Keys, "the source", mistakes);
        string? name = reader.RequiredText("kind", $"write one of {string.Join(", ", kinds.Names)}");
        if (name is null || kinds.Find(name) is not { } kind)
        {
            if (name is not null)
            {
                string? near = NearestName.Find(name, kinds.Names);
                reader.Mistake(
                    reader.Find("kind")!,
                    $"there is no kind of source '{name}'",
                    near is null ? $"kinds: {string.Join(", ", kinds.Names)}" : $"did you mean '{near}'?");
            }

            return null;
        }

        SourceDefinition source = new SourceFile(reader, kind, zone).Source(name);
        reader.End();
        return mistakes.Count == before ? source : null;
    }

    private SourceDefinition Source(string kindName)
    {
        SourceDefinition source = new()
        {
            Name = Name(),
            KindName = kindName,
            Kind = _kind,
            Description = _reader.Text("description") ?? "",
            Owner = _reader.Text("owner") ?? "",
            User = _reader.RequiredText("user", "write the name of a user that may only read") ?? "",
            Password = Password(),
            Tls = _reader.Word("tls", "verify", "require", "off") switch
            {
                "require" => SourceTls.Require,
                "off" => SourceTls.Off,
                _ => SourceTls.Verify,
            },
            TlsAuthorities = _reader.Text("tls_authorities") ?? "",
            Zone = Zone(),
            ConnectTimeout = Duration("connect_timeout", TimeSpan.FromSeconds(15), TimeSpan.FromMinutes(10)),
            StatementTimeout = Duration("statement_timeout", TimeSpan.FromMinutes(30), TimeoutMax),
            Parallel = (int)Number("parallel", 1, ParallelMax, 2),
            ChunkRows = Number("chunk_rows", ChunkRowsMin, ChunkRowsMax, 1_000_000),
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

    /// <summary>Never repeats what is there: it may be the password itself.</summary>
    private string Password()
    {
        YamlScalar? password = _reader.Scalar("password", "env:NAME or file:PATH");
        if (password is not null && SecretReference.Fault(password.Text) is { } fault)
        {
            _reader.Mistake(
                password,
                $"'password' of the source: {fault}",
                "keep the password itself out of files: write env:NAME or file:PATH");
            return "";
        }

        return password?.Text ?? "";
    }

    private string Zone()
    {
        YamlScalar? zone = _reader.Scalar("zone", "a time zone such as Asia/Seoul or UTC");
        if (zone is not null && !TimeZoneInfo.TryFindSystemTimeZoneById(zone.Text, out _))
        {
            _reader.Mistake(zone, $"there is no time zone '{zone.Text}'", "write one such as Asia/Seoul or UTC");
        }

        return zone?.Text ?? "";
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
            return [Shard(_reader, "")];
        }

        if (node is not YamlSequence { Items.Length: > 0 } list)
        {
            _reader.Mistake(
                node, $"'shards' of the source holds {node.Kind}", "write a list of - {shard: kr1, host: db1}");
            return [new SourceShard("", "", 0, "")];
        }

        ImmutableArray<SourceShard>.Builder shards = ImmutableArray.CreateBuilder<SourceShard>();
        foreach (YamlNode item in list.Items)
        {
            if (item is not YamlMapping mapping)
            {
                _reader.Mistake(item, $"a shard is {item.Kind}", "write it as - {shard: kr1, host: db1}");
                continue;
            }

            YamlReader reader = new(_reader.File, mapping, ShardKeys, "a shard", _reader.Mistakes);
            string name = reader.RequiredText("shard", "name it: its rows carry the name in _shard") ?? "";
            if (shards.Any(shard => shard.Name == name))
            {
                reader.Mistake(mapping, $"two shards are called '{name}'", "give one of them another name");
            }

            shards.Add(Shard(reader, name));
            reader.End();
        }

        return shards.Count == 0 ? [new SourceShard("", "", 0, "")] : shards.ToImmutable();
    }

    /// <summary>What a shard does not say is the source's.</summary>
    private SourceShard Shard(YamlReader reader, string name)
    {
        YamlReader HolderOf(string key) => reader.Find(key) is null ? _reader : reader;
        YamlReader hosts = HolderOf("host");
        string host = hosts.RequiredText("host", "write the server's name or address") ?? "";
        if (host.Length > 0 && !Hosts().IsMatch(host))
        {
            hosts.Mistake(
                hosts.Find("host")!,
                $"'host' is '{host}', which is no name or address",
                "write one host, without port");
        }

        YamlReader databases = HolderOf("database");
        string database = databases.RequiredText("database", "write the database that the tables are in") ?? "";
        int port = _kind.DefaultPort;
        YamlReader ports = HolderOf("port");
        if (ports.Scalar("port", "a number") is { } text
            && !(int.TryParse(text.Text, NumberStyles.None, CultureInfo.InvariantCulture, out port)
                && port is > 0 and <= ushort.MaxValue))
        {
            ports.Mistake(text, $"'port' is '{text.Text}'", "write a number from 1 to 65535");
        }

        return new SourceShard(name, host, port, database);
    }

    private long Number(string key, long least, long most, long otherwise)
    {
        YamlScalar? scalar = _reader.Scalar(key, "a whole number");
        if (scalar is null)
        {
            return otherwise;
        }

        if (long.TryParse(scalar.Text, NumberStyles.None, CultureInfo.InvariantCulture, out long number)
            && number >= least && number <= most)
        {
            return number;
        }

        _reader.Mistake(scalar, $"'{key}' is '{scalar.Text}'", $"write a whole number from {least} to {most}");
        return otherwise;
    }

    private TimeSpan Duration(string key, TimeSpan otherwise, TimeSpan most)
    {
        TimeSpan? duration = _reader.Duration(key, unlimited: false).Value;
        if (duration is { } known && (known < TimeSpan.FromSeconds(1) || known > most))
        {
            _reader.Mistake(
                _reader.Find(key)!,
                $"'{key}' is {DurationText.Format(known)}",
                $"write a duration from 1s to {DurationText.Format(most)}");
        }

        return duration ?? otherwise;
    }

    /// <summary>One host and nothing that a driver could take for more: no comma, no `=`, no `;`.</summary>
    [GeneratedRegex(@"^(/[A-Za-z0-9_./-]*|[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?|[0-9A-Fa-f:.]+)$")]
    private static partial Regex Hosts();
}
