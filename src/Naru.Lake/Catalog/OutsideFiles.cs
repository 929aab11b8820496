using System.Collections.Immutable;

namespace Naru.Lake.Catalog;

/// <summary>Formats of files that are not the lake's.</summary>
public enum OutsideFormat : byte
{
    Csv = 1,
    Ndjson = 2,
    Parquet = 3,
}

/// <summary>How CSV is written.</summary>
public sealed record CsvShape
{
    public static readonly CsvShape Usual = new();

    public string Delimiter { get; init; } = ",";

    public string Quote { get; init; } = "\"";

    /// <summary>What stands before a quote inside of quotes.</summary>
    public string Escape { get; init; } = "\"";

    /// <summary>Texts that stand for no value.</summary>
    public ImmutableArray<string> Null { get; init; } = [""];

    /// <summary>Columns are found by the names in the first line; else by their place.</summary>
    public bool Header { get; init; } = true;

    /// <summary>Lines before the first that counts.</summary>
    public int Skip { get; init; }

    /// <summary>As of strptime; empty: ISO 8601.</summary>
    public string Dates { get; init; } = "";

    /// <summary>As of strptime; empty: ISO 8601.</summary>
    public string Timestamps { get; init; } = "";

    public bool Equals(CsvShape? other) => other is not null && Null.SequenceEqual(other.Null)
        && (Delimiter, Quote, Escape, Header, Skip, Dates, Timestamps)
            == (other.Delimiter, other.Quote, other.Escape, other.Header, other.Skip, other.Dates, other.Timestamps);

    public override int GetHashCode() => HashCode.Combine(Delimiter, Quote, Header, Skip);
}

/// <summary>Of a table whose files are not the lake's: others make and change them.</summary>
/// <param name="Format">Theirs.</param>
/// <param name="Csv">How CSV is written.</param>
/// <param name="Folder">What all of the files stand in, for messages: what is before it nobody need know.</param>
public sealed record OutsideFiles(OutsideFormat Format, CsvShape Csv, string Folder);
