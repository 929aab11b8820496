using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Lake.Catalog;
using Naru.Lake.Delta;
using Naru.Lake.DuckDb;
using Naru.Lake.Parquet;
using Naru.Sim;
using Naru.Sim.Stream;
using Naru.Stream;
using Naru.Stream.Landing;
using Naru.Tests.Platform;

namespace Naru.Tests.Stream;

/// <summary>
/// Harness H13: values of sensitive fields, in good and in rejected events, are nowhere once their lifetime has ended:
/// not in a table, a log of commits or landings, the topic, the tail, a leftover.
/// </summary>
public sealed class ExpiryCanaryTests : IDisposable
{
    private const string Mark = "CANARY";
    private const int CanaryBytes = 32;
    private const int Days = 10;
    private const string Log = """
        log: kr_shop.member
        description: Somebody signed up.
        owner: test
        fields:
          n: {type: int64, required: true}
          phone: {type: string, sensitive: true, length: 64}
          card: {type: int64, sensitive: true}
        lifetime: {secure: 8d, hot: 30d, warm: 60d, total: 90d}
        """;

    private readonly string _root = Directory.CreateTempSubdirectory("naru-canary-").FullName;
    private readonly ManualTimeProvider _clock = new();
    private readonly PosixFileSystem _files = new();
    private readonly StreamHarness _stream;
    private readonly LogDefinition _log;

    public ExpiryCanaryTests()
    {
        _stream = new StreamHarness(_files, _root, StreamHarness.Parquet(), _clock);
        _log = _stream.Definitions.Publish(Log);
        _stream.Open();
    }

    public void Dispose()
    {
        _stream.CloseAsync().GetAwaiter().GetResult();
        _stream.Dispose();
        Directory.Delete(_root, recursive: true);
    }

    [Fact]
    public async Task No_byte_of_a_sensitive_value_is_left_when_its_lifetime_has_ended()
    {
        string[] canaries = [.. Enumerable.Range(0, 40).Select(Canary)];
        for (int i = 0; i < canaries.Length; i += 5)
        {
            await _stream.AppendAsync(
                _log,
                "app",
                $$"""{"event_id":"{{i}}","n":{{i}},"phone":"{{canaries[i]}}"}""",
                $$"""{"event_id":"{{i}}-missing","phone":"{{canaries[i + 1]}}"}""",
                $$"""{"event_id":"{{i}}-type","n":1,"card":"{{canaries[i + 2]}}"}""",
                $$"""{"event_id":"{{i}}-broken","n":1,"phone":"{{canaries[i + 3]}}""",
                $$"""{"event_id":"{{i}}-long","n":1,"phone":"{{new string('x', 64)}}{{canaries[i + 4]}}"}""");
            _stream.ReadAll();
            FlushTail();
            Assert.NotNull(_stream.Land());
        }

        HashSet<string> found = FindAll();
        Assert.Equal(canaries.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));

        // What comes later keeps its own day's lifetime, and stays.
        for (int day = 0; day < Days; day++)
        {
            _clock.JumpWall(TimeSpan.FromDays(1));
            await _stream.AppendAsync(_log, "app", $$"""{"event_id":"day-{{day}}","n":1}""");
            Assert.NotNull(_stream.Land());
            _stream.Topic.ApplyRetention(_stream.Engine.LandedOffsets);
        }

        string young = Canary(1_000);
        await _stream.AppendAsync(_log, "app", $$"""{"event_id":"young","n":1,"phone":"{{young}}"}""");
        Assert.NotNull(_stream.Land());
        await ExpireAsync([young]);
        Assert.Equal(8 + Days + 1, Rows(ColumnGroup.Fields));
        Assert.Equal(1, Rows(ColumnGroup.Secure));

        _stream.CloseEngine();
        _stream.OpenEngine();
        Assert.Equal([young], FindAll());

