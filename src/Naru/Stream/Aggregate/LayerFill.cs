using Naru.Stream.Landing;

namespace Naru.Stream.Aggregate;

/// <summary>
/// Fills the landed layer of an aggregate when it starts, from the lake or from state files, by a layer of its own that
/// is added when it is large. What memory has no place for is spilled meanwhile.
/// </summary>
/// <param name="context">Where state files are.</param>
/// <param name="running">The aggregate; nobody else knows of it yet.</param>
/// <param name="layerBytesMax">Of the layer.</param>
/// <param name="sessionBytesMax">Of landed sessions.</param>
internal sealed class LayerFill(
    LandingContext context, RunningAggregate running, long layerBytesMax, long sessionBytesMax)
{
    private AggregateState _layer = running.NewLayer();
    private int _files;

    /// <summary>Counts rows in.</summary>
    public void Add(InputRows input, int[] rows)
    {
        running.Add(_layer, input, rows, late: null);
        EndLayerIfLarge();
    }

    /// <summary>Adds sessions as a state file holds them.</summary>
    public void AddSessions(ReadOnlySpan<byte> saved)
    {
        _layer.Sessions!.Load(saved);
        EndLayerIfLarge();
    }

    /// <summary>A section of groups that is left where it is.</summary>
    public void AddSpilled(long pane, StateSection section) => running.Landed.AddSpilled(pane, section);

    public void End() => EndLayer();

    private void EndLayerIfLarge()
    {
        if (_layer.MemoryBytes <= layerBytesMax)
        {
            return;
        }

        if (running.Windows is not null)
        {
            // To files that no landing names: the next one writes the whole.
            context.Files.CreateDirectory(context.StateDirectory);
            string name = AggregateStateFile.FillNameOf(running.StateKey, _files++);
            running.TakeOver(
                _layer, AggregateStateFile.Write(context.State, name, 0, [(running.StateKey, _layer)]));
        }

        EndLayer();
        _layer = running.NewLayer();
        foreach ((long pane, _) in running.Landed.Spillable.ToArray())
        {
            running.Spill(pane);
        }
    }

    private void EndLayer()
    {
        running.Landed.Merge(_layer, running.Landed.Recall(_layer), long.MinValue, removed: null);
        _layer.Free();
        if (running.Windows is null)
        {
            running.SpillSessions(sessionBytesMax, running.BeganAt ?? running.Watermark);
        }
    }
}
