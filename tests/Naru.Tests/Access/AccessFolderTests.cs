using System.Text;
using Naru.Access;
using Naru.Lake.Catalog;
using Naru.Lake.Columns;
using Naru.Query.Gate;
using Naru.Yaml;

namespace Naru.Tests.Access;

/// <summary>`access/*.yaml`: what it gives, and every mistake at once with its place.</summary>
public class AccessFolderTests
{
    private const string Shop = """
        roles:
          analyst:
            description: looks at the shop, never at people
            read: [kr_shop.*, agg.*]
            rows:
              kr_shop.order: "region = 'seoul' AND seller = {{user}}"
            masks:
              kr_shop.order: {phone: "left(phone, 3)", email: hash, note: null}
          admin: {read: "*", secure: "*", administer: true}
        users:
          kim: {roles: [analyst], from: 2026-01-01, until: 2027-01-01, ticket: marketing}
          lee@shop.kr: {roles: [analyst, admin]}
        tickets:
          marketing: {owner: kim, pools: [eda, etl], concurrent: 4, scanned_per_day: 200GB, cpu_per_day: 2h}
        """;

    private static readonly TableDescription[] Tables =
    [
        new(
            new TableName("kr_shop", "order"),
            new TableSchema(
            [
                new("region", ColumnType.String, true, 1),
                new("seller", ColumnType.String, true, 2),
                new("phone", ColumnType.String, true, 3),
                new("email", ColumnType.String, true, 4),
                new("note", ColumnType.String, true, 5),
                new("amount", ColumnType.Int64, true, 6),
            ]),
            "",
            System: false),
    ];

