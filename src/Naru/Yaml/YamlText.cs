using System.Collections.Immutable;
using System.Text;
using System.Text.RegularExpressions;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Naru.Yaml;

/// <summary>
/// Reads a YAML file into nodes with their places. A subset on purpose: one document, a mapping at its root, no
/// anchors,
/// aliases or tags (they hide what a file says, and alias bombs), keys are plain text, nothing twice.
/// </summary>
internal sealed partial class YamlText
{
    public const int BytesMax = 1 << 20;
    private const int DepthMax = 20;

    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);

    private readonly string _file;
    private readonly MistakeList _mistakes;
    private readonly IParser _parser;
    private Mark _last;

    private YamlText(string file, string text, MistakeList mistakes)
    {
        _file = file;
        _mistakes = mistakes;
        string shielded = TypeWithPunctuation().Replace(text, static match => Shield(match.Value));
        _parser = new Parser(new StringReader(shielded));
    }

    /// <summary>
    /// Types that people write bare between braces, `{type: decimal(18,6)}` and `{type: string[]}`, where YAML would
    /// cut them at the comma or bracket. Each such character is exchanged for a noncharacter of the same length, so
    /// that
    /// places stay true, and put back in <see cref="Scalar"/>.
    /// </summary>
    [GeneratedRegex(@"\bdecimal\(\s*\d+\s*,\s*\d+\s*\)|\bstring\[\]")]
    private static partial Regex TypeWithPunctuation();

    private static string Shield(string type) =>
        type.Replace(',', '\uFDD0').Replace('[', '\uFDD1').Replace(']', '\uFDD2');

    private static string Unshield(string text) =>
        text.Replace('\uFDD0', ',').Replace('\uFDD1', '[').Replace('\uFDD2', ']');

    /// <summary>
    /// The root mapping (without keys for an empty file), or null after a mistake that leaves nothing to read.
    /// </summary>
    public static YamlMapping? Parse(string file, ReadOnlySpan<byte> utf8, MistakeList mistakes)
    {
        if (utf8.Length > BytesMax)
        {
            mistakes.Add(new Mistake(file, $"has more than {BytesMax} bytes", "split it"));
            return null;
        }

        ReadOnlySpan<byte> text = utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        try
        {
            return Parse(file, StrictUtf8.GetString(text), mistakes);
        }
        catch (DecoderFallbackException)
        {
            mistakes.Add(new Mistake(file, "is not UTF-8 text", "save it as UTF-8"));
            return null;
        }
    }

    public static YamlMapping? Parse(string file, string text, MistakeList mistakes)
    {
        YamlText reader = new(file, text, mistakes);
        try
        {
            return reader.Document();
        }
        catch (YamlException exception)
        {
            reader.Unreadable(exception.Start, Plain(exception));
        }
        catch (Exception exception)
            when (exception is InvalidOperationException or ArgumentException or IndexOutOfRangeException)
        {
            // YamlDotNet's scanner throws these on some broken texts, without a place: the last good one is near.
            reader.Unreadable(reader._last, "the syntax breaks near here");
        }

        return null;
    }

    private void Unreadable(in Mark mark, string reason) => _mistakes.Add(new Mistake(
        _file,
        (int)Math.Max(1, mark.Line),
        (int)Math.Max(1, mark.Column),
        $"cannot be read as YAML: {reason}",
        "mend the syntax; a value with ':' or '#' in it needs quotes, indentation is spaces"));

    private static string Plain(YamlException exception)
    {
        string message = exception.Message;
        int inner = message.IndexOf("): ", StringComparison.Ordinal);
        message = message.StartsWith('(') && inner > 0 ? message[(inner + 3)..] : message;
        message = message.TrimEnd('.', ' ');
        return message.Length == 0 ? "bad syntax" : char.ToLowerInvariant(message[0]) + message[1..];
    }

    private YamlMapping? Document()
    {
        _parser.Consume<StreamStart>();
        if (!_parser.TryConsume<DocumentStart>(out _))
        {
            return new YamlMapping([], 1, 1);
        }

        YamlNode root = Node(0);
        _parser.Consume<DocumentEnd>();
        if (!_parser.TryConsume<StreamEnd>(out _))
        {
            Mark mark = _parser.Current!.Start;
            _mistakes.Add(new Mistake(
                _file, (int)mark.Line, (int)mark.Column, "holds a second document", "keep one document a file"));
        }

        if (root is YamlMapping mapping)
        {
            return mapping;
        }

        _mistakes.Add(_file, root, $"holds {root.Kind}, not keys", "write 'key: value' lines");
        return null;
    }

    private YamlNode Node(int depth)
    {
        ParsingEvent current = _parser.Current!;
        _last = current.Start;
        if (depth > DepthMax)
        {
            throw new YamlException(current.Start, current.End, $"nested deeper than {DepthMax}");
        }

        if (current is NodeEvent { Anchor.IsEmpty: false } or AnchorAlias)
        {
            throw new YamlException(current.Start, current.End, "anchors and aliases are not used here");
        }

        if (current is NodeEvent { Tag: { IsEmpty: false } tag })
        {
            throw new YamlException(current.Start, current.End, $"the tag '{tag.Value}' is not used here");
        }

        return current switch
        {
            MappingStart start => Mapping(start, depth),
            SequenceStart start => Sequence(start, depth),
            _ => Scalar(),
        };
    }

    private YamlScalar Scalar()
    {
        Scalar scalar = _parser.Consume<Scalar>();
        return new YamlScalar(
            Unshield(
                scalar.Value), scalar.Style != ScalarStyle.Plain, (int)scalar.Start.Line, (int)scalar.Start.Column);
    }

    private YamlMapping Mapping(MappingStart start, int depth)
    {
        _parser.Consume<MappingStart>();
        Dictionary<string, YamlScalar> seen = new(StringComparer.Ordinal);
        ImmutableArray<YamlEntry>.Builder entries = ImmutableArray.CreateBuilder<YamlEntry>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            YamlNode key = Node(depth + 1);
            YamlNode value = Node(depth + 1);
            if (key is not YamlScalar name)
            {
                _mistakes.Add(_file, key, $"the key is {key.Kind}", "a key is plain text");
            }
            else if (!seen.TryAdd(name.Text, name))
            {
                _mistakes.Add(
                    _file,
                    key,
                    $"the key '{name.Text}' is given twice",
                    $"keep this one or that of line {seen[name.Text].Line}");
            }
            else
            {
                entries.Add(new YamlEntry(name, value));
            }
        }

        return new YamlMapping(entries.ToImmutable(), (int)start.Start.Line, (int)start.Start.Column);
    }

    private YamlSequence Sequence(SequenceStart start, int depth)
    {
        _parser.Consume<SequenceStart>();
        ImmutableArray<YamlNode>.Builder items = ImmutableArray.CreateBuilder<YamlNode>();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            items.Add(Node(depth + 1));
        }

        return new YamlSequence(items.ToImmutable(), (int)start.Start.Line, (int)start.Start.Column);
    }
}
