using System.Text;
using Naru.Core.Events;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Columns;
using Naru.Stream.Decode;

namespace Naru.Tests.Stream;

public sealed class EventDecoderTests : IDisposable
{
    private readonly DecodeBench _bench = new(DecodeBench.Log(
        DecodeBench.Field("ad_id", ColumnType.String) with { Required = true, Length = 10 },
        DecodeBench.Field("user_id", ColumnType.String) with { Sensitive = true },
        DecodeBench.Field("cost", ColumnType.Decimal(18, 6)) with { Min = 0 },
        DecodeBench.Field("rank", ColumnType.Int32) with { Min = 1, Max = 100 },
        DecodeBench.Field("total", ColumnType.Int64),
        DecodeBench.Field("score", ColumnType.Double),
        DecodeBench.Field("seen", ColumnType.Boolean),
        DecodeBench.Field("at", ColumnType.Timestamp),
        DecodeBench.Field("born", ColumnType.Date),
        DecodeBench.Field("placement", ColumnType.String) with { Enum = ["home", "search", "detail"] },
        DecodeBench.Field("code", ColumnType.String) with { Pattern = "^[A-Z]{2}[0-9]+$" },
        DecodeBench.Field("context", ColumnType.Json),
        DecodeBench.Field("tags", ColumnType.StringArray) with { Length = 5 },
        DecodeBench.Field("affinity", ColumnType.Decimal(38, 10)) with { Key = "user-item affinity" }));

    public void Dispose() => _bench.Dispose();

    [Fact]
    public void Every_type_of_value_lands_in_its_column()
    {
        _bench.Accept("""
            {"ad_id":"ad-1","user_id":"u1","cost":1.25,"rank":7,"total":-9007199254740993,"score":0.1,"seen":true,
             "at":"2025-10-09T08:53:20Z","born":"2000-02-29","placement":"home","code":"KR1","context":{"a":[1, 2]},
             "tags":["x","y\u00e9"],"user-item affinity":"1234567890123456789012345678.0123456789"}
            """);
        string[] names =
        [
            "ad_id", "user_id", "cost", "rank", "total", "score", "seen", "at", "born", "placement", "code", "context",
            "tags", "affinity",
        ];
        Assert.Equal(
            "ad-1 u1 1250000 7 -9007199254740993 0.1 true 1760000000000000 11016 home KR1 {\"a\":[1, 2]} [x|yé] "
            + "12345678901234567890123456780123456789",
            string.Join(' ', names.Select(_bench.Value)));
    }

    [Theory]
    [InlineData("""{"ad_id":"a","cost":"1.5"}""", "cost", "1500000")]
    [InlineData("""{"ad_id":"a","cost":1e3}""", "cost", "1000000000")]
    [InlineData("""{"ad_id":"a","cost":-0}""", "cost", "0")]
    [InlineData("""{"ad_id":"a","cost":999999999999.999999}""", "cost", "999999999999999999")]
    [InlineData("""{"ad_id":"a","rank":1.0}""", "rank", "1")]
    [InlineData("""{"ad_id":"a","rank":"1e2"}""", "rank", "100")]
    [InlineData("""{"ad_id":"a","rank":"\u0031\u0032"}""", "rank", "12")]
    [InlineData("""{"ad_id":"a","total":9223372036854775807}""", "total", "9223372036854775807")]
    [InlineData("""{"ad_id":"a","total":-9223372036854775808}""", "total", "-9223372036854775808")]
    [InlineData("""{"ad_id":"a","total":"9007199254740993"}""", "total", "9007199254740993")]
    [InlineData("""{"ad_id":"a","score":"-1.5e-3"}""", "score", "-0.0015")]
    [InlineData("""{"ad_id":"a","score":-0.0}""", "score", "-0")]
    [InlineData("""{"ad_id":"a","score":1e-400}""", "score", "0")]
    [InlineData("""{"ad_id":"a","seen":"FALSE"}""", "seen", "false")]
    [InlineData("""{"ad_id":"a","seen":false}""", "seen", "false")]
    [InlineData("""{"ad_id":"a","at":1760000000123}""", "at", "1760000000123000")]
    [InlineData("""{"ad_id":"a","at":"2025-10-09T08:53:20.5Z"}""", "at", "1760000000500000")]
    [InlineData("""{"ad_id":"a","context":null}""", "context", "null")]
    [InlineData("""{"ad_id":"a","context":"x\ny"}""", "context", "\"x\\ny\"")]
    [InlineData("""{"ad_id":"a","context": -1.50e+1 }""", "context", "-1.50e+1")]
    [InlineData("""{"ad_id":"a","context":{"b":{},"c":[ ]}}""", "context", """{"b":{},"c":[ ]}""")]
    [InlineData("""{"ad_id":"a","tags":[]}""", "tags", "[]")]
    [InlineData("""{"ad_id":"a","tags":[ "a" , "b\"]" ]}""", "tags", "[a|b\"]]")]
    [InlineData("""{"ad_id":"\ud83d\ude00","tags":null}""", "ad_id", "😀")]
    [InlineData("""{"\u0061d_id":"escaped"}""", "ad_id", "escaped")]
    [InlineData("""{"ad_id":"한국어열글자열글자둘"}""", "ad_id", "한국어열글자열글자둘")]
    [InlineData("""{"ad_id":"","code":"KR1"}""", "ad_id", "")]
    [InlineData("""{"ad_id":"nul \u0000"}""", "ad_id", "nul \0")]
    public void Values_convert_exactly(string json, string field, string expected)
    {
        _bench.Accept(json);
        Assert.Equal(expected, _bench.Value(field));
    }

