using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Naru.Configuration;
using Naru.Core.Files;

namespace Naru.Stream;

/// <summary>A list that is kept as a file of the project's `state/`: read when it is made, durable at every change.
/// </summary>
internal sealed class StateList<T>
{
    private const int Format = 1;

    private readonly IFileSystem _files;
    private readonly ProjectPaths _paths;
    private readonly string _kind;
    private readonly JsonTypeInfo<ImmutableArray<T>> _json;
    private readonly Lock _gate = new();
    private ImmutableArray<T> _items;

    /// <param name="files">Where it is kept.</param>
    /// <param name="paths">Of the project.</param>
    /// <param name="kind">What the file is, and its name without `.json`.</param>
    /// <param name="json">How it is written.</param>
    public StateList(IFileSystem files, ProjectPaths paths, string kind, JsonTypeInfo<ImmutableArray<T>> json)
    {
        (_files, _paths, _kind, _json) = (files, paths, kind, json);
        using JsonDocument? stored = StateFile.Read(files, PathOf, kind, Format);
        _items = stored?.Deserialize(json) ?? [];
    }

    public ImmutableArray<T> Items => _items;

    private string PathOf => $"{_paths.State}/{_kind}.json";

    /// <summary>Durable when this returns; one change after the other.</summary>
    public void Change(Func<ImmutableArray<T>, ImmutableArray<T>> change)
    {
        lock (_gate)
        {
            ImmutableArray<T> items = change(_items);
            _files.CreateDirectory(_paths.State);
            StateFile.Write(_files, PathOf, _kind, Format, JsonSerializer.SerializeToUtf8Bytes(items, _json));
            _items = items;
        }
    }
}
