using Naru.Core.Files;

namespace Naru.Stream.Aggregate;

/// <summary>Where state files are.</summary>
internal sealed record StateFolder(IFileSystem Files, string Directory)
{
    public string PathOf(string file) => $"{Directory}/{file}";
}

/// <summary>Groups of one pane in a state file.</summary>
/// <param name="File">Name within the folder.</param>
/// <param name="At">Where its section begins, in bytes.</param>
/// <param name="Bytes">Of the whole section.</param>
/// <param name="Groups">How many it holds.</param>
internal readonly record struct StateSection(string File, long At, int Bytes, int Groups);
