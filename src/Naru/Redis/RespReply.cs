using System.Text;

namespace Naru.Redis;

/// <summary>What a server said to one command: an error is a value, whose rows may not fit.</summary>
internal readonly record struct RespReply
{
    public bool IsError { get; init; }

    /// <summary>Null where there is no value, and for a list.</summary>
    public byte[]? Bytes { get; init; }

    /// <summary>Null for what is no list.</summary>
    public RespReply[]? Items { get; init; }

    public bool IsNull => Bytes is null && Items is null;

    public string Text => Bytes is null ? "" : Encoding.UTF8.GetString(Bytes);
}
