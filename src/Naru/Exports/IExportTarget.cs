using System.Collections.Immutable;
using Naru.Connections;
using Naru.Core.Files;
using Naru.Core.Events;
using Naru.Models;
using Naru.Yaml;

namespace Naru.Exports;

/// <summary>Where rows go, as an export's file says it. Holds references to secrets, never the secrets.</summary>
internal abstract record TargetDefinition
{
    public required string Kind { get; init; }

    /// <summary>For people: `shop-db:5432/shop public.orders`. Never a secret.</summary>
    public abstract string Place { get; }

    /// <summary>Changes when rows go elsewhere.</summary>
    public virtual string Fingerprint => $"{Kind} {Place}";
}

/// <summary>One kind of target: how it is written in a file, and how it is opened.</summary>
internal interface ITargetKind
{
    /// <summary>As `kind:` names it.</summary>
    string Name { get; }

    /// <summary>What it can do with rows that are there already.</summary>
    ImmutableArray<ExportMode> Modes { get; }

    /// <summary>Keys of its mapping besides `kind`.</summary>
    ImmutableArray<string> Keys { get; }

    /// <summary>Mistakes are noted; what comes back then is not used.</summary>
    TargetDefinition Read(ConnectionReader reader);

    /// <summary>Connects to nothing yet.</summary>
    /// <exception cref="FillException">A secret is not there.</exception>
    IExportTarget Open(TargetDefinition target, TargetTools tools);
}

/// <summary>What targets are opened with.</summary>
internal sealed record TargetTools(IFileSystem Files, string Root, ProjectZone Zone, TimeProvider Time)
{
    /// <summary>Addresses of this machine and of private networks may be posted to.</summary>
    public bool AllowPrivate { get; init; }
}

/// <summary>
/// Takes the rows of one attempt. What it has sent when it fails or dies must not count: given the same job again, the
/// target is as if it had come once. Rows that do not fit are told to <see cref="ExportRows.Reject"/>.
/// </summary>
internal interface IExportTarget : IAsyncDisposable
{
    /// <exception cref="FillException">It cannot be done, and why: never with a secret in it.</exception>
    Task<ExportTally> SendAsync(ExportJob job, CancellationToken cancellationToken);
}

/// <summary>What one attempt is to send.</summary>
internal sealed record ExportJob
{
    public required ExportDefinition Export { get; init; }

    /// <summary>The interval's name.</summary>
    public required string Interval { get; init; }

    /// <summary>Unix microseconds: where the interval begins. Later intervals have larger ones.</summary>
    public required long First { get; init; }

    /// <summary>Unix microseconds: when the attempt began. Of two attempts the later counts.</summary>
    public required long Started { get; init; }

    public required string Run { get; init; }

    /// <summary>Also where a later interval stands in the target.</summary>
    public bool Force { get; init; }

    public required ExportRows Rows { get; init; }

    /// <summary>What is kept here of what the target holds.</summary>
    public required ExportState Kept { get; init; }

    /// <summary>By what a later export knows that the target holds this one's rows.</summary>
    public string Token => ExportState.Token(First, Started);

    /// <summary>
    /// To be called when all rows have been judged, before they count: keeps what a later mirror is held against.
    /// </summary>
    public void Judged()
    {
        if (Export.Mode == ExportMode.Mirror)
        {
            Kept.SaveBase(Rows, Token);
        }
    }
}

/// <summary>What went out.</summary>
internal sealed record ExportTally(long Rows, long Inserted, long Updated, long Deleted, long Bytes);

/// <summary>The kinds of targets that there are.</summary>
internal sealed class TargetKinds(IEnumerable<ITargetKind> kinds)
{
    private readonly ImmutableArray<ITargetKind> _kinds = [.. kinds];

    public IEnumerable<string> Names => _kinds.Select(static kind => kind.Name);

    public ITargetKind? Find(string name) => _kinds.FirstOrDefault(kind => kind.Name == name);
}
