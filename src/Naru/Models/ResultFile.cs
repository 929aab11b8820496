using Naru.Query;
using Naru.Query.Worker;

// A result on its way into the lake is scratch of one run: written once as a stream, never kept.
#pragma warning disable RS0030

namespace Naru.Models;

/// <summary>Takes a Parquet result into a scratch file, and removes it in the end.</summary>
internal sealed class ResultFile : IResultSink, IDisposable
{
    private readonly FileStream _file;

    public ResultFile(string path)
    {
        Path = path;
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, bufferSize: 0);
    }

    public string Path { get; }

    /// <summary>The query's, for its history.</summary>
    public string Query { get; private set; } = "";

    public void Admitted(string id) => Query = id;

    public ValueTask BeginAsync(IReadOnlyList<ResultColumn> columns, CancellationToken cancellationToken) =>
        ValueTask.CompletedTask;

    public ValueTask DataAsync(ReadOnlyMemory<byte> rows, CancellationToken cancellationToken) =>
        _file.WriteAsync(rows, cancellationToken);

    public async ValueTask EndAsync(QuerySummary summary, CancellationToken cancellationToken) =>
        await _file.FlushAsync(cancellationToken).ConfigureAwait(false);

    public void Dispose()
    {
        _file.Dispose();
        File.Delete(Path);
    }
}
