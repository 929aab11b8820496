using System.Text.Json.Nodes;
using Naru.Lake.DuckDb;

namespace Naru.Aggregates;

/// <summary>The engine's refusals in the words of a mistake.</summary>
internal static class Typing
{
    public static SqlFault Fault(JsonNode at, DuckDbException exception)
    {
        // Its first line is the fact; candidates and an excerpt of our own text follow.
        string fact = exception.Message.Split('\n')[0].Trim().TrimEnd('.');
        int colon = fact.IndexOf("Error: ", StringComparison.Ordinal);
        fact = colon is >= 0 and < 40 ? fact[(colon + "Error: ".Length)..] : fact;
        bool sentence = fact.Length > 1 && char.IsAsciiLetterUpper(fact[0]) && !char.IsAsciiLetterUpper(fact[1]);
        fact = sentence ? char.ToLowerInvariant(fact[0]) + fact[1..] : fact;
        int advice = fact.IndexOf(". You might", StringComparison.Ordinal);
        return new SqlFault(
            at, advice < 0 ? fact : fact[..advice], "cast the operands to the types that you mean: CAST(x AS BIGINT)");
    }
}
