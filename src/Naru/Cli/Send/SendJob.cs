namespace Naru.Cli.Send;

internal enum SendFormat
{
    /// <summary>By the file's name, else by its first byte.</summary>
    Auto,

    Ndjson,
    Csv,
    Tsv,
}

/// <summary>What `naru send` was asked to do.</summary>
internal sealed record SendJob
{
    /// <summary>`-` stands for standard input.</summary>
    public const string StandardInput = "-";

    public required string Log { get; init; }

    public required string File { get; init; }

    public required SendFormat Format { get; init; }

    public required Uri Server { get; init; }

    public string? Key { get; init; }

    /// <summary>
    /// Stands for the file in every event's identity: with the line's number and bytes it makes the id, so the same
    /// file sent again under the same name changes nothing, however it is cut.
    /// </summary>
    public required string Source { get; init; }

    public required int Parallel { get; init; }

    /// <summary>Most lines of one request.</summary>
    public required int Batch { get; init; }

    /// <summary>The lines are history: they never move a wall-clock bound of windows.</summary>
    public bool Replay { get; init; }

    /// <summary>Go on behind the last line that was acknowledged.</summary>
    public bool Resume { get; init; }

    /// <summary>Acknowledged when landed, and counted as landed, duplicate or rejected.</summary>
    public bool AwaitLanding { get; init; }

    public bool Validate { get; init; }

    public bool Json { get; init; }

    /// <summary>A request that is refused again and again is given up after this.</summary>
    public TimeSpan GiveUpAfter { get; init; } = TimeSpan.FromMinutes(5);
}

/// <summary>What is wrong with the file or the request, as fact and hint; ends the command.</summary>
internal sealed class SendException(string message, string hint) : Exception(message)
{
    public string Hint { get; } = hint;
}
