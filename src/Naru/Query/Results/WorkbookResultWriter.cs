using System.Collections.Immutable;
using Naru.Lake.DuckDb;
using Naru.Query.Worker;

// A result in a spill folder is scratch of one query: not persistent.
#pragma warning disable RS0030

namespace Naru.Query.Results;

/// <summary>
/// Writes a workbook into the worker's spill folder, from where the server sends it when it is whole: that the answer
/// is too large for one is said before anything is sent.
/// </summary>
internal sealed class WorkbookResultWriter(OutputBuffer output, ZoneClock clock, string path)
    : ResultWriter(output), IDisposable
{
    private FileStream? _file;
    private WorkbookWriter? _book;

    public override void Begin(ImmutableArray<DuckDbColumn> columns)
    {
        _file = new FileStream(path, FileMode.Create, FileAccess.Write, FileShare.ReadWrite, bufferSize: 64 * 1024);
        _book = new WorkbookWriter(_file, columns, clock);
    }

    public override void WriteRow(DuckDbVector[] vectors, int row) => _book!.WriteRow(vectors, row);

    public override void End(RunFinished finished)
    {
        _book!.End();
        _file!.Flush();
    }

    public void Dispose()
    {
        _book?.Dispose();
        _file?.Dispose();
    }
}