    [Theory]
    [InlineData("""{}""", "missing_field ad_id")]
    [InlineData("""{"ad_id":null}""", "missing_field ad_id")]
    [InlineData("""{"ad_id":5}""", "wrong_type ad_id")]
    [InlineData("""{"ad_id":"12345678901"}""", "too_long ad_id")]
    [InlineData("""{"ad_id":"a","cost":"1,5"}""", "wrong_type cost")]
    [InlineData("""{"ad_id":"a","cost":"NaN"}""", "wrong_type cost")]
    [InlineData("""{"ad_id":"a","cost":true}""", "wrong_type cost")]
    [InlineData("""{"ad_id":"a","cost":-0.000001}""", "out_of_range cost")]
    [InlineData("""{"ad_id":"a","cost":0.0000001}""", "out_of_range cost")]
    [InlineData("""{"ad_id":"a","cost":1000000000000}""", "out_of_range cost")]
    [InlineData("""{"ad_id":"a","cost":1e400}""", "out_of_range cost")]
    [InlineData("""{"ad_id":"a","cost":1.000000000000000000000000000000000000000000001}""", "out_of_range cost")]
    [InlineData("""{"ad_id":"a","rank":0}""", "out_of_range rank")]
    [InlineData("""{"ad_id":"a","rank":101}""", "out_of_range rank")]
    [InlineData("""{"ad_id":"a","rank":2147483648}""", "out_of_range rank")]
    [InlineData("""{"ad_id":"a","rank":1e40}""", "out_of_range rank")]
    [InlineData("""{"ad_id":"a","rank":1.5}""", "wrong_type rank")]
    [InlineData("""{"ad_id":"a","rank":"seven"}""", "wrong_type rank")]
    [InlineData("""{"ad_id":"a","rank":""}""", "wrong_type rank")]
    [InlineData("""{"ad_id":"a","rank":{}}""", "wrong_type rank")]
    [InlineData("""{"ad_id":"a","total":9223372036854775808}""", "out_of_range total")]
    [InlineData("""{"ad_id":"a","score":1e400}""", "out_of_range score")]
    [InlineData("""{"ad_id":"a","score":"Infinity"}""", "wrong_type score")]
    [InlineData("""{"ad_id":"a","score":" 1"}""", "wrong_type score")]
    [InlineData("""{"ad_id":"a","seen":1}""", "wrong_type seen")]
    [InlineData("""{"ad_id":"a","seen":"yes"}""", "wrong_type seen")]
    [InlineData("""{"ad_id":"a","at":"yesterday"}""", "wrong_type at")]
    [InlineData("""{"ad_id":"a","at":true}""", "wrong_type at")]
    [InlineData("""{"ad_id":"a","born":"2025-02-29"}""", "wrong_type born")]
    [InlineData("""{"ad_id":"a","born":20250228}""", "wrong_type born")]
    [InlineData("""{"ad_id":"a","placement":"cart"}""", "not_in_enum placement")]
    [InlineData("""{"ad_id":"a","placement":"Home"}""", "not_in_enum placement")]
    [InlineData("""{"ad_id":"a","code":"kr1"}""", "pattern_mismatch code")]
    [InlineData("""{"ad_id":"a","tags":"x"}""", "wrong_type tags")]
    [InlineData("""{"ad_id":"a","tags":["x",1]}""", "wrong_type tags[1]")]
    [InlineData("""{"ad_id":"a","tags":["x",null]}""", "wrong_type tags[1]")]
    [InlineData("""{"ad_id":"a","tags":["x","123456"]}""", "too_long tags[1]")]
    [InlineData("""{"ad_id":"a","user-item affinity":"x"}""", "wrong_type user-item affinity")]
    [InlineData("""{"ad_id":"a","event_time":"soon"}""", "bad_time event_time")]
    [InlineData("""{"ad_id":"a","event_time":{}}""", "bad_time event_time")]
    [InlineData("""{"ad_id":"a","sent_at":""}""", "bad_time sent_at")]
    [InlineData("""{"ad_id":"a","event_id":["x"]}""", "wrong_type event_id")]
    [InlineData("""{"rank":"x","total":"y","event_time":"z"}""", "wrong_type rank")]
    [InlineData("""{"total":"y","rank":"x"}""", "wrong_type total")]
    public void A_mistake_is_told_by_its_reason_and_its_key(string json, string expected) =>
        Assert.Equal(expected, _bench.Refuse(json));

