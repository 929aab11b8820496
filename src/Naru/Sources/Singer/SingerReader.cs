using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using Naru.Lake.Columns;
using Naru.Sources.Json;

namespace Naru.Sources.Singer;

/// <summary>
/// Takes the lines that a tap writes: what is a record of the stream becomes a row, and what is no message of Singer,
/// no whole line, or no record of the stream's schema ends the read. Used by one run.
/// </summary>
internal sealed class SingerReader
{
    private const int NameCharsMax = 512;
    private static readonly JsonReaderOptions Depth = new() { MaxDepth = 512 };

    private readonly SingerJob _job;
    private readonly SingerStream _stream;
    private readonly SourceRead _read;
    private readonly Dictionary<string, int> _columns = new(StringComparer.Ordinal);
    private readonly HashSet<string> _known;
    private readonly int _unmappedColumn = -1;
    private readonly bool[] _isKey;

    /// <summary>The file says `text` of what is something else: then a list or an object is its text, too.</summary>
    private readonly bool[] _isDeclaredText;

    private readonly JsonValues _values = new(takesTexts: false);
    private readonly ArrayBufferWriter<byte> _unmapped = new();
    private bool _hasSchema;
    private long? _version;
    private long _line;

    public SingerReader(SingerJob job, SingerStream stream, SourceRead read)
    {
        (_job, _stream, _read) = (job, stream, read);
        _isKey = [.. read.Columns.Select(column => stream.Key.Contains(column.Name))];
        _isDeclaredText =
        [
            .. read.Columns.Select(column => stream.Columns.Any(own =>
                own.Name == column.Name && own.Type.Kind != ColumnKind.String)),
        ];
        _known = [.. stream.Columns.Select(static column => column.Name)];
        for (int i = 0; i < read.Columns.Length; i++)
        {
            if (read.Columns[i].Form == (int)SingerForm.Unmapped)
            {
                _unmappedColumn = i;
            }
            else
            {
                _columns[read.Columns[i].Name] = i;
            }
        }
    }

    /// <summary>What the tap wants to be told the next time; null where it said nothing.</summary>
    public string? State { get; private set; }

    /// <summary>Of the table, where the tap counts them: what is of another one is void.</summary>
    public long? Version => _version;

    /// <summary>Takes a line; true where it was a row.</summary>
    /// <param name="line">Without its end.</param>
    /// <param name="batch">Takes the row, as its row with this number.</param>
    /// <param name="row">Its number.</param>
    public bool Take(ReadOnlyMemory<byte> line, ColumnBatch batch, int row)
    {
        _line++;
        ReadOnlySpan<byte> text = line.Span;
        if (text.Trim(" \r\t"u8).IsEmpty)
        {
            return false;
        }

        if (!Utf8.IsValid(text))
        {
            throw Fault("is not UTF-8");
        }

        try
        {
            Message message = Message.Of(text);
            return message.Type switch
            {
                "RECORD" => Record(message, text, batch, row),
                "SCHEMA" => Schema(message, text),
                "STATE" => Keep(text[message.Value]),
                "ACTIVATE_VERSION" => Activate(message),
                "" => throw Fault($"is no message of Singer: {_job.Shown(text)}"),
                _ => throw Fault($"is a message of type {_job.Shown(message.Type)}, which is not known"),
            };
        }
        catch (JsonException)
        {
            throw Fault($"is no message of Singer: {_job.Shown(text)}");
        }
    }

    /// <summary>Throws where the tap ended without a word of the stream.</summary>
    public void End()
    {
        if (!_hasSchema)
        {
            throw new SourceException(
                $"{_job.Name} ended well, but without a SCHEMA of stream {_stream.Id}: it may not have been given, as "
                + "its user has no right to it, or need streams that are chosen with it (`with`)");
        }
    }

    private bool IsOurs(Message message) => message.Stream == _stream.Name || message.Stream == _stream.Id;

    private bool Keep(ReadOnlySpan<byte> state)
    {
        State = state.IsEmpty ? throw Fault("is a STATE without a value") : Encoding.UTF8.GetString(state);
        return false;
    }

    private bool Schema(Message message, ReadOnlySpan<byte> text)
    {
        if (!IsOurs(message))
        {
            return false;
        }

        _hasSchema = true;
        using JsonDocument schema = JsonDocument.Parse(
            text[message.Schema].ToArray(), new JsonDocumentOptions { MaxDepth = Depth.MaxDepth });
        if (schema.RootElement.ValueKind != JsonValueKind.Object)
        {
            throw Fault("is a SCHEMA without a schema");
        }

        return false;
    }

    private bool Activate(Message message)
    {
        if (!IsOurs(message))
        {
            return false;
        }

        if (_version is { } known && known != message.Version)
        {
            throw Fault(string.Create(
                CultureInfo.InvariantCulture,
                $"makes version {message.Version} of stream {_stream.Id} the right one, but records were of {known}"));
        }

        _version = message.Version ?? throw Fault("is an ACTIVATE_VERSION without a version");
        return false;
    }

