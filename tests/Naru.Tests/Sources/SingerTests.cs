using System.Diagnostics;
using System.Text;
using Naru.Core.Events;
using Naru.Core.Schedules;
using Naru.Definitions;
using Naru.Ledger;
using Naru.Models;
using Naru.Sources;
using Naru.Sources.Singer;
using Naru.Yaml;

namespace Naru.Tests.Sources;

/// <summary>Taps of Singer, each a script of the shell.</summary>
public sealed class SingerTests : IDisposable
{
    private const string Table = "t1_db_crm_users_snapshot_daily";
    private const string Canary = "canary-\"91\"/x";

    private const string Catalog = """
        {"streams": [
          {"tap_stream_id": "users", "stream": "users", "schema": {"type": "object", "properties": {
            "id": {"type": "integer"}, "name": {"type": ["null", "string"]}, "score": {"type": ["number", "null"]},
            "paid": {"type": ["null", "number"], "multipleOf": 0.01}, "ok": {"type": "boolean"},
            "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
            "born": {"type": ["string", "null"], "format": "date"}, "tags": {"type": ["array", "null"]},
            "either": {"type": ["string", "integer"]}, "big": {"type": "integer", "maximum": 18446744073709551615}}},
           "metadata": [{"breadcrumb": [], "metadata": {"table-key-properties": ["id"]}},
             {"breadcrumb": ["properties", "id"], "metadata": {"inclusion": "automatic"}},
             {"breadcrumb": ["properties", "name"], "metadata": {"inclusion": "available"}}]},
          {"tap_stream_id": "notes", "stream": "notes", "schema": {"properties": {"text": {"type": "string"}}}}
        ]}
        """;

    private const string Schema = """{"type": "SCHEMA", "stream": "users", "key_properties": ["id"], "schema": {}}""";

