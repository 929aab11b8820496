using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Configuration;
using Naru.Connections;
using Naru.Lake.Columns;
using Naru.Yaml;

namespace Naru.Sources.Singer;

/// <summary>
/// Any tap of Singer, as a process: it writes what it has to its standard output, a line of JSON each
/// (https://hub.meltano.com/singer/spec). A stream is a table; a snapshot is one run.
/// </summary>
/// <param name="commands">That may be run, each as a whole with its arguments.</param>
internal sealed class SingerKind(ImmutableArray<string> commands) : ISourceKind
{
    private static readonly TimeSpan TimeoutMax = TimeSpan.FromDays(1);

    public ImmutableArray<string> Names => ["singer"];

    public ImmutableArray<string> Keys => ["command", "config", "timeout"];

    public ImmutableArray<string> TableKeys => ["state", "full_every", "replication_key", "with"];

    public bool HasParts => false;

    public bool HasCursor => false;

    public bool RepeatsRows => true;

    public SourcePlace Read(ConnectionReader reader)
    {
        ImmutableArray<string> command = Command(reader);
        ImmutableArray<string>.Builder secrets = ImmutableArray.CreateBuilder<string>();
        YamlReader of = reader.Of("config");
        JsonObject config = [];
        foreach (YamlEntry entry in of.Keys("config", "{api_key: env:API_KEY}")?.Entries ?? [])
        {
            config[entry.Key.Text] = Value(of, entry.Key.Text, entry.Value, secrets);
        }

        return new SingerPlace
        {
            Command = command,
            Config = config.ToJsonString(),
            References = secrets.ToImmutable(),
            Timeout = reader.Duration("timeout", TimeoutMax) ?? TimeSpan.FromHours(2),
        };
    }

    public SourceTableOptions ReadTable(YamlReader reader) => new SingerTableOptions
    {
        KeepsState = reader.Word("state", "none", "keep") == "keep",
        ReplicationKey = reader.Text("replication_key") ?? "",
        With = [.. (reader.Texts("with", single: true) ?? []).Select(static text => text.Text)],
    };

    public ISourceServer Open(SourceOpening opening)
    {
        SingerPlace place = (SingerPlace)opening.Place;
        return Fault(place.Command) is { } fault
            ? throw new SourceException($"source {opening.Source}: {fault}; {Mend(place.Command)}")
            : new SingerSource(SingerJob.Of(place, opening));
    }

    /// <summary>Where the tap says what a value is, only text and JSON are something else; numbers are exact.</summary>
    public SourceColumn? ReadAs(SourceColumn column, ColumnType type) =>
        column.Type == type ? column
        : column.Form == (int)SingerForm.Property
            && type.Kind is ColumnKind.String or ColumnKind.Json or ColumnKind.Decimal
            ? column with { Type = type, Note = "" } : null;

    private ImmutableArray<string> Command(ConnectionReader reader)
    {
        YamlReader of = reader.Of("command");
        if (of.Find("command") is not { } node)
        {
            of.Mistake(of.Mapping, "the source has no 'command'", "write the tap's program: command: [tap-github]");
            return [];
        }

        // A single text is what one types: words between blanks.
        ImmutableArray<string> command = node is YamlScalar { IsNull: false } typed
            ? [.. Words(typed.Text)]
            : [.. (of.Texts("command", single: false) ?? []).Select(static each => each.Text)];
        if (command.Length > 0 && Fault(command) is { } fault)
        {
            of.Mistake(node, fault, Mend(command));
        }

        return command;
    }

