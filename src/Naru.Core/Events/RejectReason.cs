namespace Naru.Core.Events;

/// <summary>
/// Why an event is kept among the rejected. Persisted in topics and in `naru.rejected`: values never change and never
/// go away. The text form is the name in snake_case (<see cref="RejectReasons.Text"/>).
/// </summary>
public enum RejectReason : byte
{
    None = 0,

    /// <summary>Not one JSON object: bad syntax, bad UTF-8, a lone surrogate, too deep, duplicate keys.</summary>
    Malformed = 1,

    /// <summary>More bytes than one event may have.</summary>
    TooLarge = 2,

    /// <summary>`_log` is missing or names no log.</summary>
    UnknownLog = 3,

    MissingField = 4,
    WrongType = 5,

    /// <summary>A number outside what its type holds or outside min and max.</summary>
    OutOfRange = 6,

    NotInEnum = 7,
    PatternMismatch = 8,
    TooLong = 9,
    UnknownField = 10,
    BadTime = 11,

    /// <summary>The sender's key may not write to this log.</summary>
    NotAllowed = 12,
}

public static class RejectReasons
{
    private static readonly string[] Names =
    [
        "none", "malformed", "too_large", "unknown_log", "missing_field", "wrong_type", "out_of_range", "not_in_enum",
        "pattern_mismatch", "too_long", "unknown_field", "bad_time", "not_allowed",
    ];

    public static string Text(this RejectReason reason) => Names[(int)reason];
}
