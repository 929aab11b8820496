using System.Collections.Immutable;
using System.Text.Json;
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
internal sealed class ExpiryLedger
{
    private const string Kind = "expiries";
    private const int Format = 1;
    private const int EntriesMax = 10_000;

    private readonly IFileSystem _files;
    private readonly ProjectPaths _paths;
    private readonly Lock _gate = new();
    private ImmutableArray<Expiry> _entries;

    public ExpiryLedger(IFileSystem files, ProjectPaths paths)
    {
        _files = files;
        _paths = paths;
        using JsonDocument? stored = StateFile.Read(files, PathOf, Kind, Format);
        _entries = stored?.Deserialize(StreamJson.Default.ImmutableArrayExpiry) ?? [];
    }

    public ImmutableArray<Expiry> Entries => _entries;

    private string PathOf => $"{_paths.State}/expiries.json";

    /// <summary>Durable when this returns; the oldest entries go first beyond 10,000.</summary>
    public void Add(Expiry expiry)
    {
        lock (_gate)
        {
            ImmutableArray<Expiry> entries = _entries.Add(expiry);
            entries = entries.Length > EntriesMax ? entries[^EntriesMax..] : entries;
            _files.CreateDirectory(_paths.State);
            StateFile.Write(
                _files,
                PathOf,
                Kind,
                Format,
                JsonSerializer.SerializeToUtf8Bytes(entries, StreamJson.Default.ImmutableArrayExpiry));
            _entries = entries;
        }
    }
}
