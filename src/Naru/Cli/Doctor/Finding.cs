using System.Collections.Immutable;
using System.Text.Json.Serialization;

namespace Naru.Cli.Doctor;

/// <summary>How much a finding matters: a problem makes `naru doctor` fail, a warning does not.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FindingLevel>))]
internal enum FindingLevel
{
    [JsonStringEnumMemberName("ok")]
    Ok,

    [JsonStringEnumMemberName("warning")]
    Warning,

    [JsonStringEnumMemberName("problem")]
    Problem,
}

/// <param name="Level">Whether it is well.</param>
/// <param name="Check">What was looked at, in a word or two.</param>
/// <param name="What">What was found.</param>
/// <param name="Where">File, folder or machine.</param>
/// <param name="Mend">What to do; null where all is well.</param>
internal sealed record Finding(FindingLevel Level, string Check, string What, string Where, string? Mend = null);

/// <summary>Gathers findings; a check that itself fails is a finding too.</summary>
internal sealed class Findings
{
    private readonly List<Finding> _all = [];

    public ImmutableArray<Finding> All => [.. _all];

    public int Count(FindingLevel level) => _all.Count(finding => finding.Level == level);

    public void Ok(string check, string what, string where) =>
        _all.Add(new Finding(FindingLevel.Ok, check, what, where));

    public void Warn(string check, string what, string where, string mend) =>
        _all.Add(new Finding(FindingLevel.Warning, check, what, where, mend));

    public void Problem(string check, string what, string where, string mend) =>
        _all.Add(new Finding(FindingLevel.Problem, check, what, where, mend));

    /// <summary>Runs one check. Says "ok" for it when it found nothing to tell.</summary>
    public void Run(string check, string where, Func<string> look)
    {
        int before = _all.Count;
        try
        {
            string what = look();
            if (_all.Count == before)
            {
                Ok(check, what, where);
            }
        }
        catch (Exception exception) when (exception is IOException or Lake.Delta.DeltaException
            or Lake.DuckDb.DuckDbLibraryException or UnauthorizedAccessException)
        {
            Problem(check, exception.Message, where, "mend what the message names, then run `naru doctor` again");
        }
    }
}

/// <summary>`naru doctor --json`.</summary>
internal sealed record DoctorReport(string? Project, int Problems, int Warnings, ImmutableArray<Finding> Findings);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(DoctorReport))]
internal sealed partial class DoctorJson : JsonSerializerContext;