    /// <summary>Word for word: one word with a blank in it is not the same program as two words.</summary>
    private string? Fault(ImmutableArray<string> command) =>
        commands.Any(allowed => Words(allowed).SequenceEqual(command, StringComparer.Ordinal))
            ? null : $"the command '{string.Join(' ', command)}' is none that this server may run";

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);

    private static string Mend(ImmutableArray<string> command) =>
        command.Any(static word => word.Length == 0 || word.Contains(' ', StringComparison.Ordinal))
        ? "an empty word, and one with a blank in it, cannot be allowed: write each word by itself, or allow a script "
            + "that holds the command"
        : "who runs the server allows it in naru.yaml: sources: {singer_commands: [\""
        + JsonEncodedText.Encode(string.Join(' ', command), JavaScriptEncoder.UnsafeRelaxedJsonEscaping) + "\"]}";

    private static JsonNode? Value(
        YamlReader of, string key, YamlNode node, ImmutableArray<string>.Builder secrets)
    {
        switch (node)
        {
            case YamlMapping mapping:
                JsonObject inner = [];
                foreach (YamlEntry entry in mapping.Entries)
                {
                    inner[entry.Key.Text] = Value(of, entry.Key.Text, entry.Value, secrets);
                }

                return inner;
            case YamlSequence list:
                return new JsonArray([.. list.Items.Select(item => Value(of, key, item, secrets))]);
            default:
                return Scalar(of, key, (YamlScalar)node, secrets);
        }
    }

    private static JsonNode? Scalar(
        YamlReader of, string key, YamlScalar scalar, ImmutableArray<string>.Builder secrets)
    {
        if (SingerPlace.IsReference(scalar.Text))
        {
            if (SecretReference.Fault(scalar.Text) is { } fault)
            {
                of.Mistake(scalar, $"'{key}' of 'config': {fault}", "write env:NAME or file:PATH");
            }

            secrets.Add(scalar.Text);
            return scalar.Text;
        }

        if (IsSecret(key) && !scalar.IsNull)
        {
            // Never repeated: it may be the secret itself.
            of.Mistake(
                scalar,
                $"'{key}' of 'config' is no reference to a secret",
                "keep secrets out of files: write env:NAME or file:PATH");
            return null;
        }

        return scalar switch
        {
            { IsNull: true } => null,
            { Quoted: true } => scalar.Text,
            { Text: "true" or "false" } => scalar.Text == "true",
            _ when long.TryParse(
                scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole)
                && whole.ToString(CultureInfo.InvariantCulture) == scalar.Text => whole,
            _ when double.TryParse(
                scalar.Text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint,
                CultureInfo.InvariantCulture, out double real)
                && real.ToString(CultureInfo.InvariantCulture) == scalar.Text => real,
            _ => scalar.Text,
        };
    }

    private static bool IsSecret(string key)
    {
        string name = key.ToLowerInvariant().Replace("-", "_", StringComparison.Ordinal);
        return name.EndsWith("password", StringComparison.Ordinal) || name.EndsWith("passwd", StringComparison.Ordinal)
            || name.EndsWith("secret", StringComparison.Ordinal) || name.EndsWith("token", StringComparison.Ordinal)
            || name.EndsWith("api_key", StringComparison.Ordinal) || name.EndsWith("apikey", StringComparison.Ordinal)
            || name.EndsWith("private_key", StringComparison.Ordinal);
    }
}

/// <summary>A tap, and what it is told.</summary>
internal sealed record SingerPlace : SourcePlace
{
    public required ImmutableArray<string> Command { get; init; }

    /// <summary>JSON, with references in the place of secrets.</summary>
    public required string Config { get; init; }

    public required ImmutableArray<string> References { get; init; }

    /// <summary>Of one run.</summary>
    public required TimeSpan Timeout { get; init; }

    public override string Label => string.Join(' ', Command);

    public override ImmutableArray<string> Secrets => References;

    /// <summary>`env:` or `file:`; an address of a file (`file://…`) is a value.</summary>
    public static bool IsReference(string text) =>
        text.StartsWith("env:", StringComparison.Ordinal)
        || (text.StartsWith("file:", StringComparison.Ordinal)
            && !text.StartsWith("file://", StringComparison.Ordinal));

    public bool Equals(SingerPlace? other) =>
        other is not null && Command.SequenceEqual(other.Command) && Config == other.Config && Timeout == other.Timeout;

    public override int GetHashCode() => HashCode.Combine(Config, Timeout);
}

/// <summary>What the file says of a stream.</summary>
internal sealed record SingerTableOptions : SourceTableOptions
{
    /// <summary>The tap is told where its last run ended, and gives what changed since.</summary>
    public bool KeepsState { get; init; }

    /// <summary>A property that grows, for a tap that lets one choose it; empty for the tap's own.</summary>
    public string ReplicationKey { get; init; } = "";

    /// <summary>Streams that are chosen with it, for a tap that needs them; their records are not kept.</summary>
    public ImmutableArray<string> With { get; init; } = [];

    public override bool IsIncremental => KeepsState;

    public bool Equals(SingerTableOptions? other) =>
        other is not null && KeepsState == other.KeepsState && ReplicationKey == other.ReplicationKey
        && With.SequenceEqual(other.With);

    public override int GetHashCode() => HashCode.Combine(KeepsState, ReplicationKey, With.Length);
}
