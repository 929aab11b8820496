using System.Text;
using Naru.Core.Hashing;
using Naru.Query.Gate;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>
/// What questions of one shape took before. A shape is a statement with its literals left out, so that yesterday's
/// report and today's are the same question. Kept in memory, for the last few thousand shapes.
/// </summary>
internal sealed class QueryShapes
{
    private const int ShapesMax = 4096;

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, Shape> _shapes = [];
    private long _clock;

    /// <summary>The shape of a statement, for one dialect.</summary>
    public static ulong Of(SqlText text, SqlDialect dialect)
    {
        StringBuilder shape = new();
        shape.Append(dialect);
        ReadOnlySpan<byte> body = text.Body.Span;
        SqlLexer lexer = new(body);
        SqlToken token = lexer.Next();
        while (token.Kind is not (SqlTokenKind.End or SqlTokenKind.Broken))
        {
            string word = Encoding.UTF8.GetString(body[token.Start..token.End]);
            shape.Append(' ').Append(token.Kind switch
            {
                SqlTokenKind.String or SqlTokenKind.Number => "?",
                SqlTokenKind.Word => word.ToLowerInvariant(),
                _ => word,
            });
            token = lexer.Next();
        }

        // A list of literals is one, however long.
        string[] words = shape.ToString().Split(' ');
        StringBuilder kept = new();
        for (int i = 0; i < words.Length; i++)
        {
            bool again = words[i] == "?" && i >= 2 && words[i - 1] == "," && words[i - 2] == "?";
            bool comma =
                words[i] == "," && i >= 1 && words[i - 1] == "?" && i + 1 < words.Length && words[i + 1] == "?";
            if (!again && !comma)
            {
                kept.Append(words[i]).Append(' ');
            }
        }

        return StableHash64.OfBytes(Encoding.UTF8.GetBytes(kept.ToString()));
    }

    /// <summary>Null for a shape that was not asked lately.</summary>
    public WorkerUsage? Last(ulong shape)
    {
        lock (_gate)
        {
            return _shapes.TryGetValue(shape, out Shape? known) ? known.Usage : null;
        }
    }

    /// <summary>Bytes of the last answer; 0 for a shape that was not asked lately.</summary>
    public long LastResultBytes(ulong shape)
    {
        lock (_gate)
        {
            return _shapes.TryGetValue(shape, out Shape? known) ? known.ResultBytes : 0;
        }
    }

    /// <summary>
    /// Remembers what a finished run took. Of memory the most counts, and one smaller run in a row forgets a quarter of
    /// the difference, so that one odd day does not stay for ever.
    /// </summary>
    public void Learn(ulong shape, WorkerUsage usage, long resultBytes)
    {
        lock (_gate)
        {
            long peak = _shapes.TryGetValue(shape, out Shape? known)
                ? Math.Max(usage.PeakBytes, known.Usage.PeakBytes - ((known.Usage.PeakBytes - usage.PeakBytes) / 4))
                : usage.PeakBytes;
            _shapes[shape] = new Shape(usage with { PeakBytes = peak }, resultBytes, ++_clock);
            if (_shapes.Count > ShapesMax)
            {
                long middle = _shapes.Values.Select(static each => each.Asked).Order().ElementAt(ShapesMax / 2);
                foreach ((ulong old, _) in _shapes.Where(each => each.Value.Asked < middle).ToList())
                {
                    _shapes.Remove(old);
                }
            }
        }
    }

    private sealed record Shape(WorkerUsage Usage, long ResultBytes, long Asked);
}