    private static readonly Interval Yesterday = SnapshotRig.Day(19);
    private static readonly Interval Today = SnapshotRig.Day(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("naru-taptest-").FullName;

    public SingerTests()
    {
        File.WriteAllText(Tap, """
            #!/bin/sh
            dir=$(dirname "$0")
            while [ $# -gt 0 ]; do
              case "$1" in
                --discover) discover=1; shift;;
                --config) config=$2; shift 2;;
                --catalog) catalog=$2; shift 2;;
                --state) state=$2; shift 2;;
                *) echo "no argument of a tap: $1" >&2; exit 2;;
              esac
            done
            cp "$config" "$dir/config.seen"
            ls -ld "$config" > "$dir/mode.seen"
            env > "$dir/environment.seen"
            pwd > "$dir/folder.seen"
            if [ -n "$discover" ]; then cat "$dir/catalog.json"; exit 0; fi
            cp "$catalog" "$dir/catalog.seen"
            rm -f "$dir/state.seen"
            if [ -n "$state" ]; then cp "$state" "$dir/state.seen"; fi
            . "$dir/run.sh"
            """);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Tap, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        File.WriteAllText($"{_folder}/catalog.json", Catalog);
        File.WriteAllText($"{_folder}/secret", Canary);
    }

    private string Tap => $"{_folder}/tap-test";

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Records_become_rows_and_the_tap_sees_what_it_is_to_see()
    {
        Gives(
            Schema,
            """
            {"type": "RECORD", "stream": "users", "record": {"id": 1, "name": "김\n", "score": 0.5, "paid": 12.3,
            "ok": true, "at": "2026-11-20T01:02:03.25+09:00", "born": "1999-12-31", "tags": ["a", {"b": 1}],
            "either": 5, "big": 18446744073709551615, "fresh": [1]}, "time_extracted": "2026-11-20T00:00:00Z"}
            """.ReplaceLineEndings(" "),
            """{"type": "RECORD", "stream": "notes", "record": {"text": "of another stream"}}""",
            """{"type": "STATE", "value": {"bookmarks": {}}}""",
            "",
            """{"stream": "users", "record": {"id": 2, "either": "x"}, "type": "RECORD"}""");
        using SnapshotRig rig = Rig("config: {token: file:secret, start: 2020-01-01, pages: 5, deep: {on: true}}");
        Assert.Equal(2, await rig.FillAsync(Table, Today));
        Assert.Equal(
            [
                "1|김\n|0.5|12.30|true|2026-11-19 16:02:03.25+00|1999-12-31|[\"a\", {\"b\": 1}]|5|18446744073709551615|"
                    + "{\"fresh\":[1]}",
                "2" + string.Concat(Enumerable.Repeat("|NULL", 7)) + "|\"x\"|NULL|NULL",
            ],
            rig.Ask(
                $"SELECT id, name, score, paid, ok, \"at\", born, tags, either, big, _unmapped FROM {{{Table}}} "
                + "ORDER BY id"));
        Assert.Equal(
            """{"token":"canary-\u002291\u0022/x","start":"2020-01-01","pages":5,"deep":{"on":true}}""",
            Seen("config"));
        Assert.StartsWith("-rw-------", Seen("mode"), StringComparison.Ordinal);
        Assert.Contains(
            "\"selected\":true,\"replication-method\":\"FULL_TABLE\"", Seen("catalog"), StringComparison.Ordinal);
        Assert.Contains("\"selected\":false", Seen("catalog"), StringComparison.Ordinal);
        Assert.DoesNotContain("DOTNET", Seen("environment"), StringComparison.Ordinal);
        Assert.Contains("PATH=", Seen("environment"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Seen("folder").Trim()));
        Assert.DoesNotContain(rig.Root, Seen("folder"), StringComparison.Ordinal);
        await using ISourceServer server = rig.Connector.Open(rig.Current.Sources[0], rig.Current.Sources[0].Shards[0]);
        Assert.Equal(
            ["notes", "users"],
            (await server.TablesAsync(TestContext.Current.CancellationToken)).Select(static each => $"{each.Name}"));
    }

    [Theory]
    [InlineData("cat \"$dir/messages\"; echo 'Traceback' >&2; echo 'of canary-\"91\"/x here' >&2; exit 3",
        "tap-test failed with exit code 3: Traceback | of (secret) here")]
    [InlineData("cat \"$dir/messages\"; printf '{\"type\": \"RECORD\"'", "tap-test ended in the middle of a line")]
    [InlineData("cat \"$dir/messages\"; echo 'Starting canary-\"91\"/x'",
        "line 3 of tap-test is no message of Singer: Starting (secret)")]
    [InlineData("cat \"$dir/messages\"; echo '{\"type\": \"BATCH\", \"stream\": \"users\"}'",
        "line 3 of tap-test is a message of type BATCH, which is not known")]
    [InlineData("tail -n 1 \"$dir/messages\"", "line 1 of tap-test is a record of stream users before its SCHEMA")]
    [InlineData("exit 0", "tap-test ended well, but without a SCHEMA of stream users")]
    [InlineData("cat \"$dir/messages\"; echo '{\"type\":\"RECORD\",\"stream\":\"users\",\"record\":{\"id\":\"x\"}}'",
        "line 3 of tap-test has \"x\" in id of stream users, but its schema says integer, which is BIGINT in the lake; "
            + "read it as text or JSON: `types: {id: json}`")]
    [InlineData("cat \"$dir/messages\"; echo '{\"type\":\"RECORD\",\"stream\":\"users\",\"record\":{\"id\":2.5}}'",
        "line 3 of tap-test has 2.5 in id of stream users")]
    [InlineData(
        "cat \"$dir/messages\"; echo '{\"type\":\"RECORD\",\"stream\":\"users\",\"record\":{\"name\":[\"x\"]}}'",
        "line 3 of tap-test has [\"x\"] in name of stream users")]
    [InlineData("cat \"$dir/messages\"; kill -9 $$", "tap-test ended by signal 9")]
    public async Task A_tap_that_fails_leaves_what_was_there(string run, string told)
    {
        Gives(Schema, """{"type": "RECORD", "stream": "users", "record": {"id": 1}}""");
        using SnapshotRig rig = Rig("config: {password: file:secret}");
        await rig.FillAsync(Table, Yesterday);
        await File.WriteAllTextAsync($"{_folder}/run.sh", run, TestContext.Current.CancellationToken);
        RunOutcome outcome = await rig.RunAsync(Table, Today);
        Assert.False(outcome.Done);
        Assert.Contains(told, outcome.Why, StringComparison.Ordinal);
        Assert.DoesNotContain("canary", outcome.Why, StringComparison.Ordinal);
        Assert.Equal(["2026-11-19|1"], rig.Ask($"SELECT p_ymd, count(*) FROM {{{Table}}} GROUP BY p_ymd"));
        Assert.Empty(rig.Strays());
        Assert.Equal(FillState.Failed, rig.Ledger.Find($"source/{Table}", Today)!.Record.State);
        Assert.False(Directory.Exists(Seen("folder").Trim()));
    }

    [Fact]
    public async Task A_tap_that_does_not_end_is_ended_with_all_that_it_started()
    {
        File.WriteAllText($"{_folder}/run.sh", """
            sleep 3600 &
            echo $! > "$dir/child.seen"
            wait
            """);
        using SnapshotRig rig = Rig("timeout: 1s");
        RunOutcome outcome = await rig.RunAsync(Table, Today);
        Assert.Contains("tap-test did not end within 1s, and was ended", outcome.Why, StringComparison.Ordinal);
        await GoneAsync(Seen("child").Trim());
    }

    [Fact]
    public async Task A_run_that_is_cancelled_ends_its_tap()
    {
        File.WriteAllText($"{_folder}/run.sh", """
            echo $$ > "$dir/child.tmp"
            mv "$dir/child.tmp" "$dir/child.seen"
            while true; do echo '{"type": "STATE", "value": {}}'; done
            """);
        using SnapshotRig rig = Rig("");
        using CancellationTokenSource stop = new();
        await using ISourceServer server = rig.Connector.Open(rig.Current.Sources[0], rig.Current.Sources[0].Shards[0]);
        await using ISourceSnapshot snapshot = await server.BeginAsync(1, stop.Token);
        SourceTable table = (await snapshot.DescribeAsync(new SourceTableName("", "users"), null, stop.Token))!;
        Task reading = snapshot.ReadAsync(
            new SourceRead { Table = table, Columns = table.Columns }, new RowTexts(table.Columns), stop.Token);
        using CancellationTokenSource limit = new(TimeSpan.FromMinutes(1));
        while (!File.Exists($"{_folder}/child.seen"))
        {
            Assert.False(limit.IsCancellationRequested);
            await Task.Yield();
        }

        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
        await GoneAsync(Seen("child").Trim());
    }

    [Fact]
    public async Task Of_records_with_one_key_the_last_counts()
    {
        Gives(
            Schema,
            """{"type": "RECORD", "stream": "users", "record": {"id": 1, "name": "first"}}""",
            """{"type": "RECORD", "stream": "users", "record": {"id": 2, "name": "other"}}""",
            """{"type": "RECORD", "stream": "users", "record": {"id": 1, "name": "last"}}""");
        using SnapshotRig rig = Rig("");
        Assert.Equal(2, await rig.FillAsync(Table, Today));
        Assert.Equal(["1|last", "2|other"], rig.Ask($"SELECT id, name FROM {{{Table}}} ORDER BY id"));
        Assert.Empty(rig.Strays());
    }

    [Fact]
    public async Task With_its_state_a_tap_gives_what_changed_until_the_version_changes()
    {
        using SnapshotRig rig = Rig("", "[{table: users, state: keep}]");
        Gives(
            Schema,
            """{"type": "RECORD", "stream": "users", "record": {"id": 1, "name": "a"}, "version": 7}""",
            """{"type": "RECORD", "stream": "users", "record": {"id": 2, "name": "b"}, "version": 7}""",
            """{"type": "STATE", "value": {"seen": 1}}""",
            """{"type": "STATE", "value": {"seen": 2}}""");
        await rig.FillAsync(Table, SnapshotRig.Day(18));
        Assert.False(File.Exists($"{_folder}/state.seen"));
        Gives(
            Schema,
            """{"type": "RECORD", "stream": "users", "record": {"id": 2, "name": "B"}, "version": 7}""",
            """{"type": "ACTIVATE_VERSION", "stream": "users", "version": 7}""",
            """{"type": "STATE", "value": {"seen": 3}}""");
        await rig.FillAsync(Table, Yesterday);
        Assert.Equal("""{"seen":2}""", Seen("state"));
        Assert.Contains("\"replication-method\":\"INCREMENTAL\"", Seen("catalog"), StringComparison.Ordinal);
        Assert.Equal(["1|a", "2|B"], Rows(rig, "2026-11-19"));

        // A run that fails keeps the state; nothing is skipped.
        string run = File.ReadAllText($"{_folder}/run.sh");
        File.WriteAllText($"{_folder}/run.sh", $"{run}; exit 1");
        Assert.False((await rig.RunAsync(Table, Today)).Done);
        Gives(
            Schema,
            """{"type": "RECORD", "stream": "users", "record": {"id": 9, "name": "z"}, "version": 8}""",
            """{"type": "ACTIVATE_VERSION", "stream": "users", "version": 8}""",
            """{"type": "STATE", "value": {"seen": 4}}""");
        await rig.FillAsync(Table, Today);
        Assert.Equal("""{"seen":3}""", Seen("state"));
        Assert.Equal(["9|z"], Rows(rig, "2026-11-20"));
        Assert.Empty(rig.Strays());
    }

    [Fact]
    public void Nobody_runs_a_program_by_writing_a_file()
    {
        Assert.Equal(
            [
                "sources/crm.yaml:3:10: the command '/bin/sh -c id' is none that this server may run; who runs the "
                    + "server allows it in naru.yaml: sources: {singer_commands: [\"/bin/sh -c id\"]}",
            ],
            Mistakes("command: [/bin/sh, -c, id]", ["/bin/sh", "sh"]));
        Assert.Empty(Mistakes("command: [/bin/sh, -c, id]", ["/bin/sh -c id"]));
        Assert.Equal(
            [
                "sources/crm.yaml:4:21: 'API_Token' of 'config' is no reference to a secret; keep secrets out of "
                    + "files: write env:NAME or file:PATH",
            ],
            Mistakes("command: tap\nconfig: {API_Token: canary}", ["tap"]));
        Assert.Contains(
            "the source has no 'command'", Mistakes("config: {}", ["tap"]).Single(), StringComparison.Ordinal);
        Assert.Contains(
            "is none that this server may run", Mistakes("command: tap", []).Single(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[python3 /opt/tap.py]", "python3 /opt/tap.py")]
    [InlineData("[sh, -c, id x]", "sh -c id x")]
    [InlineData("[tap, '']", "tap ")]
    [InlineData("[tap, '']", "tap")]
    public void A_word_with_a_blank_is_not_the_words_that_are_allowed(string command, string allowed) =>
        Assert.Contains(
            "is none that this server may run; an empty word, and one with a blank in it, cannot be allowed: "
                + "write each word by itself, or allow a script that holds the command",
            Mistakes($"command: {command}", [allowed]).Single(),
            StringComparison.Ordinal);

    private static string[] Mistakes(string more, string[] allowed)
    {
        MistakeList mistakes = new();
        SourceFolder.Compile(
            [
                new DefinitionFile("sources/crm.yaml", "crm", Encoding.UTF8.GetBytes(
                    $"source: crm\nkind: singer\n{more}\ntables: [users]\n")),
            ],
            new SourceKinds([new SingerKind([.. allowed])]),
            ProjectZone.Utc,
            mistakes);
        return [.. mistakes.Sorted().Select(static each => each.ToString())];
    }

    private static string[] Rows(SnapshotRig rig, string day) => rig.Ask(
        $"SELECT id, name FROM {{{Table}}} WHERE p_ymd = DATE '{day}' ORDER BY id");

    /// <summary>Until the process is no more: a dead one may wait for its parent.</summary>
    private static async Task GoneAsync(string process)
    {
        Stopwatch waited = Stopwatch.StartNew();
        while (File.Exists($"/proc/{process}/stat")
            && !File.ReadAllText($"/proc/{process}/stat").Contains(") Z", StringComparison.Ordinal))
        {
            Assert.True(waited.Elapsed < TimeSpan.FromMinutes(1), $"process {process} lives");
            await Task.Yield();
        }
    }

    private void Gives(params string[] messages)
    {
        File.WriteAllText($"{_folder}/messages", string.Join('\n', messages) + "\n");
        File.WriteAllText($"{_folder}/run.sh", "cat \"$dir/messages\"");
    }

    private string Seen(string what) => File.ReadAllText($"{_folder}/{what}.seen");

    private SnapshotRig Rig(string more, string tables = "[users]")
    {
        SnapshotRig rig = new(
            $"""
            source: crm
            kind: singer
            command: [{Tap}]
            start: 2026-11-01
            {more}
            tables: {tables}

            """,
            kinds: new SourceKinds([new SingerKind([Tap])]));
        File.Copy($"{_folder}/secret", $"{rig.Root}/secret");
        return rig;
    }
}
