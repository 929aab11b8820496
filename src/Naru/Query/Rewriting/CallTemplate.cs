using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json.Nodes;
using Naru.Query.Functions.Scalars;

namespace Naru.Query.Rewriting;

/// <summary>
/// What a call is put as: `outer(@inner($1, $2))`. $1 … are the call's arguments and $* all of them; `$2~pair` is the
/// argument (x, y) -> … as a lambda of one pair, `~mysql` and `~joda` a format of dates as strftime has it; 'text'
/// and whole numbers are constants, [](a, b) is a[b]. What belongs to the call
/// besides, FILTER, DISTINCT, ORDER BY and OVER, goes to the function marked with @.
/// </summary>
internal sealed class CallTemplate
{
    private const string Pair = "naru_pair";
    private const string Subscript = "[]";

    private static readonly ConcurrentDictionary<string, CallTemplate> Parsed = new(StringComparer.Ordinal);

    private readonly string _text;
    private readonly Node _root;
    private int _position;

    private CallTemplate(string text)
    {
        _text = text;
        _root = Read();
        Aggregates = text.Contains('@', StringComparison.Ordinal);
    }

    private enum NodeKind
    {
        Call,
        Argument,
        AllArguments,
        Text,
        Number,
    }

    /// <summary>It takes calls with OVER, FILTER, DISTINCT and ORDER BY.</summary>
    public bool Aggregates { get; }

    public static CallTemplate Of(string text) => Parsed.GetOrAdd(text, static text => new CallTemplate(text));

    /// <summary>Null when the call has not the arguments, or more to it than the template can keep.</summary>
    public JsonObject? Apply(JsonObject call)
    {
        JsonArray given = SyntaxNodes.Children(call);
        if (HighestArgument(_root) > given.Count || (!Aggregates && HasMore(call)))
        {
            return null;
        }

        return (JsonObject)Make(_root, call).Single()!;
    }

    private static bool HasMore(JsonObject call) =>
        SyntaxNodes.ClassOf(call) == "WINDOW"
        || call["filter"] is not null
        || call["distinct"]?.GetValue<bool>() == true
        || call["order_bys"]?["orders"] is JsonArray { Count: > 0 };

    private static int HighestArgument(Node node) => node.Kind == NodeKind.Argument
        ? int.Parse(node.Value, System.Globalization.CultureInfo.InvariantCulture)
        : node.Arguments.Select(HighestArgument).DefaultIfEmpty(0).Max();

    private static IEnumerable<JsonNode?> Make(Node node, JsonObject call)
    {
        ulong location = SyntaxNodes.LocationOf(call);
        switch (node.Kind)
        {
            case NodeKind.AllArguments:
                return SyntaxNodes.Children(call).Select(static argument => argument!.DeepClone());
            case NodeKind.Argument:
                int index = int.Parse(node.Value, System.Globalization.CultureInfo.InvariantCulture) - 1;
                JsonNode argument = SyntaxNodes.Children(call)[index]!.DeepClone();
                return [Changed(argument, node.Mode)];
            case NodeKind.Text:
                return [SyntaxNodes.Constant("VARCHAR", node.Value, location)];
            case NodeKind.Number:
                int number = int.Parse(node.Value, System.Globalization.CultureInfo.InvariantCulture);
                return [SyntaxNodes.Constant("INTEGER", number, location)];
        }

        JsonNode?[] arguments = [.. node.Arguments.SelectMany(child => Make(child, call))];
        if (node.Value == Subscript)
        {
            return [SyntaxNodes.Operator("ARRAY_EXTRACT", location, arguments)];
        }

        if (node.Mode.Length == 0)
        {
            return [SyntaxNodes.Call(node.Value, location, arguments)];
        }

        JsonObject inner = (JsonObject)call.DeepClone();
        inner["function_name"] = node.Value;
        inner["alias"] = "";
        inner["children"] = new JsonArray(arguments);
        return [inner];
    }

    private static JsonNode Changed(JsonNode argument, string mode) => mode switch
    {
        "pair" => PairLambda(argument),
        "mysql" => Constant(argument, TimeFormats.OfMySql),
        "joda" => Constant(argument, TimeFormats.OfJoda),
        _ => argument,
    };

    /// <summary>Of a constant text another one; anything else as it is, for the engine to refuse.</summary>
    private static JsonNode Constant(JsonNode argument, Func<string, string> change)
    {
        if (argument is JsonObject constant
            && SyntaxNodes.ClassOf(constant) == "CONSTANT"
            && constant["value"]?["value"] is JsonValue value && value.TryGetValue(out string? text))
        {
            constant["value"]!["value"] = change(text);
        }

        return argument;
    }

