using System.Text;
using Naru.Access;
using Naru.Archive;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Sim;
using Naru.Yaml;

namespace Naru.Tests.Archive;

/// <summary>Saved queries in a project's folder: what is told of wrong ones, versions, and edits that meet.</summary>
public sealed class ShelfTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("naru-shelf-").FullName;
    private readonly ManualTimeProvider _time = new();
    private readonly PosixFileSystem _files = new();

    public ShelfTests() => Directory.CreateDirectory($"{_folder}/queries");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Every_mistake_of_every_file_is_told_with_its_place_and_the_mend()
    {
        Write("A-1", "-- title: one\n-- tilte: two\n-- chart: pye x=a\nSELECT {{n:number=x}}");
        Write("A-2", "-- owner: me\n-- parameters: from=today, to:day\n");
        Write("A.3", "SELECT 1");
        File.WriteAllText($"{_folder}/queries/note.txt", "");
        File.WriteAllText($"{_folder}/queries/.A-9.sql.swp", "");
        File.WriteAllBytes($"{_folder}/queries/A-4.sql", [0xFF, 0xFE]);
        MistakeList mistakes = new();
        Assert.Equal(
            3,
            Shelf<SavedQuery>.ReadAll(_files, $"{_folder}/queries", ArchiveReloader.QueryKind, mistakes).Count());
        Assert.Equal(
            """
            queries/A-1.sql: the default of parameter 'n' is 'x'; write 50
            queries/A-1.sql:2:4: a header has no 'tilte'; did you mean 'title'?
            queries/A-1.sql:3:4: the chart has no kind 'pye'; {KINDS}
            queries/A-2.sql: the query has no title; begin with '-- title: what it answers'
            queries/A-2.sql: the file holds no statement; write the SELECT below its header
            queries/A-2.sql:2:4: 'day' is no type of a parameter; write text, number, date or time
            queries/A-2.sql:2:4: the statement has no 'from' to fill in; {PLACE}
            queries/A-4.sql: the file is not UTF-8 text; save it as UTF-8
            queries/A.3.sql: 'A.3' is no name of a query; {NUMBER}
            queries/note.txt: is no query: its name does not end with .sql; rename or move it
            """
                .Replace(
                    "{KINDS}",
                    $"write '-- chart: {ChartView.Example}'; kinds: {string.Join(", ", ChartView.Kinds)}",
                    StringComparison.Ordinal)
                .Replace(
                    "{PLACE}",
                    "write {{from}} where its value belongs, outside quotes, or leave it out here",
                    StringComparison.Ordinal)
                .Replace("{NUMBER}", ArchiveNames.NumberHint, StringComparison.Ordinal)
                .Split('\n').Order(StringComparer.Ordinal),
            mistakes.Sorted().Select(static mistake => mistake.ToString()).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Every_right_text_is_a_version_and_a_wrong_one_leaves_the_last_in_force()
    {
        Write("A-1", "-- title: one\nSELECT 1");
        Shelf<SavedQuery> shelf = Open();
        Assert.Equal("one", shelf.Current["A-1"].Content.Title);
        Write("A-1", "-- title: two\nSELECT 2");
        shelf.Take(new MistakeList());
        Write("A-1", "-- titel: three\nSELECT 3");
        MistakeList mistakes = new();
        shelf.Take(mistakes);
        Assert.Equal(2, mistakes.Count);
        Shelved<SavedQuery> query = Open().Current["A-1"];
        Assert.Equal("two", query.Content.Title);
        Assert.Contains("titel", query.Problem, StringComparison.Ordinal);
        Assert.Equal([1, 2], query.Versions.Select(static version => version.Version));
        Assert.Equal("-- title: one\nSELECT 1", Text(shelf.ReadVersion("A-1", query.Versions[0])));
        Assert.Equal(
            ["query.change 1", "query.change 2"],
            AuditTrail.Read(_files, $"{_folder}/data/state")
                .Select(static entry => $"{entry.What} {entry.Detail["version"]}"));
    }

    [Fact]
    public void An_edit_on_top_of_anothers_is_refused_and_nothing_is_lost()
    {
        Shelf<SavedQuery> shelf = Open();
        Assert.True(Save(shelf, "one", null, "kim"));
        Assert.False(Save(shelf, "other", null, "lee"));
        string seen = shelf.Current["A-1"].Sha256;
        Assert.True(Save(shelf, "two", seen, "lee"));
        Assert.False(Save(shelf, "late", seen, "kim"));
        Assert.False(shelf.TryRemove("A-1", seen, "kim"));
        Assert.Equal(
            ["kim", "lee"], shelf.Current["A-1"].Versions.Select(static version => version.SavedBy));

        // What the console saved is not a change of the folder.
        shelf.Take(new MistakeList());
        Assert.Equal(2, shelf.Current["A-1"].Versions.Length);
        Assert.True(shelf.TryRemove("A-1", shelf.Current["A-1"].Sha256, "kim"));
        Assert.Empty(shelf.Current);
        Assert.Empty(Directory.GetFiles($"{_folder}/queries"));
        Assert.True(Save(shelf, "again", null, "lee"));
        Assert.Equal([1, 2, 3], shelf.Current["A-1"].Versions.Select(static version => version.Version));
        Assert.Equal(
            ["kim query.change", "lee query.change", "kim query.remove", "lee query.change"],
            AuditTrail.Read(_files, $"{_folder}/data/state").Select(static entry => $"{entry.Who} {entry.What}"));
    }

    [Fact]
    public void Names_of_tables_are_found_where_SQL_may_have_them()
    {
        MistakeList mistakes = new();
        SavedQuery query = SavedQuery.Read("queries/A-1.sql", "A-1", Encoding.UTF8.GetBytes("""
            -- title: kr_a.comment
            SELECT 'kr_b.text', o.x, "kr_c"."or""der" FROM KR_D.log$secure o JOIN queries USING (x), kr_e . f
            """), mistakes)!;
        Assert.Superset(
            new HashSet<string>(StringComparer.OrdinalIgnoreCase)
            {
                "kr_d.LOG$secure", "kr_c.or\"der", "kr_e.f", "o.x", "Queries",
            },
            query.Names.ToHashSet(StringComparer.OrdinalIgnoreCase));
        Assert.DoesNotContain("kr_a.comment", query.Names.AsEnumerable());
        Assert.DoesNotContain("kr_b.text", query.Names.AsEnumerable());
    }

    private Shelf<SavedQuery> Open()
    {
        Directory.CreateDirectory($"{_folder}/data/state");
        Shelf<SavedQuery> shelf = new(
            _files,
            new ProjectPaths(_folder),
            ArchiveReloader.QueryKind,
            AuditTrail.Open(_files, $"{_folder}/data/state", _time),
            _time);
        shelf.Take(new MistakeList());
        return shelf;
    }

    private static bool Save(Shelf<SavedQuery> shelf, string title, string? seen, string by)
    {
        byte[] text = Encoding.UTF8.GetBytes($"-- title: {title}\nSELECT 1");
        SavedQuery query = SavedQuery.Read("queries/A-1.sql", "A-1", text, new MistakeList())!;
        return shelf.TrySave("A-1", text, query, seen, by);
    }

    private static string? Text(byte[]? bytes) => bytes is null ? null : Encoding.UTF8.GetString(bytes);

    private void Write(string name, string text) => File.WriteAllText($"{_folder}/queries/{name}.sql", text);
}
