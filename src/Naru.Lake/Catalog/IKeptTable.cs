using Naru.Lake.Columns;

namespace Naru.Lake.Catalog;

/// <summary>What a table of schema `naru` is called and looks like.</summary>
public sealed record SystemTableShape(string Name, TableSchema Schema, string Description);

/// <summary>
/// A table of schema `naru` whose rows a slice makes one at a time, and that the lake keeps. Rows are numbered from 1
/// in the order in which they were made; no number is used twice, restarts included.
/// </summary>
public interface IKeptTable
{
    /// <summary>The last column is the day that the table is partitioned by.</summary>
    SystemTableShape Shape { get; }

    /// <summary>How long a day's rows are kept.</summary>
    TimeSpan Lifetime { get; }

    /// <summary>Called once and first: rows up to this number are in the lake.</summary>
    void Open(long committed);

    /// <summary>
    /// Appends the rows behind this number that the lake does not have; gives the last one's number, or
    /// <paramref name="after"/> when there is none.
    /// </summary>
    long Fill(ColumnBatch rows, long after);

    /// <summary>Rows up to this number are in the lake now.</summary>
    void Forget(long through);
}
