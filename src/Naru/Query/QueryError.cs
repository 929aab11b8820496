using System.Globalization;

namespace Naru.Query;

/// <summary>
/// Why a statement was refused or failed, in the one error shape. Codes are documented in docs/sql.md.
/// </summary>
internal sealed record QueryError(string Code, string Message)
{
    public string? Hint { get; init; }

    /// <summary>In the text as sent, from 1; columns count characters.</summary>
    public int? Line { get; init; }

    public int? Column { get; init; }

    /// <summary>The answer's HTTP status.</summary>
    public int Status { get; init; } = StatusCodes.Status400BadRequest;

    public int? RetryAfterSeconds { get; init; }

    public override string ToString() => Line is null
        ? $"{Code}: {Message}"
        : string.Create(CultureInfo.InvariantCulture, $"{Code} at {Line}:{Column}: {Message}");
}

/// <summary>Codes that the server itself gives; clients act on them, so they never change.</summary>
internal static class QueryCodes
{
    public const string EmptyStatement = "empty_statement";
    public const string StatementTooLong = "statement_too_long";
    public const string SeveralStatements = "several_statements";
    public const string SyntaxError = "syntax_error";
    public const string NotAQuery = "not_a_query";
    public const string NotUnderstood = "not_understood";
    public const string TooComplex = "too_complex";
    public const string ParametersNotSupported = "parameters_not_supported";
    public const string UnknownTable = "unknown_table";
    public const string UnknownColumn = "unknown_column";
    public const string UnknownFunction = "unknown_function";
    public const string FunctionNotAllowed = "function_not_allowed";
    public const string Forbidden = "forbidden";
    public const string TypeError = "type_error";
    public const string InvalidQuery = "invalid_query";
    public const string ValueError = "value_error";
    public const string DivisionByZero = "division_by_zero";
    public const string NotSupported = "not_supported";
    public const string OutOfMemory = "out_of_memory";
    public const string SpillFull = "spill_full";
    public const string Timeout = "timeout";
    public const string Killed = "killed";
    public const string WorkerEnded = "worker_ended";
    public const string QueueFull = "queue_full";
    public const string QueueTimeout = "queue_timeout";
    public const string TicketUsedUp = "ticket_used_up";
    public const string ShuttingDown = "shutting_down";
    public const string SqlUnavailable = "sql_unavailable";
    public const string LakeFile = "lake_file";
    public const string TableFile = "table_file";
    public const string Unauthorized = "unauthorized";
    public const string UnsupportedType = "unsupported_media_type";
    public const string NotAcceptable = "not_acceptable";
    public const string BadRequest = "bad_request";
    public const string UnknownQuery = "unknown_query";
    public const string Internal = "internal";
}

/// <summary>Ends a query; caught at the endpoint and at the command.</summary>
internal sealed class QueryException(QueryError error) : Exception(error.ToString())
{
    public QueryError Error { get; } = error;
}
