using System.Collections.Immutable;
using System.Globalization;
using System.IO.Compression;
using System.Text;
using Naru.Access;
using Naru.Core.Files;
using Naru.Lake.Catalog;
using Naru.Lake.DuckDb;
using Naru.Query;
using Naru.Query.Worker;

namespace Naru.Tests.External;

/// <summary>Files of others, read as tables by workers.</summary>
[Trait("Size", "Slow")]
public sealed class ExternalTableTests : IAsyncLifetime
{
    private const string Partners = """
        location: SHARE/partners/*.csv*
        format: csv
        columns: {id: int64, name: string, since: date, seen: timestamp, rate: "decimal(6,3)"}
        """;

    private readonly ExternalRig _rig = new();

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => _rig.DisposeAsync();

    [Fact]
    public async Task Columns_of_csv_go_by_their_names_in_each_file_plain_and_packed()
    {
        _rig.Put("partners/1.csv", "id,name,since,seen,rate\n1,Acme,2026-01-02,2026-01-02T03:04:05Z,0.125\n");
        _rig.Put("partners/2.csv", "rate,extra,id,name\r\n2.5,x,2,\"Bo, \"\"Ltd\"\"\"\r\n,,3,\r\n");
        using MemoryStream packed = new();
        await using (GZipStream zip = new(packed, CompressionMode.Compress, leaveOpen: true))
        {
            zip.Write("\ufeffid,since\n4,2026-02-03\n"u8);
        }

        _rig.Put("partners/3.csv.gz", packed.ToArray());
        Copy("SELECT 5 AS id, 'Zoe' AS name", "partners/4.csv.zst", "(FORMAT csv, COMPRESSION zstd)");
        _rig.Put("partners/5.csv", "");
        _rig.Put("partners/_unfinished.csv", "id\nnone\n");
        await _rig.DefineAsync(("partners", Partners));
        Assert.Equal(
            "1,Acme,2026-01-02,2026-01-02 12:04:05+09:00,0.125|2,\"Bo, \"\"Ltd\"\"\",,,2.500|3,,,,"
                + "|4,,2026-02-03,,|5,Zoe,,,",
            await _rig.AskAsync("SELECT * FROM ext.partners ORDER BY id"));
    }

    [Fact]
    public async Task Files_that_come_go_and_change_are_seen_by_the_next_statement_and_a_moved_location_too()
    {
        _rig.Put("partners/1.csv", "id\n1\n");
        await _rig.DefineAsync(("partners", Partners.Replace(
            "columns: {id: int64, name: string, since: date, seen: timestamp, rate: \"decimal(6,3)\"}",
            "columns: {id: int64}", StringComparison.Ordinal)));
        const string Ids = "SELECT list(id ORDER BY id)::VARCHAR FROM ext.partners";
        Assert.Equal("[1]", await _rig.AskAsync(Ids));
        _rig.Put("partners/2.csv", "id\n2\n3\n");
        Assert.Equal("\"[1, 2, 3]\"", await _rig.AskAsync(Ids));
        File.Delete($"{_rig.Share}/partners/1.csv");
        _rig.Put("partners/2.csv", "id\n9\n");
        Assert.Equal("[9]", await _rig.AskAsync(Ids));

        // Another folder by the same name: the rules of workers are for folders, not for names.
        Directory.Move($"{_rig.Share}/partners", $"{_rig.Share}/before");
        _rig.Put("partners/1.csv", "id\n7\n");
        Assert.Equal("[7]", await _rig.AskAsync(Ids));
        await _rig.DefineAsync(("partners", "location: SHARE/before/*.csv\ncolumns: {id: int64}"));
        Assert.Equal("[9]", await _rig.AskAsync(Ids));

        File.Delete($"{_rig.Share}/before/2.csv");
        QueryError none = await _rig.RefusedAsync(Ids);
        Assert.Equal((QueryCodes.TableFile, 503), (none.Code, none.Status));
        Assert.Contains("no file matches", none.Message, StringComparison.Ordinal);
        await _rig.DefineAsync(("partners", "location: SHARE/before/*.csv\ncolumns: {id: int64}\nempty: allow"));
        Assert.Equal("0", await _rig.AskAsync("SELECT count(*) FROM ext.partners"));
        Directory.Delete($"{_rig.Share}/before");
        QueryError gone = await _rig.RefusedAsync(Ids);
        Assert.Equal("ext.partners: its folder is not there", gone.Message);
    }

