using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Naru.Archive;

/// <summary>What has an owner, and texts that tell of tables.</summary>
internal interface IKept
{
    string Owner { get; }

    /// <summary>Names that its own statements may mean tables by.</summary>
    FrozenSet<string> Names { get; }
}

/// <summary>A field at the top of a dashboard: one for all tiles that have a place of this name.</summary>
/// <param name="Name">As in `{{name}}`.</param>
/// <param name="Type">Null: what the tiles say.</param>
/// <param name="Default">What stands there at first; null: what the tiles say.</param>
/// <param name="Label">What people read before it; null: its name.</param>
/// <param name="Choices">The only values offered; none: any.</param>
internal sealed record DashboardParameter(
    string Name, ParameterType? Type, string? Default, string? Label, ImmutableArray<string> Choices);

/// <summary>One answer on a dashboard: a saved query by its number, or a statement of its own.</summary>
internal sealed record Tile
{
    public const int WidthMax = 12;
    public const int HeightMax = 6;

    public string Title { get; init; } = "";

    public string? Query { get; init; }

    public QueryTemplate? Sql { get; init; }

    /// <summary>Null: as the query says.</summary>
    public ChartView? Chart { get; init; }

    /// <summary>Of twelve columns.</summary>
    public int Width { get; init; } = 6;

    /// <summary>In rows of 160 points.</summary>
    public int Height { get; init; } = 2;

    /// <summary>Where it stands in the file.</summary>
    public int Line { get; init; }

    public int Column { get; init; }
}

/// <summary>
/// Answers on one page: `dashboards/NAME.yaml`. A form is one that is answered when its button is pressed, for people
/// who only need the answer.
/// </summary>
internal sealed record Dashboard : IKept
{
    public const string Folder = "dashboards";
    public const string Extension = ".yaml";

    public required string Name { get; init; }

    public string Title { get; init; } = "";

    public string Description { get; init; } = "";

    public string Owner { get; init; } = "";

    public ImmutableArray<string> Tags { get; init; } = [];

    public bool IsForm { get; init; }

    /// <summary>Null: only when asked.</summary>
    public TimeSpan? Refresh { get; init; }

    public ImmutableArray<DashboardParameter> Parameters { get; init; } = [];

    public ImmutableArray<Tile> Tiles { get; init; } = [];

    public FrozenSet<string> Names { get; init; } = [];
}
