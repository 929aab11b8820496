using Microsoft.Extensions.Logging.Abstractions;
using Naru.Definitions;

namespace Naru.Tests.Definitions;

public sealed class DefinitionReloaderTests : IDisposable
{
    private readonly TemporaryProject _project = new();

    public void Dispose() => _project.Dispose();

    [Fact]
    public void A_change_is_published_once_it_has_been_still_for_a_look_and_a_mistake_changes_nothing()
    {
        _project.WriteLog("kr_shop.a", "log: kr_shop.a\nfields: {x: string}\n");
        DefinitionStore store = _project.OpenStore();
        DefinitionReloader reloader = new(
            store,
            _project.Folder,
            new DefinitionsOptions(),
            TimeProvider.System,
            NullLogger<DefinitionReloader>.Instance);
        reloader.TakeNow();
        Assert.Equal(1, store.Current.Logs.Single().Version);
        Assert.False(reloader.Look());

        _project.WriteLog("kr_shop.a", "log: kr_shop.a\nfields: {x: string, y: int32}\n");
        Assert.False(reloader.Look());
        Assert.True(reloader.Look());
        Assert.Equal(2, store.Current.Logs.Single().Version);

        DefinitionSet before = store.Current;
        _project.WriteLog("kr_shop.a", "log: kr_shop.a\nfields: {x: string, y: int\n");
        reloader.Look();
        Assert.True(reloader.Look());
        Assert.Same(before, store.Current);
        Assert.Single(store.Mistakes);
        Assert.False(reloader.Look());

        _project.WriteLog("kr_shop.a", "log: kr_shop.a\nfields: {x: string, y: int32}\n");
        reloader.Look();
        Assert.True(reloader.Look());
        Assert.Empty(store.Mistakes);
        Assert.Same(before, store.Current);
    }
}
