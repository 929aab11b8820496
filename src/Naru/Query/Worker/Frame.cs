namespace Naru.Query.Worker;

/// <summary>
/// What a frame on the channel between server and worker is. A frame is the payload's length (4 bytes, little endian),
/// its kind (1 byte) and the payload. Both ends are the same build, so the form may change with any version.
/// </summary>
internal enum FrameKind : byte
{
    /// <summary>Server: <see cref="Sandbox.WorkerGrants"/>, to the stage that confines itself; unanswered.</summary>
    Confine = 6,

    /// <summary>Server: <see cref="WorkerSetup"/>, once, first. The worker confines itself and answers Ready.</summary>
    Setup = 1,

    /// <summary>Server: SQL text to parse. Answered by Tree, Failed, or the worker's end.</summary>
    Parse = 2,

    /// <summary>Server: <see cref="RunRequest"/>. Answered by Columns, Data…, Usage, and Finished or Failed.</summary>
    Run = 3,

    /// <summary>Server: end what runs; it then answers Failed as any other failure.</summary>
    Cancel = 4,

    /// <summary>Server: a syntax tree to write as SQL. Answered by Text, Failed, or the worker's end.</summary>
    Render = 7,

    /// <summary>Worker: <see cref="WorkerReady"/>.</summary>
    Ready = 65,

    /// <summary>Worker: what json_serialize_sql made of the text.</summary>
    Tree = 66,

    /// <summary>Worker: <see cref="ResultColumn"/>s, before any data.</summary>
    Columns = 67,

    /// <summary>Worker: formatted rows; a frame ends with a whole row.</summary>
    Data = 68,

    /// <summary>Worker: <see cref="RunFinished"/>.</summary>
    Finished = 69,

    /// <summary>Worker: <see cref="RunFailed"/>.</summary>
    Failed = 70,

    /// <summary>Worker: SQL of a tree.</summary>
    Text = 71,

    /// <summary>
    /// Worker: <see cref="WorkerUsage"/>; every quarter of a second of a run, and once before its Finished or Failed.
    /// </summary>
    Usage = 72,
}

internal static class FrameLimits
{
    public const int HeaderBytes = 5;

    /// <summary>A syntax tree is the largest: some 130 bytes for each byte of text, which is capped.</summary>
    public const int PayloadBytesMax = 64 << 20;
}
