using System.Collections.Immutable;
using System.Globalization;
using Naru.Definitions;
using Naru.Lake.Catalog;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Where results are kept: `lake/agg/[name]@[version]/fields`. In SQL the version that serves is `agg.[name]`.
/// </summary>
internal static class AggregateTables
{
    public const string Schema = "agg";

    public static readonly ImmutableArray<string> PartitionColumns = [LogTables.Ymd, LogTables.Hour];

    public static TableName Of(string name, int version) =>
        new(Schema, string.Create(CultureInfo.InvariantCulture, $"{name}@{version}"));
}
