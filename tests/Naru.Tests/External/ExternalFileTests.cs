using System.Text;
using Naru.Definitions;
using Naru.External;
using Naru.Lake.Columns;
using Naru.Yaml;

namespace Naru.Tests.External;

/// <summary>Files of `tables/`.</summary>
public class ExternalFileTests
{
    [Theory]
    [InlineData("", "the table has no 'location'")]
    [InlineData("location: ../other/*.csv", "has an empty part, a '.' or a '..'")]
    [InlineData("location: /srv//a.csv", "has an empty part, a '.' or a '..'")]
    [InlineData("location: /*/a.csv", "names no folder")]
    [InlineData("location: /a.csv", "names no folder")]
    [InlineData("location: /srv/[ab].csv", "has a letter that no location may have")]
    [InlineData("location: /srv/x/**", "ends with '**'")]
    [InlineData("location: /srv/x/*.tsv", "the table has no 'format'")]
    [InlineData("location: /srv/x/*.csv\ncolumns: {id: int}", "there is no type 'int'")]
    [InlineData("location: /srv/x/*.csv\ncolumns: {id: int64, ID: string}", "the column 'ID' is there twice")]
    [InlineData("location: /srv/x/*.csv\ncsv: {header: false}", "CSV without a header needs 'columns'")]
    [InlineData("location: /srv/x/*.parquet\ncsv: {delimiter: ';'}", "'csv' is for tables of format csv")]
    [InlineData("location: /srv/x/*.csv\ncsv: {delimiter: ''}", "'delimiter' of 'csv' is ''")]
    [InlineData("location: /srv/p_ymd=*/p_ymd=*/a.csv", "'location' names 'p_ymd=' twice")]
    [InlineData("location: /srv/x/*.csv\nempty: maybe", "'empty' of the table is 'maybe'")]
    [InlineData("location: /srv/x/*.csv\nformats: csv", "unknown key 'formats' in the table")]
    public void Mistakes_are_named(string yaml, string told)
    {
        MistakeList mistakes = new();
        Assert.Null(Read(yaml, mistakes));
        Assert.Contains(mistakes.Sorted(), mistake => mistake.Message.Contains(told, StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_says_all_there_is_to_say()
    {
        MistakeList mistakes = new();
        ExternalTable table = Read(
            """
            description: Rates.
            owner: sales
            location: /srv/x/p_ymd=*/**/*.csv.gz
            columns:
              id: {type: int64, description: The partner's number.}
              rate: decimal(6,3)
              p_ymd: string
            csv: {delimiter: ';', quote: '', null: ['', NULL], skip: 2, dates: "%d.%m.%Y"}
            empty: allow
            """,
            mistakes)!;
        Assert.True(mistakes.Count == 0, string.Join('\n', mistakes.Sorted()));
        Assert.Equal("/srv/x", table.Location.Folder);
        Assert.Equal(["p_ymd=*", "**", "*.csv.gz"], table.Location.Parts);
        Assert.Equal(["id", "rate"], table.Columns.Select(static column => column.Name));
        Assert.Equal(ColumnType.String, Assert.Single(table.Partitions).Type);
        Assert.Equal(
            ["id", "rate", "p_ymd"], table.SchemaOf(table.Columns).Columns.Select(static column => column.Name));
        Assert.Equal("The partner's number.", table.Comments["id"]);
        Assert.Equal((";", "", 2, "%d.%m.%Y"), (table.Csv.Delimiter, table.Csv.Quote, table.Csv.Skip, table.Csv.Dates));
        Assert.Equal(["", "NULL"], table.Csv.Null);
        Assert.True(table.AllowsEmpty);
    }

    private static ExternalTable? Read(string yaml, MistakeList mistakes) => ExternalFile.Read(
        new DefinitionFile("tables/x.yaml", "x", Encoding.UTF8.GetBytes($"table: x\n{yaml}\n")), "/project", mistakes);
}
