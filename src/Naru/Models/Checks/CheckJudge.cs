using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Naru.Access;
using Naru.Core.Schedules;
using Naru.Lake.Catalog;
using Naru.Ledger;
using Naru.Query;
using Naru.Query.Worker;

namespace Naru.Models.Checks;

/// <summary>
/// Judges the rows of an attempt before they are committed: each check is a query over the very file that would be
/// committed, which nobody else can name.
/// </summary>
internal sealed class CheckJudge(
    IModelQuery queries, IntervalLedger ledger, IAccessSource access, CheckBook book, IntervalCalendar calendar)
{
    private const int SampleRows = 5;
    private const int SampleLengthMax = 2_000;

    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Judges one staged interval and keeps what was found.</summary>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<CheckReport> JudgeAsync(
        ModelDefinition model, StagedRows staged, StagedInterval interval, CancellationToken cancellationToken)
    {
        if (model.Checks.IsEmpty)
        {
            return CheckReport.Empty;
        }

        TableSnapshot rows = new(
            CheckCompiler.Rows, staged.Schema, model.Table.PartitionColumns, interval.Paths, []);
        ImmutableArray<CheckResult>.Builder results = ImmutableArray.CreateBuilder<CheckResult>();
        foreach (ModelCheck check in model.Checks)
        {
            results.Add(await JudgeAsync(model, check, rows, interval, cancellationToken).ConfigureAwait(false));
        }

        CheckReport report = new(results.ToImmutable());
        book.Add(model, interval, report);
        return report;
    }

    private async Task<CheckResult> JudgeAsync(
        ModelDefinition model,
        ModelCheck check,
        TableSnapshot rows,
        StagedInterval interval,
        CancellationToken cancellationToken)
    {
        long count = interval.Rows;
        switch (check.Kind)
        {
            case CheckKind.NotEmpty:
                return count > 0
                    ? new CheckResult(check, CheckOutcome.Passed, 0, "", null)
                    : new CheckResult(check, CheckOutcome.Failed, null, "there is no row", null);
            case CheckKind.RowCount:
                (bool holds, string why) = RowHistory.Judge(
                    interval.Interval,
                    count,
                    ledger.Of(model.Thing, model.Every),
                    check.Written.Bounds,
                    calendar);
                return new CheckResult(
                    check, holds ? CheckOutcome.Passed : CheckOutcome.Failed, null, why, null);
        }

        try
        {
            string counted = check.Count!.Bind(model.Name, interval.Interval, calendar);
            long failing = (await AskAsync(model, counted, rows, cancellationToken).ConfigureAwait(false))
                .EnumerateArray().First()[0].GetInt64();
            if (failing == 0)
            {
                return new CheckResult(check, CheckOutcome.Passed, 0, "", null);
            }

            string? sample = MayShow(model)
                ? await SampleAsync(model, check, rows, interval.Interval, cancellationToken).ConfigureAwait(false)
                : null;
            string text = string.Create(
                CultureInfo.InvariantCulture, $"{failing} {(failing == 1 ? "row does" : "rows do")} not hold");
            return new CheckResult(check, CheckOutcome.Failed, failing, text, sample);
        }
        catch (QueryException exception)
        {
            string hint = exception.Error.Hint is { } mend ? $"; {mend}" : "";
            return new CheckResult(
                check, CheckOutcome.Error, null, $"it could not be asked: {exception.Error.Message}{hint}", null);
        }
    }

    /// <summary>
    /// What a role hides of the table from some must not lie open in another: then no value is kept.
    /// </summary>
    private bool MayShow(ModelDefinition model)
    {
        string table = Grant.NameOf(model.Table.Name);
        return access.Current.Roles.Values.All(role => role.RowsOf(table) is null && role.MasksOf(table).IsEmpty);
    }

    private async Task<string> SampleAsync(
        ModelDefinition model, ModelCheck check, TableSnapshot rows, Interval interval, CancellationToken stop)
    {
        string offending = check.Offending!.Bind(model.Name, interval, calendar);
        AnswerSink sink = await RunAsync(
            model, $"SELECT * FROM (\n{offending}\n) ORDER BY ALL LIMIT {SampleRows}", rows, stop)
            .ConfigureAwait(false);
        using JsonDocument answer = sink.Read();
        string[] names =
        [
            .. answer.RootElement.GetProperty("columns").EnumerateArray()
                .Select(static column => column.GetProperty("name").GetString()!),
        ];
        JsonArray sample = [];
        foreach (JsonElement row in answer.RootElement.GetProperty("rows").EnumerateArray())
        {
            JsonObject shown = [];
            for (int i = 0; i < names.Length; i++)
            {
                shown[names[i]] = JsonNode.Parse(row[i].GetRawText());
            }

            sample.Add((JsonNode)shown);
            if (sample.ToJsonString(Plain).Length > SampleLengthMax)
            {
                sample.RemoveAt(sample.Count - 1);
                break;
            }
        }

        return sample.ToJsonString(Plain);
    }

    private async Task<JsonElement> AskAsync(
        ModelDefinition model, string sql, TableSnapshot rows, CancellationToken cancellationToken)
    {
        AnswerSink sink = await RunAsync(model, sql, rows, cancellationToken).ConfigureAwait(false);
        using JsonDocument answer = sink.Read();
        return answer.RootElement.GetProperty("rows").Clone();
    }

    private async Task<AnswerSink> RunAsync(
        ModelDefinition model, string sql, TableSnapshot rows, CancellationToken cancellationToken)
    {
        AnswerSink sink = new();
        await queries.AskAsync(model, sql, rows, sink, cancellationToken).ConfigureAwait(false);
        return sink;
    }

    /// <summary>Keeps an answer of few rows.</summary>
    private sealed class AnswerSink : IResultSink
    {
        private readonly ArrayBufferWriter<byte> _bytes = new();

        public void Admitted(string id)
        {
        }

        public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;

        public ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken)
        {
            _bytes.Write(rows.Span);
            return ValueTask.CompletedTask;
        }

        public ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken) =>
            ValueTask.CompletedTask;

        public JsonDocument Read() => JsonDocument.Parse(_bytes.WrittenMemory);
    }
}
