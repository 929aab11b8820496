using System.Text;
using System.Text.Json;
using Naru.Definitions;
using Naru.Definitions.JsonSchema;
using Naru.Stream.Decode;

namespace Naru.Tests.Definitions;

public class JsonSchemaImportTests
{
    private static ImportResult Import(string schema) =>
        JsonSchemaImport.Read(Encoding.UTF8.GetBytes(schema), "kr_shop.a");

    private static bool Accepts(LogDefinition log, string json)
    {
        LogDefinition numbered = ProvisionalDefinitions.Number(TimeZoneInfo.Utc, [log]).Logs[0];
        return new EventDecoder().TryCheck(
            DecodePlan.Compile(numbered, TimeZoneInfo.Utc), Encoding.UTF8.GetBytes(json), out _);
    }

    [Fact]
    public void Schemas_become_logs_with_notes_of_what_is_left_out()
    {
        foreach (string path in Directory.GetFiles(Golden.Folder("Schemas"), "*.json").Order(StringComparer.Ordinal))
        {
            ImportResult result = JsonSchemaImport.Read(File.ReadAllBytes(path), "kr_shop.a");
            IEnumerable<string> notes = result.Looser
                .Concat(result.Stricter.Select(static note => "stricter: " + note));
            string text = LogText.Write(result.Log, notes);
            LogTextTests.ReadBack(text, "kr_shop.a");
            Golden.Check(Path.ChangeExtension(path, ".yaml"), text);
        }
    }

    [Theory]
    [InlineData("{", "is not JSON: it breaks at line 1, column 2")]
    [InlineData("[]", "the schema is not an object")]
    [InlineData("""{"type":"array"}""", "the schema describes no object")]
    [InlineData("""{"enum":[1,2]}""", "the schema describes no object")]
    public void What_is_no_schema_of_events_is_refused(string schema, string message) =>
        Assert.Equal(message, Assert.Throws<ImportException>(() => Import(schema)).Message);

    [Fact]
    public void Every_schema_of_the_iglu_registry_becomes_a_log_or_says_why_not()
    {
        string? folder = SharedData.Folder("conformance/iglu_schemas/schemas");
        Assert.SkipUnless(folder is not null, "shared data is not there: conformance/iglu_schemas");
        int imported = 0;
        int refused = 0;
        foreach (string path in Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Where(static path => path.Contains("/jsonschema/", StringComparison.Ordinal)))
        {
            try
            {
                ImportResult result = JsonSchemaImport.Read(File.ReadAllBytes(path), null);
                LogDefinition read = LogTextTests.ReadBack(
                    LogText.Write(result.Log, result.Looser), result.Log.FullName);
                Assert.Equal(DefinitionView.Json(result.Log), DefinitionView.Json(read));
                imported++;
            }
            catch (ImportException)
            {
                refused++;
            }
        }

        Assert.True(imported >= 640, $"{imported} imported, {refused} refused");
    }

    /// <summary>
    /// The official suite: an object that a schema accepts must be accepted by the log made of it, unless the import
    /// said that it is stricter; one that it refuses must be refused when the import said nothing of being looser.
    /// </summary>
    [Fact]
    public void The_log_judges_the_objects_of_the_official_suite_as_the_schema_does_but_for_what_the_import_said()
    {
        string? folder = SharedData.Folder("conformance/json_schema_draft7/tests");
        Assert.SkipUnless(folder is not null, "shared data is not there: conformance/json_schema_draft7");
        int accepted = 0;
        int refused = 0;
        List<string> wrong = [];
        foreach (string path in Directory.EnumerateFiles(folder, "*.json"))
        {
            using JsonDocument document = JsonDocument.Parse(File.ReadAllBytes(path));
            foreach (JsonElement group in document.RootElement.EnumerateArray())
            {
                ImportResult result;
                try
                {
                    result = Import(group.GetProperty("schema").GetRawText());
                }
                catch (ImportException)
                {
                    continue;
                }

                foreach (JsonElement test in group.GetProperty("tests").EnumerateArray())
                {
                    JsonElement data = test.GetProperty("data");
                    bool valid = test.GetProperty("valid").GetBoolean();
                    string description = test.GetProperty("description").GetString()!;

                    // Numbers in strings are taken by a log, where all of the string is one (DESIGN section 2).
                    bool lenient = description == "object with strings is invalid";
                    if (data.ValueKind != JsonValueKind.Object || (!valid && (lenient || !result.Looser.IsEmpty)))
                    {
                        continue;
                    }

                    bool judged = Accepts(result.Log, data.GetRawText());
                    accepted += valid ? 1 : 0;
                    refused += valid ? 0 : 1;
                    if (judged != valid)
                    {
                        wrong.Add($"{Path.GetFileName(path)}: {group.GetProperty("description")}: {description}");
                    }
                }
            }
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(accepted >= 100 && refused >= 10, $"{accepted} accepted, {refused} refused");
    }

    [Theory]
    [InlineData(@"^\d+$", "12", true)]
    [InlineData(@"^\d+$", "12\n", false)]
    [InlineData(@"^\d+$", "१२", false)]
    [InlineData(@"^[\w.]+\/x$", "a_1.b/x", true)]
    [InlineData(@"^[\w.]+\/x$", "é/x", false)]
    [InlineData(@"a[$]", "a$", true)]
    public void A_pattern_keeps_its_meaning(string ecma, string text, bool matches) =>
        Assert.Equal(matches, FieldReader.NewPattern(EcmaPattern.ToNet(ecma)!).IsMatch(text));

    [Theory]
    [InlineData("(?=a)b")]
    [InlineData(@"(a)\1")]
    [InlineData("a(")]
    [InlineData(@"\p{L}")]
    public void A_pattern_without_an_equal_is_left_out(string ecma) => Assert.Null(EcmaPattern.ToNet(ecma));
}
