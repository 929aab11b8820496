using System.Collections.Immutable;
using System.Text;
using Naru.Configuration;
using Naru.Core;
using Naru.Yaml;

namespace Naru.Tests.Configuration;

public class SettingsTests
{
    private static readonly ImmutableArray<SettingSection> Sections =
        [SettingTable.Of(typeof(ProjectOptions)), SettingTable.Of(typeof(SampleOptions))];

    private static Settings? Read(string yaml, MistakeList mistakes, params (string Name, string Value)[] variables) =>
        SettingsReader.Read(
            "naru.yaml",
            Encoding.UTF8.GetBytes(yaml),
            variables.ToDictionary(static pair => pair.Name, static pair => pair.Value),
            mistakes,
            Sections);

    private static string Mistakes(string yaml, params (string Name, string Value)[] variables)
    {
        MistakeList mistakes = new();
        Assert.Null(Read(yaml, mistakes, variables));
        return string.Join('\n', mistakes.Sorted());
    }

    private static SampleOptions Sample(string yaml, params (string Name, string Value)[] variables)
    {
        MistakeList mistakes = new();
        Settings? settings = Read(yaml, mistakes, variables);
        Assert.Equal([], mistakes.Sorted());
        return settings!.Get<SampleOptions>();
    }

    [Fact]
    public void Every_setting_of_the_program_has_a_default_that_its_own_text_gives_back()
    {
        Settings settings = Settings.Defaults();
        Assert.True(settings.Values.Length >= 10);
        foreach (SettingValue value in settings.Values)
        {
            Assert.True(SettingText.TryParse(value.Setting, value.Text, out object? parsed), value.Setting.Path);
            if (value.Value is not ImmutableArray<string>)
            {
                Assert.Equal(value.Value, parsed);
            }

            Assert.Null(SettingText.BrokenBound(value.Setting, value.Value));
            Assert.Equal("default", value.Origin);
            Assert.False(value.Setting.About.Doc.EndsWith('.'), value.Setting.Path);
        }
    }

    [Fact]
    public void Values_come_from_the_record_then_the_file_then_the_environment()
    {
        const string Yaml = """
            # settings
            sample:
              cache_bytes: 3MB
              pause: 1h30m
              hosts: [a, b]
              mode: slow_but_sure
            """;
        MistakeList mistakes = new();
        (string, string)[] variables = [("NARU_SAMPLE_PAUSE", "5s"), ("NARU_SEED", "1"), ("NARU_LISTEN", "[::1]:9")];
        Settings settings = Read(Yaml, mistakes, variables)!;
        SampleOptions sample = settings.Get<SampleOptions>();
        Assert.Equal(3 << 20, sample.CacheBytes);
        Assert.Equal(TimeSpan.FromSeconds(5), sample.Pause);
        Assert.Equal(["a", "b"], sample.Hosts);
        Assert.Equal(SampleMode.SlowButSure, sample.Mode);
        Assert.Equal(TimeSpan.FromDays(7), sample.Kept);
        string origins = string.Join(
            ' ', settings.Values.Select(static value => $"{value.Setting.Key}={value.Origin}"));
        Assert.Contains("cache_bytes=naru.yaml:3 ", origins, StringComparison.Ordinal);
        Assert.Contains("pause=NARU_SAMPLE_PAUSE", origins, StringComparison.Ordinal);
        Assert.Contains("listen=NARU_LISTEN", origins, StringComparison.Ordinal);
        Assert.Contains("kept=default", origins, StringComparison.Ordinal);
    }

    [Fact]
    public void Null_has_its_word()
    {
        Assert.Null(Sample("sample: {kept: unlimited}").Kept);
        Assert.Null(Sample("sample: {reserve_bytes: automatic}").ReserveBytes);
        Assert.Equal(5 << 10, Sample("sample: {reserve_bytes: 5KB}").ReserveBytes);
        Assert.Equal(["x", "y"], Sample("", ("NARU_SAMPLE_HOSTS", "x, y")).Hosts);
    }

    [Fact]
    public void All_mistakes_are_told_at_once_with_their_lines()
    {
        string told = Mistakes(
            """
            timezone: Asia/Soul
            listen: 0.0.0.0:80
            colour: red
            sampel: {}
            sample:
              cache_bytes: 10
              pauze: 3
              kept: 1s
              hosts: a
              mode: fast
              share: 2
              count:
              allow: yes
            """,
            ("NARU_SAMPLE_COUNTS", "1"),
            ("NARU_SAMPLE_SHARE", "much"));
        Golden.Check(Golden.Folder("mistakes.txt"), told + "\n");
    }

    [Fact]
    public void Rules_between_settings_are_checked_where_the_settings_themselves_are_right()
    {
        Assert.Equal(
            "naru.yaml:1:27: 'sample.pause': it is longer than 'kept'; make it shorter",
            Mistakes("sample: {kept: 1m, pause: 2m}"));
    }

    [Theory]
    [InlineData("127.0.0.1:8150", true)]
    [InlineData("localhost:1", true)]
    [InlineData("[::1]:8150", true)]
    [InlineData("*:8150", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("::1:8150", false)]
    [InlineData("127.0.0.1:99999", false)]
    [InlineData(":8150", false)]
    [InlineData("example.com:80", false)]
    public void An_address_has_a_port(string text, bool right) =>
        Assert.Equal(right, ProjectOptions.TryParseListen(text, out _));

    [Fact]
    public void Listening_to_other_machines_without_tls_needs_a_word()
    {
        Assert.Contains("plain HTTP", Mistakes("listen: 0.0.0.0:8150"), StringComparison.Ordinal);
        Sample("listen: 0.0.0.0:8150\nallow_plain_http: true");
    }

    [Fact]
    public void Keys_are_the_properties_in_snake_case() =>
        Assert.Equal("in_flight_bytes_max", SettingTable.KeyOf("InFlightBytesMax"));
}

internal enum SampleMode
{
    Quick,
    SlowButSure,
}

[SettingSection("sample", "A section for these tests.")]
internal sealed record SampleOptions : ICheckedOptions
{
    [Setting("bytes of a cache", Unit = SettingUnit.Bytes, Min = "1KB", Max = "1GB")]
    public int CacheBytes { get; init; } = 1 << 20;

    [Setting("bytes that stay free", Unit = SettingUnit.Bytes, Null = "automatic")]
    public long? ReserveBytes { get; init; }

    [Setting("a pause")]
    public TimeSpan Pause { get; init; } = TimeSpan.FromSeconds(1);

    [Setting("how long", Min = "1m")]
    public TimeSpan? Kept { get; init; } = TimeSpan.FromDays(7);

    [Setting("names of hosts")]
    public ImmutableArray<string> Hosts { get; init; } = [];

    [Setting("how")]
    public SampleMode Mode { get; init; }

    [Setting("a share", Unit = SettingUnit.Ratio, Min = "0", Max = "1")]
    public double Share { get; init; } = 0.5;

    [Setting("a count", Unit = SettingUnit.Count)]
    public int Count { get; init; } = 3;

    [Setting("allowed")]
    public bool Allow { get; init; }

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        if (Pause > Kept)
        {
            yield return (nameof(Pause), "it is longer than 'kept'", "make it shorter");
        }
    }
}
