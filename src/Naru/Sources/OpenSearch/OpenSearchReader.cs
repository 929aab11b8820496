using System.Buffers;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Naru.Core;
using Naru.Lake.Columns;
using Naru.Sources.Json;

namespace Naru.Sources.OpenSearch;

/// <summary>
/// Puts documents into columns. A value is the document's own; only times come as the server reads them, for their
/// formats are the mapping's. Any field of a document may be a list: one value in it is that value, as it is to the
/// server; more of them are none that a column of one value can hold, so the read fails and names all such fields of
/// the page. Used by one read.
/// </summary>
internal sealed class OpenSearchReader
{
    private const int ShownBytesMax = 80;
    private const int ListsNamedMax = 20;
    private const int NameCharsMax = 512;

    private readonly SourceRead _read;
    private readonly Node _root = new("");
    private readonly OpenSearchForm[] _forms;
    private readonly JsonValues _values = new(takesTexts: true);
    private readonly ArrayBufferWriter<byte> _unmapped = new();
    private readonly SortedSet<string> _lists = new(StringComparer.Ordinal);
    private readonly bool[] _hasTime;

    /// <summary>The file says `text` of what is something else: then a list or an object is its text, too.</summary>
    private readonly bool[] _isDeclaredText;

    private readonly bool _keepsUnmapped;
    private string _listsIn = "";
    private ColumnBatch _batch = null!;
    private int _row;
    private JsonElement _hit;

    public OpenSearchReader(SourceRead read)
    {
        _read = read;
        _forms = [.. read.Columns.Select(static column => (OpenSearchForm)column.Form)];
        _hasTime = new bool[_forms.Length];
        _isDeclaredText = new bool[_forms.Length];
        _keepsUnmapped = _forms.Contains(OpenSearchForm.Unmapped);
        foreach (SourceColumn field in read.Table.Columns.Where(static column => IsField(column.Form)))
        {
            _root.Make(field.Name).IsField = true;
        }

        for (int i = 0; i < _forms.Length; i++)
        {
            if (IsField(read.Columns[i].Form))
            {
                SourceColumn? own = read.Table.Columns.FirstOrDefault(each => each.Name == read.Columns[i].Name);
                _isDeclaredText[i] = read.Columns[i].Type.Kind == ColumnKind.String && own?.Type != ColumnType.String;
                _root.Make(read.Columns[i].Name).Fill(i, isWhole: own is null);
            }
        }

        _root.Count();
    }

    /// <summary>Fields that the documents are asked for; null for all of them.</summary>
    public IReadOnlyList<string>? SourceFields => _keepsUnmapped || _forms.Contains(OpenSearchForm.Source)
        ? null
        : [.. _read.Columns.Where(static column => IsField(column.Form)).Select(static column => column.Name)];

    /// <summary>Fields that the server is to read itself, with the format that it is to give.</summary>
    public IEnumerable<(string Field, string? Format)> ServerFields => _read.Columns
        .Where(static column => IsServers((OpenSearchForm)column.Form))
        .Select(static column => (column.Name, (OpenSearchForm)column.Form switch
        {
            OpenSearchForm.Time => "epoch_millis",
            OpenSearchForm.Nanoseconds => "strict_date_optional_time_nanos",
            _ => null,
        }));

    /// <summary>Appends a document to a batch as its row with this number; gives about its bytes.</summary>
    public long Append(ColumnBatch batch, int row, JsonElement hit)
    {
        _batch = batch;
        _row = row;
        _hit = hit;
        ReadOnlySpan<byte> source = hit.TryGetProperty(OpenSearchTypes.Source, out JsonElement whole)
            ? JsonMarshal.GetRawUtf8Value(whole) : default;
        Array.Clear(_hasTime);
        _unmapped.ResetWrittenCount();
        if (!source.IsEmpty && whole.ValueKind == JsonValueKind.Object)
        {
            Utf8JsonReader json = Reader(source);
            json.Read();
            Walk(_root, ref json, source);
        }
        else if (SourceFields is not { Count: 0 })
        {
            throw new SourceException(
                $"{_read.Table.Name}: the document {Id()} comes without its _source, which the columns are read from");
        }

        AppendRest(hit, source);
        return source.Length;
    }