    /// <summary>(x, y) -> f(x, y) as p -> f(p[1], p[2]); anything else as it is.</summary>
    private static JsonNode PairLambda(JsonNode argument)
    {
        if (argument is not JsonObject lambda
            || SyntaxNodes.ClassOf(lambda) != "LAMBDA"
            || lambda["lhs"] is not JsonObject left
            || SyntaxNodes.ClassOf(left) != "FUNCTION"
            || SyntaxNodes.Children(left) is not { Count: 2 } parameters)
        {
            return argument;
        }

        ulong location = SyntaxNodes.LocationOf(lambda);
        string pair = $"{Pair}_{Depth(lambda)}";
        for (int i = 0; i < parameters.Count; i++)
        {
            string name = ((JsonObject)parameters[i]!)["column_names"]![0]!.GetValue<string>();
            int place = i + 1;
            lambda["expr"] = Substitute(lambda["expr"]!, name, () => SyntaxNodes.Call(
                "array_extract",
                location,
                SyntaxNodes.Column(pair, location),
                SyntaxNodes.Constant("INTEGER", place, location)));
        }

        lambda["lhs"] = SyntaxNodes.Column(pair, location);
        return lambda;
    }

    /// <summary>Lambdas below and with this one: inner pairs need names of their own.</summary>
    private static int Depth(JsonNode? node) => node switch
    {
        JsonObject part => part.Select(static property => Depth(property.Value)).DefaultIfEmpty(0).Max()
            + (SyntaxNodes.ClassOf(part) == "LAMBDA" ? 1 : 0),
        JsonArray list => list.Select(Depth).DefaultIfEmpty(0).Max(),
        _ => 0,
    };

    private static JsonNode Substitute(JsonNode node, string name, Func<JsonNode> value)
    {
        switch (node)
        {
            case JsonObject part when SyntaxNodes.ClassOf(part) == "COLUMN_REF"
                && part["column_names"] is JsonArray { Count: 1 } names
                && Gate.SqlName.Same(names[0]!.GetValue<string>(), name):
                return value();
            case JsonObject part when SyntaxNodes.ClassOf(part) == "LAMBDA" && Binds(part["lhs"], name):
                return part;
            case JsonObject part:
                foreach (string property in part.Select(static one => one.Key).ToArray())
                {
                    if (part[property] is JsonNode child and (JsonObject or JsonArray)
                        && Substitute(child, name, value) is JsonNode changed && !ReferenceEquals(changed, child))
                    {
                        part[property] = changed;
                    }
                }

                return part;
            case JsonArray list:
                for (int i = 0; i < list.Count; i++)
                {
                    if (list[i] is JsonNode child
                        && Substitute(child, name, value) is JsonNode changed && !ReferenceEquals(changed, child))
                    {
                        list[i] = changed;
                    }
                }

                return list;
            default:
                return node;
        }
    }

    private static bool Binds(JsonNode? left, string name) => left is JsonObject part
        && (SyntaxNodes.ClassOf(part) == "COLUMN_REF"
            ? Gate.SqlName.Same(part["column_names"]![0]!.GetValue<string>(), name)
            : SyntaxNodes.Children(part).Any(child => Binds(child, name)));

    private Node Read()
    {
        Skip();
        char first = _text[_position];
        if (first == '$')
        {
            _position++;
            string which = Word();
            if (which == "*")
            {
                return new Node(NodeKind.AllArguments, "", "", []);
            }

            string mode = "";
            if (_position < _text.Length && _text[_position] == '~')
            {
                _position++;
                mode = Word();
            }

            return new Node(NodeKind.Argument, which, mode, []);
        }

        if (first == '\'')
        {
            int end = _text.IndexOf('\'', _position + 1);
            string text = _text[(_position + 1)..end];
            _position = end + 1;
            return new Node(NodeKind.Text, text, "", []);
        }

        bool marked = first == '@';
        _position += marked ? 1 : 0;
        string word = Word();
        if (word.All(char.IsAsciiDigit))
        {
            return new Node(NodeKind.Number, word, "", []);
        }

        List<Node> arguments = [];
        Expect('(');
        while (_text[_position] != ')')
        {
            arguments.Add(Read());
            Skip();
            if (_text[_position] == ',')
            {
                _position++;
            }
        }

        Expect(')');
        return new Node(NodeKind.Call, word, marked ? "@" : "", arguments);
    }

    private string Word()
    {
        int start = _position;
        while (_position < _text.Length && _text[_position] is not ('(' or ')' or ',' or ' ' or '~'))
        {
            _position++;
        }

        return _text[start.._position];
    }

    private void Skip()
    {
        while (_text[_position] == ' ')
        {
            _position++;
        }
    }

    private void Expect(char character)
    {
        Skip();
        if (_text[_position++] != character)
        {
            throw new UnreachableException($"\"{_text}\" is no template");
        }
    }

    /// <param name="Value">A function's name, an argument's number, or a constant.</param>
    /// <param name="Mode">@ of a call, what stands after ~ of an argument.</param>
    private sealed record Node(NodeKind Kind, string Value, string Mode, IReadOnlyList<Node> Arguments);
}
