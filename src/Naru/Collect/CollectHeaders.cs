namespace Naru.Collect;

/// <summary>Names of the headers that collect reads and writes.</summary>
internal static class CollectHeaders
{
    /// <summary>
    /// Names what is sent: sent again under the same name, every event has the same id. Any text ≤ 200 bytes.
    /// </summary>
    public const string Batch = "Naru-Batch";

    /// <summary>Installation or host that sends: part of every event's identity. Printable, ≤ 200 bytes.</summary>
    public const string Source = "Naru-Source";

    /// <summary>`true`: an import of history, never moves a wall-clock bound of windows.</summary>
    public const string History = "Naru-History";

    /// <summary>Index of the body's first event within the batch, for a batch sent in many requests.</summary>
    public const string FirstIndex = "Naru-First-Index";

    /// <summary>
    /// Line of the body's first line within the file that Naru-Batch names: a line's bytes are part of its identity.
    /// </summary>
    public const string FirstLine = "Naru-First-Line";

    public const int TextBytesMax = 200;
}
