using System.Collections.Immutable;

namespace Naru.Definitions;

/// <summary>
/// Numbers for definitions that no registry knows: for checks of a folder and for tests. Logs from 1 by name, version
/// 1,
/// field ids from <see cref="LogTables.FirstFieldId"/> in the file's order.
/// </summary>
internal static class ProvisionalDefinitions
{
    public static DefinitionSet Number(TimeZoneInfo timeZone, IEnumerable<LogDefinition> logs) => new(
        timeZone,
        logs.OrderBy(static log => log.FullName, StringComparer.Ordinal)
            .Select(static (log, position) => Number(log, position + 1)));

    private static LogDefinition Number(LogDefinition log, int id)
    {
        IEnumerable<FieldDefinition> fields = log.Fields.Select(static (field, position) =>
            field with { FieldId = LogTables.FirstFieldId + position });
        return log with { Id = id, Version = 1, Fields = fields.ToImmutableArray() };
    }
}
