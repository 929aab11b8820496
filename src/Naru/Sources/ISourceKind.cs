using System.Collections.Immutable;
using Naru.Connections;
using Naru.Lake.Columns;
using Naru.Models;
using Naru.Yaml;

namespace Naru.Sources;

/// <summary>
/// One kind of server that tables are read from: what a source's `kind` names. One object for all sources of the kind;
/// safe for all threads.
/// </summary>
internal interface ISourceKind
{
    /// <summary>What `kind` says: `postgresql`; the first is shown.</summary>
    ImmutableArray<string> Names { get; }

    /// <summary>
    /// Keys of a source's file that say where it is and as whom it is read; a shard may say each of them for itself.
    /// A key that is not here, and not every source's, is a mistake in a file of this kind.
    /// </summary>
    ImmutableArray<string> Keys { get; }

    /// <summary>Keys of a table besides those of every table.</summary>
    ImmutableArray<string> TableKeys => [];

    /// <summary>
    /// False where nothing can be read by parts at the same time: `parallel` and `chunk_rows` are none of its keys.
    /// </summary>
    bool HasParts => true;

    /// <summary>False where what changed cannot be asked for: `cursor` is none of its tables' keys.</summary>
    bool HasCursor => true;

    /// <summary>
    /// True where a read may give a row several times, by the table's key: then the last one counts. It costs another
    /// pass over the rows.
    /// </summary>
    bool RepeatsRows => false;

    /// <summary>Where a table is that is named without a schema; empty where a database has none.</summary>
    string DefaultSchema => "";

    /// <summary>Mistakes are noted, a key that is needed and not there too; what comes back then is not used.</summary>
    SourcePlace Read(ConnectionReader reader);

    /// <summary>Reads <see cref="TableKeys"/>; mistakes are noted.</summary>
    SourceTableOptions? ReadTable(YamlReader reader) => null;

    /// <summary>Connects to nothing yet. Throws <see cref="SourceException"/> where a secret is not there.</summary>
    ISourceServer Open(SourceOpening opening);

    /// <summary>
    /// The column read as another type of the lake than its own (`types` of a source's table); null where that is not
    /// possible. Every column can be read as text.
    /// </summary>
    SourceColumn? ReadAs(SourceColumn column, ColumnType type);

    /// <summary>
    /// The columns that a table's file can choose from, where its own words make them others than the table shows: an
    /// object as one column, not as its fields.
    /// </summary>
    SourceTable Shaped(SourceTable table, SnapshotDefinition snapshot) => table;
}

/// <summary>
/// One place that tables are read from: a database of a server, or one shard of several. Every call opens the
/// connections that it needs and fails with <see cref="SourceException"/>.
/// </summary>
internal interface ISourceServer : IAsyncDisposable
{
    /// <summary>Databases that the user may connect to, by name.</summary>
    Task<IReadOnlyList<string>> DatabasesAsync(CancellationToken cancellationToken);

    /// <summary>Tables and views of the endpoint's database that the user may read, by name.</summary>
    Task<IReadOnlyList<SourceTableSize>> TablesAsync(CancellationToken cancellationToken);

    /// <summary>Null when there is no such table, or the user may not know of it.</summary>
    /// <param name="table">Which.</param>
    /// <param name="options">What the source's file says of it; null for a table that is only looked at.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken);

    /// <summary>
    /// Opens so many sessions, all read-only and, where the server offers it, at one consistent point.
    /// </summary>
    Task<ISourceSnapshot> BeginAsync(int sessions, CancellationToken cancellationToken);
}

/// <summary>
/// Sessions that see one state of a database. As many calls at the same time as sessions were asked for; each takes a
/// session that is free. Fails with <see cref="SourceException"/>.
/// </summary>
internal interface ISourceSnapshot : IAsyncDisposable
{
    /// <summary>What the server calls the point, for the ledger and people; no secret.</summary>
    string Point { get; }

    /// <summary>False where the server cannot show all sessions the same state: told once a run.</summary>
    bool IsConsistent { get; }

    /// <summary>The table as of this point; null when there is none.</summary>
    /// <param name="table">Which.</param>
    /// <param name="options">What the source's file says of it.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<SourceTable?> DescribeAsync(
        SourceTableName table, SourceTableOptions? options, CancellationToken cancellationToken);

    /// <summary>
    /// Cuts a table into disjoint parts of about so many rows that together are the whole table, by a key or by where
    /// rows lie; one part where it cannot be cut.
    /// </summary>
    Task<IReadOnlyList<SourceChunk>> SplitAsync(
        SourceTable table, long rowsPerChunk, CancellationToken cancellationToken);

    /// <summary>
    /// The greatest value of a column in the server's own text form, which <see cref="SourceRead.From"/> takes; null
    /// for a table without one.
    /// </summary>
    Task<string?> GreatestAsync(SourceTable table, SourceColumn column, CancellationToken cancellationToken);

    /// <summary>
    /// Reads rows straight into the sink's batches, value by value, without an object a row: columns 0 to
    /// Columns.Length - 1 of a batch are those of the order, in its order and of its types. The last batch is given by
    /// <see cref="IRowSink.EndAsync"/>. A value that its type of the lake cannot hold is an error that names table,
    /// column and value, and the mend (`types: {COLUMN: text}`).
    /// </summary>
    Task ReadAsync(SourceRead read, IRowSink sink, CancellationToken cancellationToken);

    /// <summary>
    /// Where the last read of the table ended, from which the next is to go on, for a kind that knows it by reading
    /// only; null where it does not.
    /// </summary>
    SourceReached? Reached(SourceTable table) => null;
}

/// <param name="Value">For <see cref="SourceFrom.Value"/>.</param>
/// <param name="VoidsBefore">What was read is all there is: rows of the snapshot before are not to stay.</param>
internal sealed record SourceReached(string Value, bool VoidsBefore);

/// <summary>
/// Takes the rows of one read. A batch belongs to the reader from <see cref="Begin"/> or <see cref="TakeAsync"/> until
/// it is given back; <see cref="ColumnBatch.EndRow"/> is the sink's to call, which adds columns of its own behind.
/// </summary>
internal interface IRowSink
{
    ColumnBatch Begin();

    /// <summary>Whether a batch of so many rows, whose values have about so many bytes, is to be given.</summary>
    bool IsFull(int rows, long bytes);

    /// <summary>Takes a full batch and gives an empty one; waits where the source has a limit.</summary>
    ValueTask<ColumnBatch> TakeAsync(ColumnBatch batch, int rows, CancellationToken cancellationToken);

    /// <summary>Takes what became of so many values of a column: `are null for 0000-00-00`. Before the end.</summary>
    void Tell(SourceColumn column, string what, long values);

    /// <summary>Takes the last one, which may be empty.</summary>
    ValueTask EndAsync(ColumnBatch batch, int rows, CancellationToken cancellationToken);
}

/// <summary>Why a source cannot be read: the fact, then the mend. Never holds a password.</summary>
internal sealed class SourceException(string message, bool passes = false, Exception? inner = null)
    : FillException(message, inner)
{
    /// <summary>
    /// It may be different at the next attempt: the server is not there, a connection broke, a deadlock.
    /// </summary>
    public bool Passes => passes;
}
