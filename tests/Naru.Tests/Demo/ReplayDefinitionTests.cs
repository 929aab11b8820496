using Naru.Definitions;
using Naru.Demo;
using Naru.Yaml;

namespace Naru.Tests.Demo;

public class ReplayDefinitionTests
{
    [Fact]
    public void A_csv_file_gets_a_definition_that_holds()
    {
        string text = Write(
            ",timestamp,item_id,user-item affinity,Ok?,code\n0,2019-11-24 00:01:03,2,0.5,true,a\n1,,3,1,False,\n");
        Assert.Equal(
            """
            log: replay.men
            description: 'Lines of men, as guessed from its beginning.'
            owner: demo
            fields:
              item_id: {type: int64}
              user_item_affinity: {type: double, from: 'user-item affinity'}
              ok: {type: boolean, from: 'Ok?'}
              code: {type: string}
            time: 'timestamp'
            max_past: unlimited
            max_future: unlimited

            """,
            text);
        Check(text);
    }

    [Fact]
    public void A_json_file_gets_a_definition_that_holds()
    {
        string text = Write(
            """
            {"ts": 1659304800025, "zip": "01234", "n": 1, "items": [1, 2], "a b": 1, "A-b": 2}
            not json
            {"ts": 1659304800025, "n": 1.5, "late": true, "9": null}
            """);
        Assert.Contains("  zip: {type: string}\n", text, StringComparison.Ordinal);
        Assert.Contains("  n: {type: double}\n", text, StringComparison.Ordinal);
        Assert.Contains("  items: {type: json}\n", text, StringComparison.Ordinal);
        Assert.Contains("  a_b: {type: int64, from: 'a b'}\n", text, StringComparison.Ordinal);
        Assert.Contains("  a_b_2: {type: int64, from: 'A-b'}\n", text, StringComparison.Ordinal);
        Assert.Contains("  late: {type: boolean}\n", text, StringComparison.Ordinal);
        Assert.Contains("  column_9: {type: string, from: '9'}\n", text, StringComparison.Ordinal);
        Assert.Contains("time: 'ts'\n", text, StringComparison.Ordinal);
        Check(text);
    }

    [Fact]
    public void A_file_without_fields_is_refused() =>
        Assert.Throws<DemoException>(static () => Write("\n"));

    private static string Write(string sample) => ReplayDefinition.Write("replay.men", "men", sample);

    private static void Check(string text)
    {
        MistakeList mistakes = new();
        LogFile.Read("logs/replay.men.yaml", System.Text.Encoding.UTF8.GetBytes(text), mistakes);
        Assert.Equal("", string.Join("\n", mistakes.Sorted()));
    }
}
