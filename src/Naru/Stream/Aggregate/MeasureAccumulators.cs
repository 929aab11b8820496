using Naru.Aggregates;
using Naru.Lake.Columns;

namespace Naru.Stream.Aggregate;

/// <summary>Makes the accumulators of a plan's function calls, in the order of its measures.</summary>
internal static class MeasureAccumulators
{
    public static Accumulator[] Create(AggregatePlan plan) =>
        [.. plan.Measures.Select(measure => Create(plan, measure))];

    private static Accumulator Create(AggregatePlan plan, AggregateMeasure measure)
    {
        int argument = measure.Argument;
        return measure.Function switch
        {
            AggregateFunction.CountAll => new CountAccumulator(-1),
            AggregateFunction.Count => new CountAccumulator(argument),
            AggregateFunction.Sum => Sum(argument, plan.Arguments[argument].Type.Kind),
            AggregateFunction.Min => Extreme(argument, plan.Arguments[argument].Type.Kind, isGreatest: false),
            AggregateFunction.Max => Extreme(argument, plan.Arguments[argument].Type.Kind, isGreatest: true),
            AggregateFunction.CountDistinct => new DistinctAccumulator(argument),
            AggregateFunction.ApproxCountDistinct => new ApproxDistinctAccumulator(argument),
            AggregateFunction.ArgMin => By(measure, ExtremeOrder.SecondArgument, isGreatest: false),
            AggregateFunction.ArgMax => By(measure, ExtremeOrder.SecondArgument, isGreatest: true),
            AggregateFunction.First => By(measure, ExtremeOrder.Time, isGreatest: false),
            AggregateFunction.Last => By(measure, ExtremeOrder.Time, isGreatest: true),
            AggregateFunction.BoolAnd => new LogicAccumulator(argument, isAnd: true),
            AggregateFunction.BoolOr => new LogicAccumulator(argument, isAnd: false),
            _ => throw new InvalidOperationException($"no accumulator for {measure.Function}"),
        };
    }

    private static Accumulator Sum(int argument, ColumnKind kind) => kind switch
    {
        ColumnKind.Int32 => new SmallSumAccumulator(argument),
        ColumnKind.Double => new ExactSumAccumulator(argument),
        _ => new WideSumAccumulator(argument),
    };

    private static Accumulator Extreme(int argument, ColumnKind kind, bool isGreatest) => kind switch
    {
        ColumnKind.Boolean or ColumnKind.Int32 or ColumnKind.Int64 or ColumnKind.Date or ColumnKind.Timestamp =>
            new Int64ExtremeAccumulator(argument, isGreatest),
        _ => new ExtremeAccumulator(new ExtremeCall(argument, -1, ExtremeOrder.Argument, isGreatest)),
    };

    private static ExtremeAccumulator By(AggregateMeasure measure, ExtremeOrder order, bool isGreatest) =>
        new(new ExtremeCall(measure.Argument, measure.SecondArgument, order, isGreatest));
}
