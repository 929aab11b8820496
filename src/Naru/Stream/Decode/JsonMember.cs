namespace Naru.Stream.Decode;

internal enum JsonKind : byte
{
    Null,
    False,
    True,
    Number,
    String,
    Object,
    Array,
}

/// <summary>
/// One member of an event's object, as positions in its bytes. Syntax, nested values included, has been checked by
/// whoever found it; the UTF-8 and the escapes of the strings too.
/// </summary>
internal struct JsonMember
{
    /// <summary>Between the key's quotes.</summary>
    public int KeyStart;
    public int KeyEnd;

    /// <summary>The value; a string's lies between its quotes.</summary>
    public int Start;
    public int End;

    public JsonKind Kind;

    public bool KeyEscaped;

    /// <summary>The value is a string with escapes.</summary>
    public bool Escaped;

    public readonly int RawStart => Kind == JsonKind.String ? Start - 1 : Start;

    public readonly int RawEnd => Kind == JsonKind.String ? End + 1 : End;
}
