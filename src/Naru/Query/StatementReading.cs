using System.Text.Json;
using Naru.Lake.DuckDb;
using Naru.Query.Functions;
using Naru.Query.Gate;
using Naru.Query.Pool;
using Naru.Query.Rewriting;
using Naru.Query.Worker;

namespace Naru.Query;

/// <summary>
/// From the text as sent to the judged text that runs. A statement that calls what must be rewritten, and any of
/// Trino's dialect, is judged twice: as it was sent, for its errors are told there, and as it came out of rewriting,
/// for that is what runs. The second judgement alone counts.
/// </summary>
internal static class StatementReading
{
    public static async Task<(Judgement Judgement, SqlText Text)> ReadAsync(
        WorkerProcess worker, SqlText asked, SqlDialect dialect, ReadableTables readable)
    {
        SqlText text = asked;
        if (dialect == SqlDialect.Trino && TrinoSyntax.Change(text.Body) is (byte[] changed, SourceMap moved))
        {
            text = text.InOtherWords(changed, moved.OriginalOf);
        }

        WorkerFrame tree = await AskAsync(worker, FrameKind.Parse, text.Body, asked).ConfigureAwait(false);
        Judgement sent = new SqlGate(text, readable, GateStep.Sent).Judge(tree.Payload);
        bool rewrites = dialect == SqlDialect.Trino || sent.OwnFunctions.Any(OwnFunctions.IsRewritten);
        byte[]? rewritten = rewrites && !sent.Lists ? Rewrite(dialect, tree.Payload) : null;
        if (rewritten is null)
        {
            return (sent, text);
        }

        WorkerFrame written = await AskAsync(worker, FrameKind.Render, rewritten, asked).ConfigureAwait(false);
        byte[] body = written.Payload.ToArray();
        WorkerFrame again = await AskAsync(worker, FrameKind.Parse, body, asked).ConfigureAwait(false);
        SourceMap places = PlacesOf(again.Payload, rewritten);
        text = text.InOtherWords(body, places.OriginalOf);
        return (new SqlGate(text, readable, GateStep.Rewritten).Judge(again.Payload), text);
    }

    private static byte[]? Rewrite(SqlDialect dialect, ReadOnlyMemory<byte> tree)
    {
        try
        {
            return new SqlRewriter(dialect).Rewrite(tree);
        }
        catch (ScalarException exception)
        {
            throw new QueryException(new QueryError(QueryCodes.ValueError, exception.Message)
            {
                Status = StatusCodes.Status422UnprocessableEntity,
            });
        }
    }

    private static async Task<WorkerFrame> AskAsync(
        WorkerProcess worker, FrameKind kind, ReadOnlyMemory<byte> payload, SqlText asked)
    {
        // Frames are read to their end: a stop interrupts and then kills the worker, which ends every wait for it.
        await worker.SendAsync(kind, payload, CancellationToken.None).ConfigureAwait(false);
        WorkerFrame answer = await worker.ReadAsync(CancellationToken.None).ConfigureAwait(false);
        return answer.Kind is FrameKind.Tree or FrameKind.Text
            ? answer
            : throw QueryCarrier.Failure(answer, asked, []);
    }

    private static SourceMap PlacesOf(ReadOnlyMemory<byte> run, ReadOnlyMemory<byte> original)
    {
        JsonDocumentOptions deep = new() { MaxDepth = 4_000 };
        using JsonDocument one = JsonDocument.Parse(run, deep);
        using JsonDocument other = JsonDocument.Parse(original, deep);
        return SourceMap.OfTrees(one.RootElement, other.RootElement);
    }
}