    [Fact]
    public async Task Folders_that_name_days_are_columns_by_which_files_are_left_out()
    {
        _rig.Put("events/p_ymd=2026-11-01/region=kr/a.ndjson", "{\"n\":1,\"who\":{\"age\":3}}\n");
        _rig.Put("events/p_ymd=2026-11-02/region=jp/a.ndjson", "{\"n\":2}\n{\"n\":3,\"who\":{\"name\":\"x\"}}\n");
        await _rig.DefineAsync(("events", "location: SHARE/events/p_ymd=*/region=*/*.ndjson"));
        Assert.Equal(
            "1,\"{\"\"age\"\":3}\",2026-11-01,kr|2,,2026-11-02,jp|3,\"{\"\"name\"\":\"\"x\"\"}\",2026-11-02,jp",
            await _rig.AskAsync("SELECT * FROM ext.events ORDER BY n"));

        // A day that nobody asks for may be as broken as it likes.
        _rig.Put("events/p_ymd=2026-11-03/region=kr/a.ndjson", "{\"n\":\n");
        Assert.Equal("2", await _rig.AskAsync("SELECT count(*) FROM ext.events WHERE p_ymd = '2026-11-02'"));
        QueryError broken = await _rig.RefusedAsync("SELECT sum(n) FROM ext.events");
        Assert.Contains(
            "ext.events: p_ymd=2026-11-03/region=kr/a.ndjson, line ", broken.Message, StringComparison.Ordinal);
        Assert.EndsWith("is no JSON", broken.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Parquet_has_its_own_columns_and_one_that_no_file_has_is_named()
    {
        Copy("SELECT 1::HUGEINT AS big, {'a': 1} AS inner_value, TIME '01:02:03' AS at", "p/1.parquet", "");
        Copy("SELECT 2::HUGEINT AS big, 'new' AS more", "p/2.parquet", "");
        await _rig.DefineAsync(("p", "location: SHARE/p/*.parquet"));
        Assert.Equal(
            "1,\"{\"\"a\"\":1}\",01:02:03,|2,,,new", await _rig.AskAsync("SELECT * FROM ext.p ORDER BY big"));
        await _rig.DefineAsync(("p", "location: SHARE/p/*.parquet\ncolumns: {big: int64, wrong: string}"));
        QueryError error = await _rig.RefusedAsync("SELECT big FROM ext.p");
        Assert.Equal("ext.p: no file has the column \"wrong\"", error.Message);
        _rig.Put("p/3.parquet", "no parquet");
        await _rig.DefineAsync(("p", "location: SHARE/p/*.parquet\ncolumns: {big: int64}"));
        error = await _rig.RefusedAsync("SELECT big FROM ext.p");
        Assert.Equal("ext.p: 3.parquet: is no Parquet file", error.Message);
    }

    [Fact]
    public async Task What_is_wrong_in_a_file_is_told_with_its_line_and_column()
    {
        (string Text, string Told)[] wrong =
        [
            (
                "id,since\n1,2026-01-02\n2,02/03/2026\n",
                "line 3: column \"since\" holds \"02/03/2026\", which is no DATE"
            ),
            ("id,since\n1,2026-01-02,x\n", "line 2: has 3 columns, not 2"),
            ("id,name\n1,\"Acme\n", "line 2: a quote has no end"),
            ("id,id\n1,2\n", "its first line names the column \"id\" twice"),
        ];
        _rig.Put("partners/1.csv", "id,name,since,seen,rate\n");
        await _rig.DefineAsync(("partners", Partners));
        foreach ((string text, string told) in wrong)
        {
            _rig.Put("partners/bad.csv", text);
            QueryError error = await _rig.RefusedAsync("SELECT * FROM ext.partners");
            Assert.Equal((QueryCodes.TableFile, 422), (error.Code, error.Status));
            Assert.StartsWith("ext.partners: bad.csv", error.Message, StringComparison.Ordinal);
            Assert.EndsWith(told, error.Message, StringComparison.Ordinal);
            Assert.DoesNotContain(_rig.Root, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_number_is_taken_as_it_is_written_or_told()
    {
        const string Numbers = """
            location: SHARE/n/*
            format: csv
            columns: {id: int64, d: "decimal(6,2)", at: timestamp}
            """;
        await _rig.DefineAsync(("n", Numbers));
        _rig.Put("n/1.csv", "id,d,at\n 12 ,1.500,\n+7,.5,2026-11-21 10:00:00\n3.0,-2,\n,,\n");
        Assert.Equal(
            "-2.00,3|0.50,7|1.50,12|,", await _rig.AskAsync("SELECT d, id FROM ext.n ORDER BY d NULLS LAST"));
        foreach ((string row, string told) in ((string, string)[])
            [
                ("1.5,1,", "column \"id\" holds \"1.5\", which is no BIGINT"),
                ("1e3,1,", "column \"id\" holds \"1e3\", which is no BIGINT"),
                ("1_0,1,", "column \"id\" holds \"1_0\", which is no BIGINT"),
                ("9223372036854775808,1,", "column \"id\" holds \"9223372036854775808\", which is no BIGINT"),
                ("1,1.005,", "column \"d\" holds \"1.005\", which is no DECIMAL(6,2)"),
                (
                    "1,1,2026-11-21 25:00:00",
                    "column \"at\" holds \"2026-11-21 25:00:00\", which is no TIMESTAMP WITH TIME ZONE"
                ),
                ("1,10000,", "column \"d\" holds \"10000\", which is no DECIMAL(6,2)"),
            ])
        {
            _rig.Put("n/1.csv", $"id,d,at\n1,2,\n{row}\n");
            QueryError error = await _rig.RefusedAsync("SELECT * FROM ext.n");
            Assert.Equal($"ext.n: 1.csv, line 3: {told}", error.Message);
        }

        await _rig.DefineAsync(("n", Numbers.Replace("csv", "ndjson", StringComparison.Ordinal)));
        _rig.Put("n/1.csv", "{\"id\":12,\"d\":1.50}\n{\"id\":\"7\"}\n");
        Assert.Equal("7,|12,1.50", await _rig.AskAsync("SELECT id, d FROM ext.n ORDER BY id"));
        _rig.Put("n/1.csv", "{\"id\":12,\"d\":1.50}\n{\"id\":7.5}\n");
        QueryError wrong = await _rig.RefusedAsync("SELECT * FROM ext.n");
        Assert.Equal("ext.n: 1.csv, line 2: column \"id\" holds \"7.5\", which is no BIGINT", wrong.Message);
    }

    [Fact]
    public async Task A_compressed_file_that_was_cut_off_is_not_taken_for_a_whole_one()
    {
        await _rig.DefineAsync(("n", "location: SHARE/n/*\nformat: csv\ncolumns: {id: int64}"));
        byte[] lines = Encoding.UTF8.GetBytes("id\n" + string.Concat(Enumerable.Range(0, 20_000).Select(static n =>
            string.Create(CultureInfo.InvariantCulture, $"{n * 7919 % 99_991}\n"))));
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Fastest, leaveOpen: true))
        {
            gzip.Write(lines);
        }

        // Members one after the other are one file; so are frames of zstd.
        byte[] gz = packed.ToArray();
        _rig.Put("n/a.csv.gz", [.. gz]);
        _rig.Put("n/plain.csv", lines);
        Copy($"SELECT * FROM read_csv('{_rig.Share}/n/plain.csv')", "b", "(FORMAT csv, COMPRESSION zstd)");
        byte[] zst = await File.ReadAllBytesAsync($"{_rig.Share}/b", TestContext.Current.CancellationToken);
        File.Delete($"{_rig.Share}/n/plain.csv");
        _rig.Put("n/b.csv.zst", zst);
        Assert.Equal("40000", await _rig.AskAsync("SELECT count(*) FROM ext.n"));
        foreach ((string file, byte[] whole) in ((string, byte[])[])[("a.csv.gz", gz), ("b.csv.zst", zst)])
        {
            foreach (int length in (int[])[whole.Length - 1, whole.Length / 2, 30])
            {
                _rig.Put($"n/{file}", whole[..length]);
                QueryError error = await _rig.RefusedAsync("SELECT count(*) FROM ext.n");
                Assert.Equal(
                    $"ext.n: {file} is not whole: it ends in the middle, or is damaged", error.Message);
            }

            _rig.Put($"n/{file}", whole);
        }
    }

    [Fact]
    public async Task Rights_filters_and_masks_are_those_of_any_table_and_errors_show_no_hidden_value()
    {
        _rig.Put("partners/1.csv", "id,name,since,seen,rate\n1,Acme,,,\n2,Bo,,,\n");
        await _rig.DefineAsync(("partners", Partners));
        Principal stranger = new() { Name = "stranger", Read = ["kr_shop.*"] };
        Assert.Equal(
            QueryCodes.UnknownTable, (await _rig.RefusedAsync("SELECT * FROM ext.partners", stranger)).Code);
        Assert.DoesNotContain(
            "partners",
            await _rig.AskAsync("SELECT table_name FROM information_schema.tables", stranger),
            StringComparison.Ordinal);
        Principal clerk = new()
        {
            Name = "clerk",
            Roles =
            [
                new Grant
                {
                    Read = ["ext.*"],
                    Rows = ImmutableSortedDictionary<string, string>.Empty.Add("ext.partners", "id = 2"),
                    Masks = ImmutableSortedDictionary<string, ImmutableSortedDictionary<string, ColumnMask>>.Empty
                        .Add(
                            "ext.partners",
                            ImmutableSortedDictionary<string, ColumnMask>.Empty.Add(
                                "name", new ColumnMask("'hidden'", "'hidden'"))),
                },
            ],
        };
        Assert.Equal("2,hidden", await _rig.AskAsync("SELECT id, name FROM ext.partners", clerk));
        _rig.Put("partners/1.csv", "id,name,since,seen,rate\n1,Acme,secret-value,,\n");
        QueryError error = await _rig.RefusedAsync("SELECT * FROM ext.partners", clerk);
        Assert.Contains("line 2: column \"since\" holds a value", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-value", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_worker_reads_the_files_that_it_was_given_and_nothing_beside_them()
    {
        string given = _rig.Put("partners/1.csv", "id\n1\n");
        string beside = _rig.Put("partners/other.txt", "canary\n");
        string outside = $"{_rig.Root}/outside.txt";
        await File.WriteAllTextAsync(outside, "canary\n", TestContext.Current.CancellationToken);
        await _rig.DefineAsync(("partners", "location: SHARE/partners/*.csv\ncolumns: {id: int64}"));
        Assert.Equal("1", await _rig.AskAsync("SELECT id FROM ext.partners"));
        Assert.Equal("{\"size\":5}", await ReadAsync(given, given));
        foreach (string other in (string[])[beside, outside, _rig.SecretFile, "/etc/passwd"])
        {
            await Assert.ThrowsAsync<FileProbeException>(() => ReadAsync(other, given));
        }

        // The engine's own list would let it: the kernel does not, for a link stands on the way.
        Directory.CreateSymbolicLink($"{_rig.Share}/partners/away", Path.GetDirectoryName(_rig.SecretFile)!);
        string swapped = $"{_rig.Share}/partners/away/{Path.GetFileName(_rig.SecretFile)}";
        Assert.True(File.Exists(swapped));
        await Assert.ThrowsAsync<FileProbeException>(() => ReadAsync(swapped, swapped));

        Task<string> ReadAsync(string asked, string allowed) => AnswerAsync(
            $"SELECT size FROM read_blob('{asked}')", allowed);
        async Task<string> AnswerAsync(string sql, string allowed) => string.Join(
            '\n', await _rig.Probe.AskAsync(sql, [allowed], TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Links_that_lead_out_and_folders_of_the_project_are_refused()
    {
        _rig.Put("partners/1.csv", "id\n1\n");
        await _rig.DefineAsync(
            ("partners", "location: SHARE/partners/*.csv\ncolumns: {id: int64}"),
            ("own", "location: lake/**/*.parquet\ncolumns: {card: string}"),
            ("all", $"location: {_rig.Root}/*/*.csv\ncolumns: {{id: int64}}"),
            ("etc", "location: /etc/pass*\nformat: csv\ncolumns: {id: string}"),
            ("kept", "location: files/*.csv\ncolumns: {id: int64}"));
        foreach (string refused in (string[])["own", "all", "etc"])
        {
            QueryError error = await _rig.RefusedAsync($"SELECT * FROM ext.{refused}");
            Assert.Equal($"ext.{refused}: its folder may not be read", error.Message);
        }

        Directory.CreateDirectory($"{_rig.Project}/files");
        await File.WriteAllTextAsync(
            $"{_rig.Project}/files/a.csv", "id\n5\n", TestContext.Current.CancellationToken);
        Assert.Equal("5", await _rig.AskAsync("SELECT id FROM ext.kept"));

        File.CreateSymbolicLink($"{_rig.Share}/partners/2.csv", $"{_rig.Share}/partners/1.csv");
        Assert.Equal("1,2", (await _rig.AskAsync("SELECT min(id), count(*) FROM ext.partners")));
        File.Delete($"{_rig.Share}/partners/2.csv");
        File.CreateSymbolicLink($"{_rig.Share}/partners/2.csv", _rig.SecretFile);
        QueryError link = await _rig.RefusedAsync("SELECT * FROM ext.partners");
        Assert.Equal("ext.partners: \"2.csv\" is a link that leads out of the location", link.Message);
    }

    /// <summary>What a statement ends with whose files others write meanwhile.</summary>
    [Fact]
    public async Task A_file_that_is_rewritten_or_taken_away_under_a_statement_fails_it()
    {
        _rig.Put("partners/1.csv", "id\n1\n");
        _rig.Put("partners/2.csv", "id\n2\n");
        await _rig.DefineAsync(("partners", "location: SHARE/partners/*.csv\ncolumns: {id: int64}"));
        TableName name = new("ext", "partners");
        using ISnapshotLease lease = await _rig.Catalog.LeaseAsync([name], TestContext.Current.CancellationToken);
        await lease.FetchAsync(lease.Tables, TestContext.Current.CancellationToken);
        lease.Verify();

        // Of the same length, and its time set back.
        string path = $"{_rig.Share}/partners/2.csv";
        DateTime before = File.GetLastWriteTimeUtc(path);
        await File.WriteAllTextAsync(path, "id\n3\n", TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(path, before);
        Assert.Equal(
            "ext.partners: 2.csv was changed while it was read",
            Assert.Throws<StorageException>(lease.Verify).Message);
        File.Delete(path);
        Assert.Equal(
            "ext.partners: 2.csv was taken away while it was read",
            Assert.Throws<StorageException>(lease.Verify).Message);
    }

    private void Copy(string query, string name, string options)
    {
        string path = _rig.Put(name, "");
        File.Delete(path);
        using DuckDbDatabase database = DuckDbDatabase.OpenMemory();
        using DuckDbConnection connection = database.Connect();
        connection.Execute($"COPY ({query}) TO '{path}' {options}");
    }
}
