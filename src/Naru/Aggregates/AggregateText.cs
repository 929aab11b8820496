using System.Text.Json.Nodes;
using Naru.Lake.DuckDb;
using Naru.Yaml;

namespace Naru.Aggregates;

/// <summary>One file of `aggregates/`, and where its mistakes go.</summary>
/// <param name="File">Path as the user knows it, `aggregates/ad_clicks_1m.sql`.</param>
/// <param name="Name">The aggregate's.</param>
/// <param name="Text">All of it.</param>
/// <param name="Mistakes">Takes what is wrong.</param>
internal sealed record AggregateText(string File, string Name, string Text, MistakeList Mistakes)
{
    /// <summary>At a byte of the text's UTF-8; -1 is the file as a whole.</summary>
    public void Wrong(int offset, string message, string hint)
    {
        SqlPosition place = offset < 0 ? default : SqlPosition.Of(Text, offset);
        Mistakes.Add(new Mistake(File, place.Line, place.Column, message, hint));
    }

    public void Wrong(SqlFault fault) => Wrong(SqlTree.Start(fault.At), fault.Message, fault.Hint);

    /// <summary>Does the work, or notes what is wrong and gives null.</summary>
    public T? Try<T>(Func<T> work)
        where T : class
    {
        try
        {
            return work();
        }
        catch (SqlFault fault)
        {
            Wrong(fault);
            return null;
        }
    }

    public bool Try(Action work) => Try(() =>
    {
        work();
        return this;
    }) is not null;
}
