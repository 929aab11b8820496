using System.Collections.Immutable;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;

namespace Naru.Stream;

/// <summary>
/// Lake tables of schema `naru` that the stream lands itself, in the same landing as the events that they speak of.
/// Partitioned by the day (of the project's zone) of receipt, of the minute, or of the replay.
/// </summary>
internal static class StreamTables
{
    public const string Schema = "naru";

    /// <summary>What was not landed and why. Its secure group holds the raw bytes.</summary>
    public static readonly TableName Rejected = new(Schema, "rejected");

    public static readonly TableName RejectedSecure = new(Schema, "rejected", ColumnGroup.Secure);

    /// <summary>What became of each replayed event: at most one row an origin that landed.</summary>
    public static readonly TableName Replays = new(Schema, "replays");

    /// <summary>Counts per log and minute of receipt, one row a landing: sum them.</summary>
    public static readonly TableName Volume = new(Schema, "volume");

    /// <summary>Senders whose clocks lie, one row a landing.</summary>
    public static readonly TableName TimeSuspects = new(Schema, "time_suspects");

    /// <summary>Events that came to an aggregate after their windows' lateness.</summary>
    public static readonly TableName Late = new(Schema, "late");

    public static readonly ImmutableArray<string> PartitionColumns = [LogTables.Ymd];

    private static readonly Column Ymd = new(LogTables.Ymd, ColumnType.Date, false, 90);

    public static readonly TableSchema RejectedSchema = new(
    [
        new("_topic_partition", ColumnType.Int32, false, 1),
        new("_topic_offset", ColumnType.Int64, false, 2),
        new("_id", ColumnType.String, true, 3),
        new("_received_at", ColumnType.Timestamp, false, 5),
        new("_log_version", ColumnType.Int32, false, 6),
        new("_sender", ColumnType.String, false, 7),
        new("log", ColumnType.String, true, 100),
        new("reason", ColumnType.String, false, 101),
        new("path", ColumnType.String, true, 102),
        new("message", ColumnType.String, true, 103),
        new("bytes", ColumnType.Int32, false, 104),
        new("replay_of_partition", ColumnType.Int32, true, 105),
        new("replay_of_offset", ColumnType.Int64, true, 106),
        Ymd,
    ]);

    public static readonly TableSchema RejectedSecureSchema = new(
    [
        new("_topic_partition", ColumnType.Int32, false, 1),
        new("_topic_offset", ColumnType.Int64, false, 2),

        // utf8 | base64: bytes that are no valid UTF-8 are kept as base64.
        new("encoding", ColumnType.String, false, 100),
        new("raw", ColumnType.String, false, 101),
        Ymd,
    ]);

    public static readonly TableSchema ReplaysSchema = new(
    [
        new("_topic_partition", ColumnType.Int32, false, 1),
        new("_topic_offset", ColumnType.Int64, false, 2),
        new("origin_partition", ColumnType.Int32, false, 100),
        new("origin_offset", ColumnType.Int64, false, 101),

        // landed | duplicate | rejected
        new("outcome", ColumnType.String, false, 102),
        new("replayed_at", ColumnType.Timestamp, false, 103),
        Ymd,
    ]);

    public static readonly TableSchema VolumeSchema = new(
    [
        new("log", ColumnType.String, false, 100),
        new("minute", ColumnType.Timestamp, false, 101),
        new("received", ColumnType.Int64, false, 102),
        new("replayed", ColumnType.Int64, false, 103),
        new("landed", ColumnType.Int64, false, 104),
        new("duplicate", ColumnType.Int64, false, 105),
        new("rejected", ColumnType.Int64, false, 106),
        new("late", ColumnType.Int64, false, 107),
        new("landing", ColumnType.Int64, false, 108),
        Ymd,
    ]);

    public static readonly TableSchema TimeSuspectsSchema = new(
    [
        new("log", ColumnType.String, false, 100),
        new("sender", ColumnType.String, false, 101),
        new("events", ColumnType.Int64, false, 102),

        // Of the sender's clock against the server's; positive is ahead.
        new("min_skew_seconds", ColumnType.Int64, false, 103),
        new("max_skew_seconds", ColumnType.Int64, false, 104),
        new("received_until", ColumnType.Timestamp, false, 105),
        Ymd,
    ]);

    public static readonly TableSchema LateSchema = new(
    [
        new("aggregate", ColumnType.String, false, 100),
        new("log", ColumnType.String, false, 101),
        new("_id", ColumnType.String, false, 3),
        new("_event_time", ColumnType.Timestamp, false, 4),

        // The windows that the event is missing in until they are recomputed begin and end within these.
        new("window_start", ColumnType.Timestamp, false, 102),
        new("window_end", ColumnType.Timestamp, false, 103),
        new("watermark", ColumnType.Timestamp, false, 104),
        Ymd,
    ]);

    public static readonly ImmutableArray<(TableName Name, TableSchema Schema, string Description)> All =
    [
        (Late, LateSchema, "events that came to an aggregate after their windows' lateness; they are recomputed"),
        (Rejected, RejectedSchema, "events that were received and not landed, with the reason"),
        (RejectedSecure, RejectedSecureSchema, "their bytes as received; expires with the shortest secure lifetime"),
        (Replays, ReplaysSchema, "what became of replayed events"),
        (TimeSuspects, TimeSuspectsSchema, "senders whose clocks lie, and by how much"),
        (Volume, VolumeSchema, "received, landed, duplicate and rejected events per log and minute of receipt"),
    ];
}