    /// <summary>Throws where documents since the last call had lists in columns of one value.</summary>
    public void CheckLists()
    {
        if (_lists.Count == 0)
        {
            return;
        }

        string some = string.Join(", ", _lists.Take(ListsNamedMax));
        string mend = string.Join(", ", _lists.Take(ListsNamedMax).Select(static path => $"{path}: json"));
        throw new SourceException(
            $"{_read.Table.Name} has documents with several values in {some} (the first is {_listsIn}), which a column "
            + $"of one value cannot hold; read them as JSON: `types: {{{mend}}}` of the table in the source's file");
    }

    private static bool IsField(int form) => (OpenSearchForm)form is OpenSearchForm.Value or OpenSearchForm.Time
        or OpenSearchForm.Nanoseconds or OpenSearchForm.Constant;

    private static bool IsServers(OpenSearchForm form) =>
        form is OpenSearchForm.Time or OpenSearchForm.Nanoseconds or OpenSearchForm.Constant;

    /// <summary>Takes an object's members; the reader stands at its start, and after it at its end.</summary>
    private void Walk(Node node, ref Utf8JsonReader json, ReadOnlySpan<byte> whole)
    {
        Span<char> name = stackalloc char[NameCharsMax];
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            ReadOnlySpan<byte> raw = json.ValueSpan;
            Node? child = raw.Length > NameCharsMax || !TryName(ref json, name, out int length)
                ? null : node.Find(name[..length]);
            json.Read();
            if (child is null)
            {
                Keep(node, raw, JsonValues.Raw(ref json, whole));
            }
            else
            {
                Take(child, ref json, whole);
            }
        }
    }

    private void Take(Node node, ref Utf8JsonReader json, ReadOnlySpan<byte> whole)
    {
        if (node.IsField && !(node.HasBelow && json.TokenType == JsonTokenType.StartObject))
        {
            TakeValue(node, ref json, whole);
            return;
        }

        switch (json.TokenType)
        {
            case JsonTokenType.StartObject:
                Walk(node, ref json, whole);
                break;
            case JsonTokenType.StartArray:
                TakeObjects(node, ref json, whole);
                break;
            case JsonTokenType.Null:
                break;
            default:
                throw Unfit(node.Path, JsonValues.Raw(ref json, whole), "the mapping has an object there");
        }
    }

    /// <summary>A list where the mapping has an object: one in it is that one.</summary>
    private void TakeObjects(Node node, ref Utf8JsonReader json, ReadOnlySpan<byte> whole)
    {
        ReadOnlySpan<byte> list = JsonValues.Raw(ref json, whole);
        Utf8JsonReader inside = Reader(list);
        int values = Values(ref inside);
        if (values == 1)
        {
            inside = Reader(list);
            ToFirstValue(ref inside);
            Take(node, ref inside, list);
        }
        else if (values > 1 && node.Chosen > 0)
        {
            // Where none of its fields is read, what the mapping does not know of it goes with them.
            NoteList(node.Path);
        }
    }

    private void TakeValue(Node node, ref Utf8JsonReader json, ReadOnlySpan<byte> whole)
    {
        if (node.Column < 0)
        {
            json.Skip();
            return;
        }

        OpenSearchForm form = _forms[node.Column];
        ColumnVector column = _batch.Columns[node.Column];
        if (column.Count > _row)
        {
            // `a.b` and `a: {b}` in one document are two values of one field.
            NoteList(node.Path);
            json.Skip();
            return;
        }

        bool takesLists = form == OpenSearchForm.Value && column.Type.Kind == ColumnKind.Json;
        if (json.TokenType != JsonTokenType.StartArray || takesLists)
        {
            TakeOne(node, form, ref json, whole);
            return;
        }

        ReadOnlySpan<byte> list = JsonValues.Raw(ref json, whole);
        Utf8JsonReader inside = Reader(list);
        int values = Values(ref inside);
        if (values == 1)
        {
            inside = Reader(list);
            ToFirstValue(ref inside);
            TakeOne(node, form, ref inside, list);
        }
        else if (values > 1 && _isDeclaredText[node.Column])
        {
            column.AppendString(list);
        }
        else if (values > 1)
        {
            NoteList(node.Path);
        }
    }

    private void TakeOne(Node node, OpenSearchForm form, ref Utf8JsonReader json, ReadOnlySpan<byte> whole)
    {
        if (form != OpenSearchForm.Value)
        {
            _hasTime[node.Column] |= json.TokenType != JsonTokenType.Null;
            json.Skip();
            return;
        }

        ColumnVector column = _batch.Columns[node.Column];
        Utf8JsonReader before = json;
        bool isObject = json.TokenType == JsonTokenType.StartObject && column.Type.Kind != ColumnKind.Json
            && !_isDeclaredText[node.Column];
        if (isObject || !_values.TryAppend(column, ref json, whole))
        {
            throw Unfit(
                node.Path, JsonValues.Raw(ref before, whole), $"a column of type {column.Type.Sql} cannot hold it");
        }
    }

    /// <summary>What comes with a document, and null for what it does not have.</summary>
    private void AppendRest(JsonElement hit, ReadOnlySpan<byte> source)
    {
        bool hasFields = hit.TryGetProperty("fields", out JsonElement fields);
        for (int i = 0; i < _forms.Length; i++)
        {
            ColumnVector column = _batch.Columns[i];
            switch (_forms[i])
            {
                case OpenSearchForm.Id or OpenSearchForm.Index or OpenSearchForm.Routing:
                    AppendText(column, hit.TryGetProperty(_read.Columns[i].Name, out JsonElement own) ? own : default);
                    break;
                case OpenSearchForm.Source:
                    column.AppendString(source);
                    break;
                case OpenSearchForm.Unmapped when _unmapped.WrittenCount > 0:
                    _unmapped.Write("}"u8);
                    column.AppendString(_unmapped.WrittenSpan);
                    break;
                case OpenSearchForm.Time or OpenSearchForm.Nanoseconds or OpenSearchForm.Constant:
                    AppendServers(i, hasFields && fields.TryGetProperty(_read.Columns[i].Name, out JsonElement values)
                        ? values : default);
                    break;
                default:
                    if (column.Count == _row)
                    {
                        column.AppendNull();
                    }

                    break;
            }
        }
    }

    /// <summary>A value as the server reads it: a list, of one.</summary>
    private void AppendServers(int index, JsonElement values)
    {
        ColumnVector column = _batch.Columns[index];
        string path = _read.Columns[index].Name;
        if (values.ValueKind != JsonValueKind.Array || values.GetArrayLength() == 0)
        {
            if (_hasTime[index])
            {
                throw new SourceException(
                    $"{_read.Table.Name}: the document {Id()} has a value in {path} that the server itself cannot "
                    + $"read; read it as text: `types: {{{path}: text}}` of the table in the source's file");
            }

            column.AppendNull();
            return;
        }

        if (values.GetArrayLength() > 1)
        {
            NoteList(path);
            column.AppendNull();
            return;
        }

        if (_forms[index] != OpenSearchForm.Time)
        {
            AppendText(column, values[0]);
            return;
        }

        string text = values[0].ToString();
        const long MillisecondMicroseconds = 1_000;
        bool isTime = long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long millis)
            && Int128.Abs(millis) < long.MaxValue / MillisecondMicroseconds
            && Core.Events.TimeText.InYears(millis * MillisecondMicroseconds);
        if (!isTime)
        {
            throw Unfit(path, Encoding.UTF8.GetBytes(text), "it is no time of the years 1 to 9999");
        }

        column.AppendInt64(millis * MillisecondMicroseconds);
    }

    private static void AppendText(ColumnVector column, JsonElement text)
    {
        if (text.ValueKind != JsonValueKind.String)
        {
            column.AppendNull();
            return;
        }

        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(text);
        column.AppendString(raw.Contains((byte)'\\') ? Encoding.UTF8.GetBytes(text.GetString()!) : raw[1..^1]);
    }

    /// <summary>A name by which no index knows a field.</summary>
    private void Keep(Node node, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        if (!_keepsUnmapped)
        {
            return;
        }

        _unmapped.Write(_unmapped.WrittenCount == 0 ? "{\""u8 : ",\""u8);
        if (node.Path.Length > 0)
        {
            _unmapped.Write(JsonEncodedText.Encode(node.Path).EncodedUtf8Bytes);
            _unmapped.Write("."u8);
        }

        _unmapped.Write(name);
        _unmapped.Write("\":"u8);
        _unmapped.Write(value);
    }

    private void NoteList(string path)
    {
        _listsIn = _lists.Count == 0 ? Id() : _listsIn;
        _lists.Add(path);
    }

    /// <summary>Values of a list other than null, lists in it taken apart.</summary>
    private static int Values(ref Utf8JsonReader json)
    {
        int values = 0;
        while (json.Read())
        {
            if (json.TokenType is JsonTokenType.StartArray or JsonTokenType.EndArray or JsonTokenType.Null)
            {
                continue;
            }

            values++;
            json.Skip();
        }

        return values;
    }

    private static void ToFirstValue(ref Utf8JsonReader json)
    {
        while (json.Read()
            && json.TokenType is JsonTokenType.StartArray or JsonTokenType.EndArray or JsonTokenType.Null)
        {
        }
    }

    private string Id() => _hit.TryGetProperty(OpenSearchTypes.Id, out JsonElement id) ? id.ToString() : "";

    private static Utf8JsonReader Reader(ReadOnlySpan<byte> text) =>
        new(text, new JsonReaderOptions { MaxDepth = OpenSearchClient.DepthMax });

    private static bool TryName(scoped ref Utf8JsonReader json, scoped Span<char> name, out int length)
    {
        length = 0;
        try
        {
            length = json.CopyString(name);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private SourceException Unfit(string path, ReadOnlySpan<byte> value, string why)
    {
        string shown = Encoding.UTF8.GetString(value[..Math.Min(value.Length, ShownBytesMax)]);
        return new SourceException(
            $"{_read.Table.Name}: the document {Id()} has {OpenSearchClient.Words(shown)} in {path}, but {why}; "
            + $"read it as text or JSON: `types: {{{path}: text}}` of the table in the source's file");
    }

    /// <summary>A field or an object of the mapping.</summary>
    private sealed class Node(string path)
    {
        private readonly Dictionary<string, Node> _below = new(StringComparer.Ordinal);

        public string Path => path;

        public bool IsField { get; set; }

        /// <summary>That it fills; -1 for none.</summary>
        public int Column { get; private set; } = -1;

        public bool HasBelow => _below.Count > 0;

        /// <summary>Fields from here on that fill a column.</summary>
        public int Chosen { get; private set; }

        public Node Make(string relative)
        {
            int dot = relative.IndexOf('.', StringComparison.Ordinal);
            string name = dot < 0 ? relative : relative[..dot];
            if (!_below.TryGetValue(name, out Node? node))
            {
                _below[name] = node = new Node(path.Length == 0 ? name : $"{path}.{name}");
            }

            return dot < 0 ? node : node.Make(relative[(dot + 1)..]);
        }

        /// <summary>By a document's name, which may be of several steps: `a.b`.</summary>
        public Node? Find(ReadOnlySpan<char> relative)
        {
            int dot = relative.IndexOf('.');
            ReadOnlySpan<char> name = dot < 0 ? relative : relative[..dot];
            return !_below.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(name, out Node? node) ? null
                : dot < 0 ? node : node.Find(relative[(dot + 1)..]);
        }

        /// <param name="column">That it fills.</param>
        /// <param name="isWhole">An object that is read as one value, so that its fields are none of their own.</param>
        public void Fill(int column, bool isWhole)
        {
            IsField = true;
            Column = column;
            if (isWhole)
            {
                _below.Clear();
            }
        }

        public int Count()
        {
            Chosen = (Column < 0 ? 0 : 1) + _below.Values.Sum(static node => node.Count());
            Invariant.Hold(Chosen >= 0);
            return Chosen;
        }
    }
}
