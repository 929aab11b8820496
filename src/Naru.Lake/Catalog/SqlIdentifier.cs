namespace Naru.Lake.Catalog;

/// <summary>Names in SQL.</summary>
public static class SqlIdentifier
{
    /// <summary>A name as SQL takes it, whatever letters it has.</summary>
    public static string Quote(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