        // And it is told which files went, when and by which rule: each is gone from the disk.
        Expiry[] told = [.. new ExpiryLedger(_files, Paths()).Entries];
        Assert.Contains(told, static each => each.Rule == "lifetime.secure 8d of kr_shop.member");
        Assert.Contains(told, static each => each.Rule == "lifetime.secure 8d the shortest of the project");
        foreach (Expiry expiry in told)
        {
            Assert.Equal(expiry.Files, expiry.Paths.Length);
            Assert.All(expiry.Paths, path =>
                Assert.Empty(Directory.GetFiles(_root, Path.GetFileName(path), SearchOption.AllDirectories)));
        }
    }

    private static string Canary(int number)
    {
        byte[] random = new byte[(CanaryBytes - Mark.Length) / 2];
        new Random(number).NextBytes(random);
        return Mark + Convert.ToHexString(random);
    }

    private void FlushTail()
    {
        foreach (ColumnGroup group in Enum.GetValues<ColumnGroup>())
        {
            TableName name = new("kr_shop", "member", group);
            DeltaVersion? version = _stream.Tables.Find(name)?.Current;
            StreamEngine.Release(_stream.Context, _stream.Engine.FlushTail(name, version));
        }
    }

    /// <summary>The platform's own maintenance, until the topic's thread has begun its next segment.</summary>
    private async Task ExpireAsync(string[] left)
    {
        ParquetFiles rewriter = new(new ParquetOptions(), _files, $"{_root}/merge");
        await using StreamWorker worker = new(
            () => _stream.Context, _stream.Topic, _stream.Options, NullLogger.Instance);
        using LakeMaintenance maintenance = new(
            _stream.Tables, worker, _stream.Definitions,
            new MaintenanceParts(_files, rewriter, new ExpiryLedger(_files, Paths()), NoKeptTables(), _clock),
            NullLogger<LakeMaintenance>.Instance);
        await Wait.ForAsync(
            () =>
            {
                maintenance.RunOnce(CancellationToken.None);
                _stream.Topic.ApplyRetention(_stream.Engine.LandedOffsets);
                return Task.FromResult(FindAll().SetEquals(left));
            },
            TimeSpan.FromSeconds(60),
            () => $"left: {string.Join(", ", Places())}");
    }

    private KeptTables NoKeptTables() => new(
        [],
        new CatalogStorage(_stream.Tables, new ParquetTableWriter(new ParquetOptions()), _files, Paths().Tail),
        _clock,
        NullLogger<KeptTables>.Instance);

    private Naru.Configuration.ProjectPaths Paths() => new(_root);

    private long Rows(ColumnGroup group) =>
        _stream.Tables.Find(new TableName("kr_shop", "member", group))!.Current.Files.Sum(static file => file.Rows);

    private HashSet<string> FindAll() =>
        [.. Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories).SelectMany(Find)];

    private IEnumerable<string> Places() => Directory.EnumerateFiles(_root, "*", SearchOption.AllDirectories)
        .Where(file => Find(file).Any());

    /// <summary>Canaries in the file's bytes, and in the rows of a Parquet file, whose pages are compressed.</summary>
    private static IEnumerable<string> Find(string path)
    {
        byte[] bytes;
        try
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            bytes = new byte[file.Length];
            file.ReadExactly(bytes);
        }
        catch (FileNotFoundException)
        {
            return [];
        }

        List<string> texts = [Encoding.Latin1.GetString(bytes)];
        if (path.EndsWith(".parquet", StringComparison.Ordinal)
            && !path.EndsWith(".checkpoint.parquet", StringComparison.Ordinal))
        {
            // The harness writes checkpoints as plain text.
            using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
            using DuckDbConnection connection = database.Connect();
            using DuckDbResult result = connection.Materialize(string.Create(
                CultureInfo.InvariantCulture,
                $"SELECT coalesce(string_agg(t::VARCHAR, ' '), '') FROM read_parquet({ParquetSql.Literal(path)}) t"));
            Assert.True(result.TryNext(out DuckDbChunk? chunk));
            texts.Add(chunk[0].StringAt(0));
        }

        return texts.SelectMany(Canaries);
    }

    private static IEnumerable<string> Canaries(string text)
    {
        for (int at = text.IndexOf(Mark, StringComparison.Ordinal); at >= 0;
            at = text.IndexOf(Mark, at + 1, StringComparison.Ordinal))
        {
            yield return text.Substring(at, Math.Min(CanaryBytes, text.Length - at));
        }
    }
}
