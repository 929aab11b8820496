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
            ["ad_id", "user_id", "cost", "rank", "total", "score", "seen", "at", "born", "placement", "code", "context", "tags", "affinity"];
        Assert.Equal(
            "ad-1 u1 1250000 7 -9007199254740993 0.1 true 1760000000000000 11016 home KR1 {\"a\":[1, 2]} [x|yé] "
            + "12345678901234567890123456780123456789",
            string.Join(' ', names.Select(_bench.Value)));
    }
}
