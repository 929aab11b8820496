using System.Collections.Immutable;
using Naru.Yaml;

namespace Naru.Definitions;

/// <summary>Tells each mistake once, however often the files are taken, and once that all are mended.</summary>
internal sealed class ToldMistakes(Action<string> tell, Action mended)
{
    private ImmutableArray<string> _told = [];

    public void Tell(MistakeList mistakes)
    {
        ImmutableArray<string> now = [.. mistakes.Sorted().Select(static mistake => mistake.ToString())];
        foreach (string mistake in now.Except(_told))
        {
            tell(mistake);
        }

        if (now.IsEmpty && !_told.IsEmpty)
        {
            mended();
        }

        _told = now;
    }
}
