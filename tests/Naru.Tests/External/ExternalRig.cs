using System.Collections.Immutable;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.External;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query;
using Naru.Query.History;
using Naru.Query.Pool;
using Naru.Query.Worker;
using Naru.Sim.Query;
using Naru.Sources;
using Naru.Tests.Query;
using Naru.Yaml;

namespace Naru.Tests.External;

/// <summary>
/// A project with a lake, a folder `share` beside it that is others', and a pool of one worker that asks both.
/// </summary>
public sealed class ExternalRig : IAsyncDisposable
{
    private static readonly TableName Secret = new("kr_shop", "order", ColumnGroup.Secure);

    private readonly FolderLake _lake;
    private readonly QueryPools _pools;
    private readonly OutsideFolders _outside;
    private ExternalSet _set = ExternalSet.Empty;

    public ExternalRig()
    {
        Root = Directory.CreateTempSubdirectory("naru-external-").FullName;
        Root = FileSystemInfoOf(Root);
        Share = Directory.CreateDirectory($"{Root}/share").FullName;
        _lake = new FolderLake($"{Root}/project");
        _lake.AddTable(Secret, "", new TableSchema([new("card", ColumnType.String, true, 100)]));
        _lake.Land(Secret, "", "SELECT 'card-4711' AS card");
        Directory.CreateDirectory($"{_lake.Root}/tables");
        QueryPlace place = new(
            new QueryPaths(_lake.Lake, _lake.Tail, _lake.Spill, $"{_lake.Root}/state"),
            TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"));
        QueryOptions options = new()
        {
            Workers = 1, EtlWorkers = 1, Threads = 1, MemoryBytes = 256L << 20, SpillBytesMax = 64L << 20,
        };
        _pools = QueryPools.Open(options, pool => new WorkerPool(
            pool, place, new PosixFileSystem(), TimeProvider.System, NullLogger.Instance));
        _pools[PoolName.Eda].ClearSpill();
        Probe = new FileProbe(_pools, TimeProvider.System);
        Shapes = new ExternalShapes(
            () => _set,
            new LocationRules(_lake.Root, [Share], []),
            new ExternalProbe(Probe),
            new DefinitionsOptions(),
            new ShapeParts(TimeProvider.System, NullLogger.Instance));
        place.Outside.Add(Shapes.Folders);
        _outside = place.Outside;
        Catalog = new ExternalCatalog(_lake, Shapes);
        Service = new QueryService(
            options,
            Catalog,
            _pools,
            new QueryRegistry(10, TimeProvider.System),
            new QueryKeepers(TicketBook.None, NoHistory.Instance),
            TimeProvider.System,
            NullLogger.Instance);
    }

    public string Root { get; }

    public string Share { get; }

    public string Project => _lake.Root;

    internal FileProbe Probe { get; }

    internal ExternalShapes Shapes { get; }

    internal ExternalCatalog Catalog { get; }

    internal QueryService Service { get; }

    /// <summary>The one file that holds what is secret.</summary>
    public string SecretFile =>
        Directory.EnumerateFiles(_lake.Lake, "*.parquet", SearchOption.AllDirectories).Single();

    /// <summary>Writes a file below `share`, as somebody else would: beside its place, then renamed.</summary>
    public string Put(string name, string text) => Put(name, Encoding.UTF8.GetBytes(text));

    public string Put(string name, byte[] bytes)
    {
        string path = $"{Share}/{name}";
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes($"{path}.part", bytes);
        File.Move($"{path}.part", path, overwrite: true);
        return path;
    }

    /// <summary>For sources of files below `share`.</summary>
    internal SourceFileTools ToolsOfSources(Func<string>? copies = null)
    {
        _outside.Add(() => copies is null ? [Share] : [Share, copies()]);
        return new SourceFileTools(Probe, Shapes.Rules);
    }

    /// <summary>Takes these definitions, and no others.</summary>
    public async Task DefineAsync(params (string Name, string Yaml)[] tables)
    {
        MistakeList mistakes = new();
        _set = new ExternalSet(
        [
            .. tables.Select(table => ExternalFile.Read(
                new DefinitionFile($"tables/{table.Name}.yaml", table.Name, Encoding.UTF8.GetBytes(
                    $"table: {table.Name}\n{table.Yaml.Replace("SHARE", Share, StringComparison.Ordinal)}\n")),
                Project,
                mistakes)!),
        ]);
        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes.Sorted()));
        await Shapes.LookAsync(TestContext.Current.CancellationToken);
    }

    internal async Task<string> AskAsync(string sql, Principal? principal = null)
    {
        MemorySink sink = new();
        await Service.RunAsync(
            new QueryRequest { Sql = sql, Principal = principal ?? Principal.Open, Format = ResultFormat.Csv },
            sink,
            TestContext.Current.CancellationToken);
        string[] lines = sink.Text.ReplaceLineEndings("\n").TrimEnd('\n').Split('\n');
        return string.Join('|', lines.Skip(1));
    }

    internal async Task<QueryError> RefusedAsync(string sql, Principal? principal = null) =>
        (await Assert.ThrowsAsync<QueryException>(() => AskAsync(sql, principal))).Error;

    public async ValueTask DisposeAsync()
    {
        Shapes.Dispose();
        await _pools.DisposeAsync();
        _lake.Dispose();
        Directory.Delete(Root, recursive: true);
    }

    /// <summary>Where the system's folder for temporary files is a link, what it leads to.</summary>
    private static string FileSystemInfoOf(string path) => Naru.Query.Sandbox.FileStamp.RealPath(path) ?? path;
}
