namespace Naru.Bench.Rows;

/// <summary>What a run of `./bench` is asked for.</summary>
/// <param name="Folder">On the disk that is measured; each row makes its own folder in it and deletes that.</param>
/// <param name="Full">The large sizes of the rows that have them.</param>
internal sealed record BenchSetup(string Folder, bool Full)
{
    /// <summary>Tells what is being done, beside the table.</summary>
    public static void Say(string text) => Console.Error.WriteLine(text);

    public string NewFolder(string name)
    {
        string folder = Path.Combine(Folder, name);
        Directory.CreateDirectory(folder);
        return folder;
    }
}
