using System.Text;
using Naru.Definitions;
using Naru.Definitions.JsonSchema;
using Naru.Yaml;

namespace Naru.Tests.Definitions;

public class LogTextTests
{
    private const int Rounds = 500;

    internal static LogDefinition ReadBack(string text, string name)
    {
        MistakeList mistakes = new();
        LogFileContent? content = LogFile.Read($"{name}.yaml", Encoding.UTF8.GetBytes(text), mistakes);
        Assert.True(content is not null, string.Join('\n', mistakes.Sorted()) + "\n" + text);
        return content.Log;
    }

    [Fact]
    public void What_is_written_reads_back_as_the_same_definition()
    {
        int seed = TestSeed.Value;
        RandomLogs logs = new(seed);
        for (int i = 0; i < Rounds; i++)
        {
            LogDefinition log = logs.Next();
            string text = LogText.Write(log, ["a: comment", "two\nlines"]);
            LogDefinition read = ReadBack(text, log.FullName);
            Assert.True(DefinitionView.Json(log) == DefinitionView.Json(read), $"NARU_SEED={seed}\n{text}");
        }
    }

    [Fact]
    public void An_exported_log_comes_back_with_its_fields()
    {
        int seed = TestSeed.Value;
        RandomLogs logs = new(seed);
        for (int i = 0; i < Rounds; i++)
        {
            LogDefinition log = logs.Next();
            if (log.Fields.Select(static field => field.Key).Distinct().Count() < log.Fields.Length)
            {
                continue;
            }

            string draft = i % 2 == 0 ? JsonSchemaExport.Draft7 : JsonSchemaExport.Draft202012;
            string schema = JsonSchemaExport.Write(log, draft).ToJsonString();
            ImportResult result = JsonSchemaImport.Read(Encoding.UTF8.GetBytes(schema), log.FullName);

            // Bounds that say no more than the type come back or not: either way the same events fit.
            LogDefinition expected = Same(log);
            LogDefinition actual = Same(result.Log) with { Description = expected.Description };
            Assert.True(
                DefinitionView.Json(expected) == DefinitionView.Json(actual),
                $"NARU_SEED={seed}\n{schema}\n{DefinitionView.Json(expected)}\n{DefinitionView.Json(actual)}");
        }
    }

    /// <summary>Only what a schema carries.</summary>
    private static LogDefinition Same(LogDefinition log) => new()
    {
        Id = 0,
        Version = 0,
        RegionGroup = log.RegionGroup,
        Name = log.Name,
        Description = log.Description,
        Owner = "",
        KeepUnknownFields = log.KeepUnknownFields,
        Fields =
        [
            .. log.Fields.Select(static field => field with
            {
                Min = field.Min is int.MinValue or long.MinValue ? null : field.Min,
                Max = field.Max is int.MaxValue or long.MaxValue ? null : field.Max,
                Required = field.Required && field.Type.Kind != Naru.Lake.Columns.ColumnKind.Json,
            }),
        ],
    };
}
