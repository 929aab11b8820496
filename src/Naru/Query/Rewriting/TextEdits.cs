using System.Text;

namespace Naru.Query.Rewriting;

/// <summary>Changes to a text, made together; tells of each place of the result where it comes from.</summary>
internal sealed class TextEdits
{
    private readonly List<(int Start, int End, string Text)> _edits = [];

    public bool Any => _edits.Count > 0;

    public void Replace(int start, int end, string text) => _edits.Add((start, end, text));

    public void Insert(int place, string text) => _edits.Add((place, place, text));

    public (byte[] Text, SourceMap Places) Apply(ReadOnlySpan<byte> text)
    {
        using MemoryStream result = new();
        SourceMap places = new() { Runs = true };
        int at = 0;

        // Insertions at one place keep the order in which they were asked for: the sort is stable.
        foreach ((int start, int end, string replacement) in _edits.OrderBy(static edit => edit.Start))
        {
            if (start < at)
            {
                continue;
            }

            places.Add(result.Position, at);
            result.Write(text[at..start]);
            if (replacement.Length > 0)
            {
                places.Add(result.Position, start);
                result.Write(Encoding.UTF8.GetBytes(replacement));
            }

            at = end;
        }

        places.Add(result.Position, at);
        result.Write(text[at..]);
        return (result.ToArray(), places);
    }
}