    [Theory]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("5")]
    [InlineData("\"x\"")]
    [InlineData("{")]
    [InlineData("{\"ad_id\":\"a\"")]
    [InlineData("{\"ad_id\":\"a\"}}")]
    [InlineData("{\"ad_id\":\"a\"} {}")]
    [InlineData("{\"ad_id\":\"a\",}")]
    [InlineData("{\"ad_id\":\"a\" \"rank\":1}")]
    [InlineData("{\"ad_id\" \"a\"}")]
    [InlineData("{ad_id:\"a\"}")]
    [InlineData("{'ad_id':'a'}")]
    [InlineData("{\"ad_id\":\"a\",\"rank\":01}")]
    [InlineData("{\"ad_id\":\"a\",\"rank\":+1}")]
    [InlineData("{\"ad_id\":\"a\",\"rank\":NaN}")]
    [InlineData("{\"ad_id\":\"a\",\"x\":[1,]}")]
    [InlineData("{\"ad_id\":\"a\",\"x\":tru}")]
    [InlineData("{\"ad_id\":\"a\",\"x\":\"tab\t\"}")]
    [InlineData("{\"ad_id\":\"a\",\"x\":\"\\x\"}")]
    [InlineData("{\"ad_id\":\"a\",\"x\":\"\\ud800\"}")]
    [InlineData("{\"ad_id\":\"a\",\"x\":[{\"y\":\"\\udc00\\ud800\"}]}")]
    [InlineData("{\"ad_id\":\"a\",\"\\ud800\":1}")]
    [InlineData("{\"ad_id\":\"a\",\"ad_id\":\"a\"}")]
    [InlineData("{\"ad_id\":\"a\",\"\\u0061d_id\":\"a\"}")]
    [InlineData("{\"ad_id\":\"a\",\"x\":1,\"y\":2,\"\\u0078\":1}")]
    [InlineData("{\"ad_id\":null,\"ad_id\":\"a\"}")]
    [InlineData("{\"ad_id\":5,\"x\":}")]
    [InlineData("\ufeff{\"ad_id\":\"a\"}")]
    [InlineData("{\"ad_id\":\"a\"} // bye")]
    public void What_is_not_one_object_is_malformed(string json) => Assert.Equal("malformed", _bench.Refuse(json));

    [Theory]
    [InlineData("7b2261645f6964223a22ff227d")] // no UTF-8
    [InlineData("7b2261645f6964223a22c080227d")] // an overlong NUL
    [InlineData("7b2261645f6964223a22eda080227d")] // a surrogate in UTF-8
    [InlineData("7b2261645f6964223a226122007d")]
    public void Broken_bytes_are_malformed(string hex) =>
        Assert.Equal("malformed", _bench.Refuse(Convert.FromHexString(hex)));

    [Fact]
    public void Depth_and_number_of_keys_are_bounded()
    {
        static string Nested(int levels) =>
            $$"""{"ad_id":"a","x":{{new string('[', levels)}}{{new string(']', levels)}}}""";
        static string Wide(int keys) =>
            "{\"ad_id\":\"a\""
            + string.Concat(Enumerable.Range(1, keys - 1).Select(static i => $",\"k{i}\":{i}"))
            + "}";
        _bench.Accept(Nested(EventDecoder.DepthMax - 1));
        Assert.Equal("malformed", _bench.Refuse(Nested(EventDecoder.DepthMax)));
        _bench.Accept(Wide(EventDecoder.MembersMax));
        Assert.Equal("malformed", _bench.Refuse(Wide(EventDecoder.MembersMax + 1)));
        Assert.Equal("malformed", _bench.Refuse(Nested(100_000)));
    }

    [Fact]
    public void Messages_never_show_a_value()
    {
        foreach (string json in (string[])
            [
                """{"ad_id":"a","user_id":["SECRET"]}""",
                """{"ad_id":"SECRETSECRET"}""",
                """{"ad_id":"a","code":"SECRET"}""",
                """{"ad_id":"a","placement":"SECRET"}""",
                """{"ad_id":"a","cost":"SECRET"}""",
                """{"ad_id":"a","event_time":"SECRET"}""",
                """{"ad_id":"a","at":"SECRET"}""",
                """{"ad_id":"SECRET" """,
            ])
        {
            Assert.False(_bench.TryDecode(json, out Rejection rejection));
            Assert.DoesNotContain("SECRET", rejection.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("SECRET", rejection.Path, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void A_log_may_refuse_keys_that_it_does_not_know()
    {
        LogDefinition log = DecodeBench.Log(DecodeBench.Field("ad_id", ColumnType.String));
        using DecodeBench strict = new(log with { KeepUnknownFields = false });
        strict.Accept("""
            {"ad_id":"a","event_time":1760000000,"sent_at":1760000000,"event_id":"x","messageId":"y","_log":"kr.a"}
            """);
        Assert.Equal("unknown_field colour", strict.Refuse("""{"ad_id":"a","colour":"red"}"""));
        Assert.Equal("malformed", strict.Refuse("""{"ad_id":"a","colour":"red","colour":"red"}"""));
        Assert.Equal("unknown_field a?b", strict.Refuse("""{"a\nb":1}"""));
    }

    [Theory]
    [InlineData("""{"user_id":"u","ad_id":"a"}""", """{"ad_id":"a"}""")]
    [InlineData("""{"ad_id":"a","user_id":"u"}""", """{"ad_id":"a"}""")]
    [InlineData(""" { "ad_id" : "a" , "user_id" : "u" , "x" : 1 } """, """{ "ad_id" : "a" , "x" : 1 }""")]
    [InlineData("""{"user_id":"u","home":{"k":1},"ad_id":"a","x":{"home":1}}""", """{"ad_id":"a","x":{"home":1}}""")]
    [InlineData("""{"ad_id":"a","user_id":null,"home":[1,[2]],"x":1}""", """{"ad_id":"a","x":1}""")]
    [InlineData("""{"x":1,"\u0075ser_id":"a,\"}","ad_id":"a","home":0}""", """{"x":1,"ad_id":"a"}""")]
    [InlineData("""{"user_id":"u","home":1}""", "{}")]
    [InlineData("""{ "user_id":"u", "home":1 }""", "{  }")]
    public void The_raw_payload_is_without_its_sensitive_members(string json, string expected)
    {
        using DecodeBench bench = new(DecodeBench.Log(
            DecodeBench.Field("ad_id", ColumnType.String),
            DecodeBench.Field("user_id", ColumnType.String) with { Sensitive = true },
            DecodeBench.Field("home", ColumnType.Json) with { Sensitive = true }));
        bench.Accept(json);
        Assert.Equal(expected, bench.RawPayload());
        using System.Text.Json.JsonDocument parsed = System.Text.Json.JsonDocument.Parse(bench.RawPayload());
    }

    [Fact]
    public void A_key_read_by_several_fields_fills_them_all_and_is_sensitive_when_one_is()
    {
        using DecodeBench bench = new(DecodeBench.Log(
            DecodeBench.Field("at", ColumnType.Timestamp) with { Key = "event_time" },
            DecodeBench.Field("text", ColumnType.String) with { Key = "event_time", Sensitive = true }));
        bench.Accept("""{"event_time":"2025-10-09T08:53:20Z"}""");
        Assert.Equal("1760000000000000", bench.Value("at"));
        Assert.Equal("2025-10-09T08:53:20Z", bench.Value("text"));
        Assert.Equal("{}", bench.RawPayload());
    }

    [Fact]
    public void Secure_rows_exist_for_events_that_carry_a_sensitive_value()
    {
        _bench.Accept("""{"ad_id":"a"}""");
        _bench.Accept("""{"ad_id":"b","user_id":"u1"}""");
        Assert.Equal(
            "wrong_type rank", _bench.Refuse("""{"ad_id":"x","user_id":"gone","tags":["p","q"],"rank":"x"}"""));
        _bench.Accept("""{"ad_id":"c","user_id":null}""");
        _bench.Accept("""{"user_id":"u2","tags":["z"],"ad_id":"d"}""");
        LogBatch rows = _bench.Rows;
        Assert.Equal(4, rows.RowCount);
        Assert.Equal(4, rows.Raw.RowCount);
        Assert.Equal([1, 3], rows.SecureRows.ToArray());
        Assert.Equal("u1", Encoding.UTF8.GetString(rows.Secure!.Columns[2].StringAt(0)));
        Assert.Equal("u2", Encoding.UTF8.GetString(rows.Secure.Columns[2].StringAt(1)));
        Assert.Equal([0L, 1, 3, 4], rows.Offsets.ToArray());
        Assert.Equal(1, rows.Secure.Columns[LogTables.OffsetColumn].ValueAt<long>(0));
        Assert.Equal(4, rows.Secure.Columns[LogTables.OffsetColumn].ValueAt<long>(1));
        Assert.Equal([3, 3, 3, 3], rows.Partitions.ToArray());
        Assert.Equal("[z]", _bench.Value("tags"));
    }

    [Fact]
    public void System_columns_say_where_an_event_came_from()
    {
        TimeZoneInfo seoul = TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul");
        using DecodeBench bench = new(
            DecodeBench.Log(DecodeBench.Field("ad_id", ColumnType.String)) with { PartitionByHour = true }, seoul);
        bench.Accept("""
            {"ad_id":"a","event_time":"2025-10-09T07:53:20+09:00","sent_at":"2025-10-09T07:54:20+09:00"}
            """);
        bench.Accept("""{"ad_id":"b"}""");
        bench.Accept("""{"ad_id":"c","event_time":0}""");
        bench.Accept("""{"ad_id":"d","event_time":1759999999}""");
        ColumnVector[] columns = bench.Rows.Fields.Columns;
        Assert.Equal(
            LogTables.Fields(bench.Plan.Log).Columns.Select(static column => column.Name),
            bench.Rows.Fields.Schema.Columns.Select(static column => column.Name));
        string[] expected =
        [
            "repaired 1759999940000000 1759964000000000 1759964060000000",
            "received 1760000000000000 null null",
            "out_of_bounds 1760000000000000 0 null",
            "created 1759999999000000 1759999999000000 null",
        ];
        for (int row = 0; row < expected.Length; row++)
        {
            Assert.Equal(
                expected[row],
                Encoding.UTF8.GetString(columns[7].StringAt(row))
                + $" {columns[3].ValueAt<long>(row)} {Time(columns[8], row)} {Time(columns[9], row)}");
            Assert.Equal(bench.Rows.Ids[row].ToString(), Encoding.UTF8.GetString(columns[2].StringAt(row)));
            Assert.Equal("app/phone-1", Encoding.UTF8.GetString(columns[6].StringAt(row)));
            Assert.Equal(DecodeBench.Received, columns[4].ValueAt<long>(row));
            Assert.Equal(1, columns[5].ValueAt<int>(row));
        }

        Assert.Equal([20370, 20370, 20370, 20370], bench.Rows.Days.ToArray());
        Assert.Equal([17, 17, 17, 17], bench.Rows.Hours.ToArray());

        static string Time(ColumnVector column, int row) =>
            column.IsNull(row) ? "null" : $"{column.ValueAt<long>(row)}";
    }

    [Fact]
    public void An_id_comes_from_the_client_the_line_or_the_index()
    {
        EventIdentity identity = EventIdentity.Of("app/phone-1"u8, "kr_shop.ad_click"u8);
        BatchHeader lines = DecodeBench.Header(BatchFlags.FileLines);
        Assert.Equal(identity.ByClientId(0, "x"u8), IdOf("""{"ad_id":"a","messageId":"y","event_id":"x"}"""));
        Assert.Equal(
            identity.ByClientId(1_760_000_000_000, "7"u8),
            IdOf("""{"ad_id":"a","messageId":7,"event_time":1760000000}"""));
        Assert.Equal(identity.ByClientId(0, "A"u8), IdOf("""{"ad_id":"a","event_id":"\u0041"}"""));
        Assert.Equal(identity.ByIndex(0, 1, 2, 0), IdOf("""{"ad_id":"a","event_id":"","messageId":null}"""));
        Assert.Equal(identity.ByIndex(1_760_000_000_000, 1, 2, 0), IdOf("""{"ad_id":"a","event_time":1760000000}"""));

        byte[] line = " {\"ad_id\":\"a\"}\n"u8.ToArray();
        Assert.True(_bench.TryDecode(line, lines, out _));
        Assert.Equal(identity.ByLine(0, 1, 2, 0, line), _bench.Rows.Ids[^1]);
    }

    [Fact]
    public void A_rejected_event_has_the_id_that_it_will_have_when_it_is_mended()
    {
        Assert.False(_bench.TryDecode(
            """{"ad_id":5,"event_time":1760000000,"event_id":"x"}""", out Rejection rejection));
        Assert.Equal(IdOf("""{"ad_id":"5","event_time":1760000000,"event_id":"x"}"""), rejection.Id);
    }

    [Fact]
    public void A_replay_keeps_id_and_received_time()
    {
        EventId id = new(7, 8);
        byte[] record = """{"ad_id":"a","event_time":1700000000}"""u8.ToArray();
        RecordOrigin origin = new(id, 1_700_000_060_000_000, 1, 99);
        Assert.True(_bench.TryDecode(record, DecodeBench.Header(BatchFlags.Replay), out _, [origin]));
        Assert.Equal(id, _bench.Rows.Ids[0]);
        Assert.Equal(1_700_000_000_000_000, _bench.Rows.EventTimes[0]);
        Assert.Equal(1_700_000_060_000_000, _bench.Rows.Fields.Columns[4].ValueAt<long>(0));
        Assert.Equal("created", Encoding.UTF8.GetString(_bench.Rows.Fields.Columns[7].StringAt(0)));
    }

    [Fact]
    public void Many_rows_allocate_nothing()
    {
        byte[] record = """
            {"event_time":"2025-10-09T08:53:20.123Z","event_id":"e-000001","ad_id":"ad-1042","user_id":"u-77",
             "cost":"12.5",
             "rank":3,"total":99,"score":0.25,"seen":true,"placement":"home","context":{"a":1},"other":"x\ny"}
            """u8.ToArray();
        for (int i = 0; i < 40_000; i++)
        {
            Assert.True(_bench.TryDecode(record, DecodeBench.Header(), out _));
        }

        TopicBatch batch = new()
        {
            Header = DecodeBench.Header(),
            Partition = 0,
            BaseOffset = 0,
            Sender = "app"u8,
            Message = default,
            Lengths = default,
            Body = record,
        };
        _bench.Decoder.Begin(_bench.Rows, batch);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 5_000; i++)
        {
            _bench.Decoder.TryDecode(batch, i, record, out _);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private EventId IdOf(string json)
    {
        int row = _bench.Accept(json);
        return _bench.Rows.Ids[row];
    }
}
