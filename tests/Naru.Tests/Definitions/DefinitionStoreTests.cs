using Naru.Core.Files;
using Naru.Definitions;

namespace Naru.Tests.Definitions;

public sealed class DefinitionStoreTests : IDisposable
{
    private readonly TemporaryProject _project = new();

    public void Dispose() => _project.Dispose();

    private static string Log(string name, string fields, string rest = "") =>
        $"log: kr_shop.{name}\nfields:\n{fields}\n{rest}\n";

    [Fact]
    public void Numbers_survive_a_restart_and_are_never_given_twice()
    {
        _project.WriteLog("kr_shop.b", Log("b", "  x: string"));
        DefinitionStore store = _project.OpenStore();
        _project.Publish(store);
        _project.WriteLog("kr_shop.a", Log("a", "  x: string"));
        _project.Publish(store);
        store = _project.OpenStore();
        Assert.True(store.Current.TryGet("kr_shop.b", out LogDefinition? b));
        Assert.True(store.Current.TryGet("kr_shop.a", out LogDefinition? a));
        Assert.Equal((1, 2), (b.Id, a.Id));
        Assert.Equal("Asia/Seoul", store.Current.TimeZone.Id);
    }

    [Fact]
    public void A_field_that_comes_back_has_its_old_number_and_table_columns_keep_their_places()
    {
        DefinitionStore store = _project.OpenStore();
        _project.WriteLog("kr_shop.a", Log("a", "  x: string\n  y: int32\n  z: {type: date, required: true}"));
        _project.Publish(store);
        _project.WriteLog(
            "kr_shop.a",
            Log("a", "  new: int32\n  z: date\n  x: string", "breaking_change: {version: 2, reason: test}"));
        Assert.Empty(_project.Publish(store).Mistakes);
        _project.WriteLog("kr_shop.a", Log("a", "  new: int32\n  y: int64\n  z: date\n  x: string"));
        Assert.Empty(_project.Publish(store).Mistakes);
        Assert.True(store.Current.TryGet("kr_shop.a", out LogDefinition? log));
        Assert.Equal(3, log.Version);
        Assert.Equal(["x:100", "y:101", "z:102", "new:103"], log.Fields.Select(f => $"{f.Name}:{f.FieldId}"));
        Assert.All(log.Fields, static field => Assert.True(field.Nullable));
        Assert.Equal(["x", "y", "z"], store.Current.Version(log.Id, 1).Fields.Select(static f => f.Name));
    }

    [Fact]
    public void A_file_with_a_mistake_leaves_its_log_as_it_is_and_others_go_on()
    {
        DefinitionStore store = _project.OpenStore();
        _project.WriteLog("kr_shop.a", Log("a", "  x: string"));
        _project.Publish(store);
        _project.WriteLog("kr_shop.a", Log("a", "  x: strin"));
        _project.WriteLog("kr_shop.b", Log("b", "  x: string"));
        PublishResult result = _project.Publish(store);
        Assert.Single(result.Mistakes);
        Assert.Equal(["kr_shop.b"], result.Published.Select(static plan => plan.Name));
        Assert.True(store.Current.TryGet("kr_shop.a", out _));
        Assert.True(store.Current.TryGet("kr_shop.b", out _));
    }

    [Fact]
    public void Comments_and_descriptions_keep_the_version_and_renew_the_text()
    {
        DefinitionStore store = _project.OpenStore();
        _project.WriteLog("kr_shop.a", Log("a", "  x: string"));
        _project.Publish(store);
        DefinitionSet before = store.Current;
        Assert.Empty(_project.Publish(store).Published);
        Assert.Same(before, store.Current);
        _project.WriteLog("kr_shop.a", Log("a", "  x: string  # note", "description: told"));
        Assert.Equal(PublishAction.Text, Assert.Single(_project.Publish(store).Published).Action);
        LogDefinition log = _project.OpenStore().Current.Logs.Single();
        Assert.Equal((1, "told"), (log.Version, log.Description));
    }

    [Fact]
    public void A_published_log_whose_file_is_gone_stays_until_it_is_retired()
    {
        DefinitionStore store = _project.OpenStore();
        _project.WriteLog("kr_shop.a", Log("a", "  x: string"));
        _project.Publish(store);
        string file = $"{_project.Paths.Logs}/kr_shop.a.yaml";
        File.Delete(file);
        Assert.Contains("is gone", Assert.Single(_project.Publish(store).Mistakes).Message, StringComparison.Ordinal);
        Assert.True(store.Current.TryGet("kr_shop.a", out _));
        _project.WriteLog("kr_shop.a", Log("a", "  x: string", "retired: true"));
        Assert.Empty(_project.Publish(store).Mistakes);
        Assert.False(store.Current.TryGet("kr_shop.a", out _));
        Assert.Single(store.Current.Logs);
        File.Delete(file);
        Assert.Empty(_project.Publish(store).Mistakes);
    }

    [Fact]
    public void The_time_zone_of_landed_days_cannot_change()
    {
        DefinitionStore store = _project.OpenStore();
        _project.WriteLog("kr_shop.a", Log("a", "  x: string"));
        _project.Publish(store);
        File.WriteAllText(_project.Paths.SettingsFile, "listen: 127.0.0.1:9000\ntimezone: Europe/Berlin\n");
        Assert.Equal(
            "naru.yaml:2:1: 'timezone' is 'Europe/Berlin', but days of this project's data were cut in 'Asia/Seoul'; "
                + "write 'timezone: Asia/Seoul', or start a new project",
            Assert.Single(_project.Publish(store).Mistakes).ToString());
    }

    [Fact]
    public void A_damaged_registry_or_text_is_named_and_never_used()
    {
        DefinitionStore store = _project.OpenStore();
        _project.WriteLog("kr_shop.a", Log("a", "  x: string"));
        _project.Publish(store);
        string registry = $"{_project.Paths.Definitions}/registry.json";
        string text = Directory.GetFiles($"{_project.Paths.Definitions}/kr_shop.a").Single();
        foreach (string path in new[] { registry, text })
        {
            byte[] bytes = File.ReadAllBytes(path);
            for (int i = 0; i < bytes.Length - 1; i++)
            {
                byte[] flipped = [.. bytes];
                flipped[i] ^= 1;
                File.WriteAllBytes(path, flipped);
                StorageException exception = Assert.Throws<StorageException>(_project.OpenStore);
                Assert.Equal(StorageFault.Corrupt, exception.Fault);
                Assert.Contains(path, exception.Message, StringComparison.Ordinal);
            }

            File.WriteAllBytes(path, bytes);
        }
    }
}
