using System.Text.Json;
using Naru.Access;
using Naru.Query;
using Naru.Query.Worker;
using Naru.Tests.Tidy;

namespace Naru.Tests.Query.Functions;

/// <summary>Functions by name and meaning, each through a real worker.</summary>
public sealed class FunctionTests(ShopLake shop) : IClassFixture<ShopLake>
{
    [Fact]
    public Task Trinos_words_mean_in_its_dialect_what_its_documentation_says() =>
        HoldAsync("trino.txt", SqlDialect.Trino);

    private async Task HoldAsync(string file, SqlDialect dialect)
    {
        List<string> wrong = [];
        foreach (string line in ReadCases(file))
        {
            int arrow = line.LastIndexOf(" => ", StringComparison.Ordinal);
            Assert.True(arrow > 0, line);
            string expression = line[..arrow];
            string expected = line[(arrow + 4)..];
            string found = await ValueAsync(expression, dialect);
            bool right = expected.StartsWith('!')
                ? found.StartsWith('!') && found.Contains(expected[1..], StringComparison.OrdinalIgnoreCase)
                : found == expected;
            if (!right)
            {
                wrong.Add($"{expression}\n    is {found}\n    not {expected}");
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private async Task<string> ValueAsync(string expression, SqlDialect dialect)
    {
        try
        {
            MemorySink sink = await shop.RunAsync(new QueryRequest
            {
                Sql = $"SELECT CAST({expression} AS VARCHAR)",
                Principal = Principal.Open,
                Format = ResultFormat.Json,
                Dialect = dialect,
            });
            using JsonDocument answer = JsonDocument.Parse(sink.Text);
            JsonElement cell = answer.RootElement.GetProperty("rows")[0][0];
            string? text = cell.GetString();
            return text is null ? "NULL" : text.Length == 0 ? "(empty)" : text;
        }
        catch (QueryException exception)
        {
            return "!" + exception.Error.Message;
        }
    }

    private static IEnumerable<string> ReadCases(string file)
    {
        string path = Path.Combine(Repository.Root, "tests", "Naru.Tests", "Query", "Functions", file);
        return File.ReadLines(path).Where(static line => line.Length > 0 && !line.StartsWith('#'));
    }
}