    [Fact]
    public void Roles_and_users_are_read()
    {
        AccessSet access = Read(out MistakeList mistakes, Shop)!;
        RuleChecker.Check(access, Tables, mistakes);
        Assert.Empty(mistakes.Sorted());
        Grant analyst = access.Roles["analyst"];
        Assert.Equal(["kr_shop.*", "agg.*"], analyst.Read);
        Assert.Equal("NULL", analyst.Masks["kr_shop.order"]["note"].Sql);
        Assert.Equal("left(sha256('00ff' || \"email\"), 16)", analyst.Masks["kr_shop.order"]["email"].Sql);
        UserDefinition kim = access.Users["kim"];
        Assert.Equal(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.FromHours(9)), kim.From);
        Assert.True(kim.IsValidAt(kim.From!.Value));
        Assert.False(kim.IsValidAt(kim.From.Value.AddSeconds(-1)));
        Assert.False(kim.IsValidAt(kim.Until!.Value));
        Assert.Equal("marketing", kim.Ticket);
        Assert.True(access.Roles["admin"].Administer);
    }

    [Fact]
    public void Every_mistake_of_every_file_is_told_with_its_place_and_nothing_is_taken()
    {
        AccessSet? access = Read(
            out MistakeList mistakes,
            """
            roles:
              Analyst: {read: [kr_shop.*]}
              empty: {}
              typo: {raed: [kr_shop.*]}
              pattern: {read: [kr_shop]}
              hidden: {read: ["*"], rows: {agg.sales: "true"}}
            users:
              kim: {roles: [analist]}
              lee: {roles: [typo], from: 2027-01-01, until: 2026-01-01}
              park: {roles: [typo], from: tomorrow}
              local: {roles: [typo]}
            """,
            "roles:\n  typo: {read: [x.*]}\n");
        Assert.Null(access);
        Assert.Equal(
            [
                "access/0.yaml:2:3: 'Analyst' is no name of a role",
                "access/0.yaml:3:3: role 'empty' gives nothing",
                "access/0.yaml:4:3: role 'typo' gives nothing",
                "access/0.yaml:4:10: unknown key 'raed' in role 'typo'",
                "access/0.yaml:5:20: 'kr_shop' is no pattern for 'read'",
                "access/0.yaml:6:3: role 'hidden' has rows or masks of agg.sales, which it may not read",
                "access/0.yaml:8:17: user 'kim' has role 'analist', which is not defined",
                "access/0.yaml:9:3: user 'lee' is valid from after until",
                "access/0.yaml:10:31: 'tomorrow' of 'from' is no date",
                "access/0.yaml:11:3: the name 'local' is Naru's own",
                "access/1.yaml:2:3: role 'typo' is defined twice",
            ],
            mistakes.Sorted().Select(static mistake => mistake.ToString().Split("; ")[0]));
    }

    [Theory]
    [InlineData("region = 'seoul'", null)]
    [InlineData("region IN ('seoul', 'busan') AND amount > 10 -- a note", null)]
    [InlineData("coalesce(lower(region), '') = {{user}}", null)]
    [InlineData("regio = 'seoul'", "cannot be used")]
    [InlineData("region", "are VARCHAR, not true or false")]
    [InlineData("amount IN (SELECT 1)", "hold a subquery")]
    [InlineData("EXISTS (FROM kr_shop.order)", "hold a subquery")]
    [InlineData("true) OR (true), (true", "are more than one expression")]
    [InlineData("true) FROM kr_shop.order --", "cannot be read")]
    [InlineData("true); DROP TABLE x; SELECT (true", "cannot be read")]
    [InlineData("true); SELECT (true", "are more than one expression")]
    [InlineData("true) FROM (SELECT 1", "are more than one expression")]
    [InlineData("max(amount) > 1", "cannot be used")]
    [InlineData("row_number() OVER () = 1", "hold a window")]
    [InlineData("random() > 0.5", "call random")]
    [InlineData("read_text('/etc/passwd') = ''", "call read_text")]
    [InlineData("getenv('HOME') = ''", "call getenv")]
    [InlineData("current_setting('threads') = ''", "call current_setting")]
    [InlineData("region = ", "cannot be read")]
    public void A_condition_is_held_against_its_table(string condition, string? fault)
    {
        AccessSet access = Read(
            out MistakeList mistakes,
            $"roles:\n  r:\n    read: [kr_shop.*]\n    rows:\n      kr_shop.order: \"{condition}\"\n")!;
        RuleChecker.Check(access, Tables, mistakes);
        if (fault is null)
        {
            Assert.Empty(mistakes.Sorted());
            return;
        }

        Mistake mistake = Assert.Single(mistakes.Sorted());
        Assert.Contains(fault, mistake.Message, StringComparison.Ordinal);
        Assert.Equal(("access/0.yaml", 5, 22), (mistake.File, mistake.Line, mistake.Column));
    }

    [Theory]
    [InlineData("kr_shop.ordre", "phone", "null", "there is no table kr_shop.ordre", "did you mean kr_shop.order?")]
    [InlineData("kr_shop.order", "phon", "null", "kr_shop.order has no column 'phon'", "did you mean 'phone'?")]
    [InlineData("kr_shop.order", "amount", "hash", "is hash, and the column is BIGINT", "hash is for texts")]
    [InlineData("kr_shop.order", "phone", "max(phone)", "cannot be used", "")]
    [InlineData("kr_shop.order", "amount", "{a: 1}", "holds", "")]
    public void A_mask_is_held_against_its_column(
        string table, string column, string mask, string fault, string hint)
    {
        AccessSet? access = Read(
            out MistakeList mistakes,
            $"roles:\n  r: {{read: [kr_shop.*], masks: {{{table}: {{{column}: {mask}}}}}}}\n");
        if (access is not null)
        {
            RuleChecker.Check(access, Tables, mistakes);
        }

        Mistake mistake = Assert.Single(mistakes.Sorted());
        Assert.Contains(fault, mistake.Message, StringComparison.Ordinal);
        Assert.Contains(hint, mistake.Hint, StringComparison.Ordinal);
    }

    private static AccessSet? Read(out MistakeList mistakes, params string[] texts)
    {
        mistakes = new MistakeList();
        AccessFile[] files =
            [.. texts.Select(static (text, i) => new AccessFile($"{i}.yaml", Encoding.UTF8.GetBytes(text)))];
        return AccessFolder.Read(files, TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul"), "00ff", mistakes);
    }
}
