using System.Collections.Frozen;

namespace Naru.Query.Trino;

/// <summary>One of Trino's errors: clients act on the number, people read the name.</summary>
/// <param name="Code">The type's base plus the error's number.</param>
/// <param name="Name">`TABLE_NOT_FOUND`.</param>
internal sealed record TrinoErrorCode(int Code, string Name)
{
    public string Type => Code switch
    {
        < 65_536 => "USER_ERROR",
        < 131_072 => "INTERNAL_ERROR",
        _ => "INSUFFICIENT_RESOURCES",
    };
}

/// <summary>An error as the protocol tells it.</summary>
/// <param name="Code">Which.</param>
/// <param name="Message">Fact and hint.</param>
internal sealed record TrinoError(TrinoErrorCode Code, string Message)
{
    /// <summary>In the text as the client sent it, from 1.</summary>
    public int? Line { get; init; }

    public int? Column { get; init; }
}

/// <summary>Ends a statement that is answered without a worker.</summary>
internal sealed class TrinoException(TrinoErrorCode code, string message) : Exception(message)
{
    public TrinoError Error { get; } = new(code, message);
}

/// <summary>
/// Our errors in Trino's numbers (source: trino-spi, StandardErrorCode). A test holds that each of our codes is here.
/// </summary>
internal static class TrinoErrors
{
    public static readonly TrinoErrorCode UserError = new(0, "GENERIC_USER_ERROR");
    public static readonly TrinoErrorCode Syntax = new(1, "SYNTAX_ERROR");
    public static readonly TrinoErrorCode Abandoned = new(2, "ABANDONED_QUERY");
    public static readonly TrinoErrorCode Cancelled = new(3, "USER_CANCELED");
    public static readonly TrinoErrorCode Denied = new(4, "PERMISSION_DENIED");
    public static readonly TrinoErrorCode NotFound = new(5, "NOT_FOUND");
    public static readonly TrinoErrorCode FunctionNotFound = new(6, "FUNCTION_NOT_FOUND");
    public static readonly TrinoErrorCode InvalidArgument = new(7, "INVALID_FUNCTION_ARGUMENT");
    public static readonly TrinoErrorCode DivisionByZero = new(8, "DIVISION_BY_ZERO");
    public static readonly TrinoErrorCode InvalidCast = new(9, "INVALID_CAST_ARGUMENT");
    public static readonly TrinoErrorCode NotSupported = new(13, "NOT_SUPPORTED");
    public static readonly TrinoErrorCode InvalidSessionProperty = new(14, "INVALID_SESSION_PROPERTY");
    public static readonly TrinoErrorCode OutOfRange = new(19, "NUMERIC_VALUE_OUT_OF_RANGE");
    public static readonly TrinoErrorCode ProcedureNotFound = new(29, "PROCEDURE_NOT_FOUND");
    public static readonly TrinoErrorCode InvalidProcedureArgument = new(30, "INVALID_PROCEDURE_ARGUMENT");
    public static readonly TrinoErrorCode Rejected = new(31, "QUERY_REJECTED");
    public static readonly TrinoErrorCode TextTooLarge = new(35, "QUERY_TEXT_TOO_LARGE");
    public static readonly TrinoErrorCode Killed = new(38, "ADMINISTRATIVELY_KILLED");
    public static readonly TrinoErrorCode TypeNotFound = new(43, "TYPE_NOT_FOUND");
    public static readonly TrinoErrorCode CatalogNotFound = new(44, "CATALOG_NOT_FOUND");
    public static readonly TrinoErrorCode SchemaNotFound = new(45, "SCHEMA_NOT_FOUND");
    public static readonly TrinoErrorCode TableNotFound = new(46, "TABLE_NOT_FOUND");
    public static readonly TrinoErrorCode ColumnNotFound = new(47, "COLUMN_NOT_FOUND");
    public static readonly TrinoErrorCode RoleNotFound = new(48, "ROLE_NOT_FOUND");
    public static readonly TrinoErrorCode TypeMismatch = new(58, "TYPE_MISMATCH");
    public static readonly TrinoErrorCode InvalidParameters = new(80, "INVALID_PARAMETER_USAGE");
    public static readonly TrinoErrorCode Internal = new(65_536, "GENERIC_INTERNAL_ERROR");
    public static readonly TrinoErrorCode ShuttingDown = new(65_545, "SERVER_SHUTTING_DOWN");
    public static readonly TrinoErrorCode NoResources = new(131_072, "GENERIC_INSUFFICIENT_RESOURCES");
    public static readonly TrinoErrorCode QueueFull = new(131_074, "QUERY_QUEUE_FULL");
    public static readonly TrinoErrorCode TimeLimit = new(131_075, "EXCEEDED_TIME_LIMIT");
    public static readonly TrinoErrorCode SpillLimit = new(131_078, "EXCEEDED_SPILL_LIMIT");
    public static readonly TrinoErrorCode MemoryLimit = new(131_079, "EXCEEDED_LOCAL_MEMORY_LIMIT");

