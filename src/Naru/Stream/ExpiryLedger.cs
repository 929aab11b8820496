using System.Collections.Immutable;
using Naru.Configuration;
using Naru.Core.Files;

namespace Naru.Stream;

/// <summary>One expiry: days of a table before `FirstDayKept` were taken out.</summary>
internal sealed record Expiry(
    DateTimeOffset At, string Schema, string Table, string ColumnGroup, DateOnly FirstDayKept, long Rows, long Files)
{
    /// <summary>Beyond these only the number is kept.</summary>
    public const int PathsMax = 400;

    /// <summary>The lifetime by which they went; null in entries of older programs.</summary>
    public string? Rule { get; init; }

    /// <summary>The files that went, relative to the table's folder.</summary>
    public ImmutableArray<string> Paths { get; init; } = [];
}

/// <summary>What retention took out, when: kept in `state/expiries.json`, shown as `naru.expiries`.</summary>
internal sealed class ExpiryLedger(IFileSystem files, ProjectPaths paths)
{
    private const int EntriesMax = 10_000;

    private readonly StateList<Expiry> _entries =
        new(files, paths, "expiries", StreamJson.Default.ImmutableArrayExpiry);

    public ImmutableArray<Expiry> Entries => _entries.Items;

    /// <summary>Durable when this returns; the oldest entries go first beyond 10,000.</summary>
    public void Add(Expiry expiry) => _entries.Change(entries =>
        entries.Length < EntriesMax ? entries.Add(expiry) : entries[^(EntriesMax - 1)..].Add(expiry));
}
