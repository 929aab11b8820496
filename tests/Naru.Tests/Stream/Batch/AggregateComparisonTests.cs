using System.Text;
using Naru.Aggregates;
using Naru.Core.Events;
using Naru.Lake.Columns;
using Naru.Stream.Batch;

namespace Naru.Tests.Stream.Batch;

public sealed class AggregateComparisonTests
{
    private static readonly ProjectZone Seoul = ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));

    private static readonly AggregatePlan Plan = BatchPlans.Make(
        BatchPlans.Tumble(BatchPlans.Minute),
        [("ad", "ad_id", ColumnType.String)],
        [("x", ColumnType.Double), ("cost", ColumnType.Decimal(18, 6))],
        [
            BatchPlans.Call(AggregateFunction.CountAll, -1, ColumnType.Int64),
            BatchPlans.Call(AggregateFunction.Sum, 0, ColumnType.Double),
            BatchPlans.Call(AggregateFunction.Sum, 1, ColumnType.Decimal(38, 6)),
        ]);

    private sealed record Row(long Window, string? Ad, long Count, double? X, long? Cost);

    [Fact]
    public void Equal_rows_in_another_order_have_no_difference()
    {
        Row[] rows =
        [
            new(0, "ad-1", 3, 0.5, 1_500_000), new(0, null, 1, null, null), new(60, "ad-1", 1, double.NaN, 0),
            new(60, "광고 하나, 이름이 긴 것", 2, -0.5, -7),
        ];
        Assert.Empty(Compare(rows, [.. rows.Reverse()]));
    }

    [Fact]
    public void Every_value_that_differs_is_named_with_both_values()
    {
        Row row = new(60, "ad-1", 3, 0.5, 1_500_000);
        Assert.Equal(
            [
                new AggregateDifference(DifferenceKind.Value, 60_000_000, "ad=ad-1", "measure0", "3", "4"),
                new AggregateDifference(
                    DifferenceKind.Value, 60_000_000, "ad=ad-1", "measure2", "1.500000", "-0.000001"),
            ],
            Compare([row], [row with { Count = 4, Cost = -1 }]));
        Assert.Equal(
            [new AggregateDifference(DifferenceKind.Value, 60_000_000, "ad=ad-1", "measure1", "0.5", "NULL")],
            Compare([row], [row with { X = null }]));
    }

    [Fact]
    public void A_double_that_differs_in_its_last_bit_differs()
    {
        Row row = new(0, "ad-1", 3, 0.1 + 0.2, null);
        AggregateDifference difference = Assert.Single(Compare([row], [row with { X = 0.3 }]));
        Assert.Equal(("0.30000000000000004", "0.3"), (difference.Stream, difference.Batch));
        difference = Assert.Single(Compare([row with { X = 0.0 }], [row with { X = -0.0 }]));
        Assert.NotEqual(difference.Stream, difference.Batch);
    }

    [Fact]
    public void Rows_that_one_side_lacks_are_named_with_their_values()
    {
        Row both = new(0, "ad-1", 3, 0.5, null);
        Assert.Equal(
            [
                new AggregateDifference(
                    DifferenceKind.Missing, 0, "ad=NULL", "", "", "measure0=1, measure1=NULL, measure2=0.000002"),
                new AggregateDifference(
                    DifferenceKind.Extra, 60_000_000, "ad=ad-1", "",
                    "measure0=3, measure1=0.5, measure2=NULL", ""),
            ],
            Compare([both, both with { Window = 60 }], [both, new(0, null, 1, null, 2)]));
    }

    [Fact]
    public void A_row_that_the_stream_has_twice_is_extra_once()
    {
        Row row = new(0, "ad-1", 3, 0.5, null);
        Assert.Equal(DifferenceKind.Extra, Assert.Single(Compare([row, row], [row])).Kind);
    }

    [Fact]
    public void Rows_whose_key_is_not_selected_meet_by_their_values()
    {
        AggregatePlan plan = Plan with
        {
            Outputs = Plan.Outputs.RemoveAt(2),
            Schema = BatchPlans.SchemaOf(Plan.Outputs.RemoveAt(2)),
        };
        Row[] rows = [new(0, "a", 1, 1, null), new(0, "b", 2, 2, null), new(0, "c", 3, 3, null)];
        Assert.Empty(Compare(rows, [rows[2], rows[0], rows[1]], plan));
        Assert.Equal(
            ["measure0"], Compare(rows, [rows[2], rows[0], rows[1] with { Count = 5 }], plan)
                .Select(static difference => difference.Column));
    }

    private static List<AggregateDifference> Compare(Row[] stream, Row[] batch, AggregatePlan? plan = null)
    {
        AggregatePlan compared = plan ?? Plan;

        // The stream's rows come in several batches, one of them empty.
        int half = stream.Length / 2;
        using ColumnBatch first = Batch(compared, stream[..half], isStream: true);
        using ColumnBatch empty = Batch(compared, [], isStream: true);
        using ColumnBatch second = Batch(compared, stream[half..], isStream: true);
        using ColumnBatch other = Batch(compared, batch, isStream: false);
        return [.. new AggregateComparison(compared, Seoul).Compare([first, empty, second], [other])];
    }

    private static ColumnBatch Batch(AggregatePlan plan, Row[] rows, bool isStream)
    {
        ColumnBatch batch = new(isStream ? plan.Schema : new TableSchema(plan.Schema.Columns[..plan.Outputs.Length]));
        bool hasKey = plan.Outputs.Length == Plan.Outputs.Length;
        foreach (Row row in rows)
        {
            int next = 0;
            batch.Columns[next++].AppendInt64(row.Window * 1_000_000);
            batch.Columns[next++].AppendInt64((row.Window + 60) * 1_000_000);
            if (hasKey)
            {
                Put(batch.Columns[next++], row.Ad is null ? null : Encoding.UTF8.GetBytes(row.Ad));
            }

            batch.Columns[next++].AppendInt64(row.Count);
            PutNumber(batch.Columns[next++], row.X, static (column, value) => column.AppendDouble(value));
            PutNumber(batch.Columns[next++], row.Cost, static (column, value) => column.AppendDecimal(value));
            if (isStream)
            {
                // What the table adds says nothing about results.
                batch.Columns[next++].AppendInt32(7);
                batch.Columns[next++].AppendBoolean(true);
                batch.Columns[next++].AppendInt32(0);
                batch.Columns[next].AppendInt32(0);
            }

            batch.EndRow();
        }

        return batch;
    }

    private static void Put(ColumnVector column, byte[]? text)
    {
        if (text is null)
        {
            column.AppendNull();
        }
        else
        {
            column.AppendString(text);
        }
    }

    private static void PutNumber<T>(ColumnVector column, T? value, Action<ColumnVector, T> append)
        where T : struct
    {
        if (value is { } present)
        {
            append(column, present);
        }
        else
        {
            column.AppendNull();
        }
    }
}