    /// <summary>By our code; `value_error` is told apart by what it says.</summary>
    public static readonly FrozenDictionary<string, TrinoErrorCode> ByCode = new Dictionary<string, TrinoErrorCode>
    {
        [QueryCodes.EmptyStatement] = Syntax,
        [QueryCodes.StatementTooLong] = TextTooLarge,
        [QueryCodes.SeveralStatements] = Syntax,
        [QueryCodes.SyntaxError] = Syntax,
        [QueryCodes.NotAQuery] = NotSupported,
        [QueryCodes.NotUnderstood] = NotSupported,
        [QueryCodes.TooComplex] = Rejected,
        [QueryCodes.ParametersNotSupported] = InvalidParameters,
        [QueryCodes.UnknownTable] = TableNotFound,
        [QueryCodes.UnknownColumn] = ColumnNotFound,
        [QueryCodes.UnknownFunction] = FunctionNotFound,
        [QueryCodes.FunctionNotAllowed] = Denied,
        [QueryCodes.Forbidden] = Denied,
        [QueryCodes.TypeError] = TypeMismatch,
        [QueryCodes.InvalidQuery] = UserError,
        [QueryCodes.ValueError] = InvalidArgument,
        [QueryCodes.DivisionByZero] = DivisionByZero,
        [QueryCodes.NotSupported] = NotSupported,
        [QueryCodes.OutOfMemory] = MemoryLimit,
        [QueryCodes.SpillFull] = SpillLimit,
        [QueryCodes.Timeout] = TimeLimit,
        [QueryCodes.Killed] = Killed,
        [QueryCodes.WorkerEnded] = MemoryLimit,
        [QueryCodes.QueueFull] = QueueFull,
        [QueryCodes.QueueTimeout] = QueueFull,
        [QueryCodes.TicketUsedUp] = Rejected,
        [QueryCodes.ShuttingDown] = ShuttingDown,
        [QueryCodes.SqlUnavailable] = NoResources,
        [QueryCodes.LakeFile] = Internal,
        [QueryCodes.TableFile] = UserError,
        [QueryCodes.Unauthorized] = Denied,
        [QueryCodes.UnsupportedType] = NotSupported,
        [QueryCodes.NotAcceptable] = NotSupported,
        [QueryCodes.BadRequest] = UserError,
        [QueryCodes.UnknownQuery] = NotFound,
        [QueryCodes.Internal] = Internal,
    }.ToFrozenDictionary();

    public static TrinoError Of(QueryError error)
    {
        TrinoErrorCode code = error.Code == QueryCodes.ValueError
            ? OfValue(error.Message)
            : error.Message.StartsWith("Type with name", StringComparison.Ordinal) ? TypeNotFound
            : ByCode.GetValueOrDefault(error.Code, error.Status >= 500 ? Internal : UserError);
        string place = error.Line is int line && error.Column is int column ? $"line {line}:{column}: " : "";
        string hint = error.Hint is null ? "" : $"; {error.Hint}";
        return new TrinoError(code, $"{place}{error.Message}{hint}") { Line = error.Line, Column = error.Column };
    }

    private static TrinoErrorCode OfValue(string message)
    {
        bool Says(string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);
        return Says("division by zero") || Says("divide by zero") ? DivisionByZero
            : Says("out of range") || Says("overflow") ? OutOfRange
            : Says("could not convert") || Says("could not parse") || Says("conversion") || Says("cast") ? InvalidCast
            : InvalidArgument;
    }
}