    private bool Record(Message message, ReadOnlySpan<byte> text, ColumnBatch batch, int row)
    {
        if (!IsOurs(message))
        {
            return false;
        }

        if (!_hasSchema)
        {
            throw Fault($"is a record of stream {_stream.Id} before its SCHEMA");
        }

        if (message.Version is { } version && _version is { } known && known != version)
        {
            throw Fault(string.Create(
                CultureInfo.InvariantCulture,
                $"is a record of version {version} of stream {_stream.Id}, after some of {known}"));
        }

        _version = message.Version ?? _version;
        ReadOnlySpan<byte> record = text[message.Record];
        Utf8JsonReader json = new(record, Depth);
        if (record.IsEmpty || !json.Read() || json.TokenType != JsonTokenType.StartObject)
        {
            throw Fault($"is a RECORD of stream {_stream.Id} without a record");
        }

        Properties(ref json, record, batch, row);
        Complete(batch, row);
        return true;
    }

    private void Properties(ref Utf8JsonReader json, ReadOnlySpan<byte> record, ColumnBatch batch, int row)
    {
        Span<char> name = stackalloc char[NameCharsMax];
        Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> columns =
            _columns.GetAlternateLookup<ReadOnlySpan<char>>();
        HashSet<string>.AlternateLookup<ReadOnlySpan<char>> known = _known.GetAlternateLookup<ReadOnlySpan<char>>();
        while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
        {
            ReadOnlySpan<byte> raw = json.ValueSpan;
            ReadOnlySpan<char> property = raw.Length <= NameCharsMax ? name[..json.CopyString(name)] : [];
            json.Read();
            if (!columns.TryGetValue(property, out int at))
            {
                ReadOnlySpan<byte> value = JsonValues.Raw(ref json, record);
                if (_unmappedColumn >= 0 && !known.Contains(property))
                {
                    Put(raw, value);
                }

                continue;
            }

            ColumnVector column = batch.Columns[at];
            Utf8JsonReader before = json;
            if (column.Count > row)
            {
                throw Fault($"has {property} of stream {_stream.Id} twice");
            }

            bool isNested = json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray
                && column.Type.Kind == ColumnKind.String && !_isDeclaredText[at];
            if (isNested || !_values.TryAppend(column, ref json, record))
            {
                throw Unfit(at, JsonValues.Raw(ref before, record));
            }
        }
    }

    private void Put(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        _unmapped.Write(_unmapped.WrittenCount == 0 ? "{\""u8 : ",\""u8);
        _unmapped.Write(name);
        _unmapped.Write("\":"u8);
        _unmapped.Write(value);
    }

    private void Complete(ColumnBatch batch, int row)
    {
        if (_unmapped.WrittenCount > 0)
        {
            _unmapped.Write("}"u8);
            batch.Columns[_unmappedColumn].AppendString(_unmapped.WrittenSpan);
            _unmapped.ResetWrittenCount();
        }

        for (int i = 0; i < _read.Columns.Length; i++)
        {
            if (batch.Columns[i].Count == row)
            {
                batch.Columns[i].AppendNull();
            }

            if (_isKey[i] && batch.Columns[i].IsNull(row))
            {
                throw Fault($"is a record of stream {_stream.Id} without {_read.Columns[i].Name}, which is of its key");
            }
        }
    }

    private SourceException Unfit(int at, ReadOnlySpan<byte> value)
    {
        SourceColumn column = _read.Columns[at];
        return Fault(
            $"has {_job.Shown(value)} in {column.Name} of stream {_stream.Id}, but its schema says "
            + $"{column.ServerType}, which is {column.Type.Sql} in the lake; read it as text or JSON: "
            + $"`types: {{{column.Name}: json}}` of the table in the source's file");
    }

    private SourceException Fault(string what) => new(string.Create(
        CultureInfo.InvariantCulture, $"line {_line} of {_job.Name} {what}"));

    /// <summary>Where the parts of a message lie in its line.</summary>
    private ref struct Message
    {
        public string Type;
        public string Stream;
        public Range Record;
        public Range Schema;
        public Range Value;
        public long? Version;

        public static Message Of(ReadOnlySpan<byte> line)
        {
            Message message = new() { Type = "", Stream = "", Record = 0..0, Schema = 0..0, Value = 0..0 };
            Utf8JsonReader json = new(line, Depth);
            if (!json.Read() || json.TokenType != JsonTokenType.StartObject)
            {
                return message;
            }

            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                message.TakeMember(ref json);
            }

            // What stands behind the object would be read as no JSON.
            json.Read();
            return message;
        }

        private void TakeMember(ref Utf8JsonReader json)
        {
            bool isType = json.ValueTextEquals("type"u8);
            bool isStream = json.ValueTextEquals("stream"u8);
            bool isRecord = json.ValueTextEquals("record"u8);
            bool isSchema = json.ValueTextEquals("schema"u8);
            bool isValue = json.ValueTextEquals("value"u8);
            bool isVersion = json.ValueTextEquals("version"u8);
            json.Read();
            int start = (int)json.TokenStartIndex;
            string text = (isType || isStream) && json.TokenType == JsonTokenType.String ? json.GetString()! : "";
            if (isVersion && json.TokenType == JsonTokenType.Number && json.TryGetInt64(out long version))
            {
                Version = version;
            }

            json.Skip();
            Range range = start..(int)json.BytesConsumed;
            (Type, Stream) = (isType ? text : Type, isStream ? text : Stream);
            (Record, Schema, Value) = (
                isRecord ? range : Record, isSchema ? range : Schema, isValue ? range : Value);
        }
    }
}
