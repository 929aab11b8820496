using System.Collections.Immutable;
using Naru.Lake.Columns;

namespace Naru.Definitions;

/// <summary>
/// The tables that a log's definition makes: system columns first (field ids 1-99), then its fields (from 100), then
/// the partition columns. `raw` and `secure` are keyed by (_topic_partition, _topic_offset).
/// </summary>
internal static class LogTables
{
    public const int FirstFieldId = 100;

    public const string Ymd = "p_ymd";
    public const string Hour = "p_hour";

    /// <summary>Column positions shared by all three groups.</summary>
    public const int PartitionColumn = 0;
    public const int OffsetColumn = 1;

    private static readonly ImmutableArray<Column> Key =
    [
        new("_topic_partition", ColumnType.Int32, false, 1),
        new("_topic_offset", ColumnType.Int64, false, 2),
    ];

    /// <summary>System columns of `fields` in order; the decoder writes them by position.</summary>
    public static readonly ImmutableArray<Column> FieldsSystemColumns =
    [
        .. Key,
        new("_id", ColumnType.String, false, 3),
        new("_event_time", ColumnType.Timestamp, false, 4),
        new("_received_at", ColumnType.Timestamp, false, 5),
        new("_log_version", ColumnType.Int32, false, 6),
        new("_sender", ColumnType.String, false, 7),

        // created | received | repaired: which time _event_time is; created = the client's own, as sent.
        new("_time_source", ColumnType.String, false, 8),

        // The client's own times as it sent them, where it did; kept because _event_time may differ.
        new("_created_at", ColumnType.Timestamp, true, 9),
        new("_sent_at", ColumnType.Timestamp, true, 10),
    ];

    private static readonly Column YmdColumn = new(Ymd, ColumnType.Date, false, 90);
    private static readonly Column HourColumn = new(Hour, ColumnType.Int32, false, 91);
    private static readonly Column PayloadColumn = new("payload", ColumnType.Json, false, 11);

    public static ImmutableArray<string> PartitionColumns(LogDefinition log) =>
        log.PartitionByHour ? [Ymd, Hour] : [Ymd];

    public static TableSchema Fields(LogDefinition log) => new(
    [
        .. FieldsSystemColumns,
        .. log.Fields.Where(static field => !field.Sensitive).Select(ToColumn),
        .. Partitions(log),
    ]);

    public static TableSchema Raw(LogDefinition log) => new([.. Key, PayloadColumn, .. Partitions(log)]);

    /// <summary>Key and sensitive fields; a row only for events that carry at least one of them.</summary>
    public static TableSchema Secure(LogDefinition log) => new(
    [
        .. Key,
        .. log.Fields.Where(static field => field.Sensitive).Select(ToColumn),
        .. Partitions(log),
    ]);

    private static Column ToColumn(FieldDefinition field) =>
        new(field.Name, field.Type, field.Nullable || !field.Required, field.FieldId);

    private static ImmutableArray<Column> Partitions(LogDefinition log) => PartitionColumns(log.PartitionByHour);

    public static ImmutableArray<Column> PartitionColumns(bool byHour) =>
        byHour ? [YmdColumn, HourColumn] : [YmdColumn];
}
