using System.Text;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Stream.Decode;

namespace Naru.Tests.Stream;

/// <summary>A log, a decoder and one batch after another: what the tests of decoding stand on.</summary>
internal sealed class DecodeBench : IDisposable
{
    public const long Received = 1_760_000_000_000_000;

    private long _offset;

    public DecodeBench(LogDefinition log, TimeZoneInfo? zone = null)
    {
        Plan = DecodePlan.Compile(log, zone ?? TimeZoneInfo.Utc);
        Rows = new LogBatch(Plan);
    }

    public DecodePlan Plan { get; }

    public LogBatch Rows { get; }

    public EventDecoder Decoder { get; } = new();

    public static LogDefinition Log(params FieldDefinition[] fields) => new()
    {
        Id = 1,
        Version = 1,
        RegionGroup = "kr_shop",
        Name = "ad_click",
        Description = "A tap on an ad.",
        Owner = "ads-team",
        Fields = [.. fields.Select((field, index) => field with { FieldId = LogTables.FirstFieldId + index })],
    };

    public static FieldDefinition Field(string name, ColumnType type) => new()
    {
        Name = name,
        Key = name,
        Type = type,
        FieldId = 0,
    };

    public static BatchHeader Header(BatchFlags flags = BatchFlags.None, long received = Received) => new()
    {
        Flags = flags,
        LogId = 1,
        LogVersion = 1,
        ReceivedMicroseconds = received,
        KeyHigh = 1,
        KeyLow = 2,
    };

    public bool TryDecode(string json, out Rejection rejection) =>
        TryDecode(Encoding.UTF8.GetBytes(json), Header(), out rejection);

    public bool TryDecode(byte[] record, BatchHeader header, out Rejection rejection, RecordOrigin[]? origins = null)
    {
        TopicBatch batch = new()
        {
            Header = header,
            Partition = 3,
            BaseOffset = _offset++,
            Sender = "app/phone-1"u8,
            Message = default,
            Lengths = new[] { record.Length },
            Body = record,
            Origins = origins,
        };
        Decoder.Begin(Rows, batch);
        bool decoded = Decoder.TryDecode(batch, 0, record, out rejection);
        bool accepted = Decoder.TryCheck(Plan, record, out Rejection judged);
        Assert.Equal(decoded, accepted);
        Assert.Equal(rejection with { Id = default }, judged);
        return decoded;
    }

    /// <summary>Decodes one event that must be accepted; returns its row.</summary>
    public int Accept(string json)
    {
        Assert.True(TryDecode(json, out Rejection rejection), $"{rejection}");
        return Rows.RowCount - 1;
    }

    /// <summary>"reason path" of one event that must be refused.</summary>
    public string Refuse(string json) => Refuse(Encoding.UTF8.GetBytes(json));

    public string Refuse(byte[] record)
    {
        int before = Rows.RowCount;
        Assert.False(TryDecode(record, Header(), out Rejection rejection));
        Assert.Equal(before, Rows.RowCount);
        Assert.NotEmpty(rejection.Message);
        return $"{rejection.Reason.Text()} {rejection.Path}".TrimEnd();
    }

    /// <summary>A value of the last row as text, "null" when it is absent.</summary>
    public string Value(string name)
    {
        FieldPlan field = Plan.Fields.Single(field => field.Field.Name == name);
        ColumnVector column = Rows.FieldColumns[field.Index];
        return Show(column, column.Count - 1, field.Field.Type);
    }

    public string RawPayload() => Encoding.UTF8.GetString(Rows.Raw.Columns[2].StringAt(Rows.Raw.RowCount - 1));

    public void Dispose() => Rows.Dispose();

    private static string Show(ColumnVector column, int row, ColumnType type)
    {
        if (column.IsNull(row))
        {
            return "null";
        }

        switch (type.Kind)
        {
            case ColumnKind.Boolean:
                return column.ValueAt<byte>(row) == 1 ? "true" : "false";
            case ColumnKind.Int32 or ColumnKind.Date:
                return $"{column.ValueAt<int>(row)}";
            case ColumnKind.Int64 or ColumnKind.Timestamp:
                return $"{column.ValueAt<long>(row)}";
            case ColumnKind.Double:
                return $"{column.ValueAt<double>(row):R}";
            case ColumnKind.Decimal:
                return type.WidthBytes switch
                {
                    2 => $"{column.ValueAt<short>(row)}",
                    4 => $"{column.ValueAt<int>(row)}",
                    8 => $"{column.ValueAt<long>(row)}",
                    _ => $"{column.ValueAt<Int128>(row)}",
                };
            case ColumnKind.StringArray:
                (ulong first, ulong count) = column.ValueAt<(ulong, ulong)>(row);
                IEnumerable<string> items = Enumerable.Range((int)first, (int)count)
                    .Select(item => Show(column.Items!, item, ColumnType.String));
                return $"[{string.Join("|", items)}]";
            default:
                return Encoding.UTF8.GetString(column.StringAt(row));
        }
    }
}
