using System.Collections.Immutable;

namespace Naru.Models.Checks;

internal enum CheckOutcome
{
    Passed,

    /// <summary>Some rows do not hold.</summary>
    Failed,

    /// <summary>It could not be asked.</summary>
    Error,
}

/// <summary>What a check found of one interval.</summary>
/// <param name="Check">Which.</param>
/// <param name="Outcome">Whether the rows hold.</param>
/// <param name="Rows">How many do not; null where no row can be blamed.</param>
/// <param name="Why">What was found, in words; empty when it passed and there is nothing to say.</param>
/// <param name="Sample">Some of those rows as a JSON array; null where none may be shown.</param>
internal sealed record CheckResult(ModelCheck Check, CheckOutcome Outcome, long? Rows, string Why, string? Sample)
{
    public override string ToString() => $"check {Check.Text}: {Why}";
}

/// <summary>What all checks of a model found of one interval.</summary>
internal sealed record CheckReport(ImmutableArray<CheckResult> Results)
{
    public static readonly CheckReport Empty = new([]);

    /// <summary>Why the rows must not be committed; empty when they may.</summary>
    public string Failures => TextOf(CheckSeverity.Fail);

    /// <summary>What is to be told of rows that are committed.</summary>
    public string Warnings => TextOf(CheckSeverity.Warn);

    private string TextOf(CheckSeverity severity) => string.Join("; ", Results
        .Where(result => result.Check.Severity == severity && result.Outcome != CheckOutcome.Passed)
        .Select(static result => result.ToString()));
}
