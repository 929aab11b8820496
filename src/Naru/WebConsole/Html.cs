using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Unicode;

namespace Naru.WebConsole;

/// <summary>
/// Markup that may be sent. It is only made from interpolated strings: their literal parts are the program's own text,
/// every hole is escaped, and a hole that is markup itself is put in as it is. Attribute values stand in double quotes.
/// </summary>
internal readonly record struct Html
{
    private Html(string text) => Text = text;

    public string Text { get; }

    public static Html Of(HtmlWriter writer) => new(writer.Take());

    public static Html Join(IEnumerable<Html> parts) => new(string.Concat(parts.Select(static part => part.Text)));

    public override string ToString() => Text;
}

/// <summary>Takes the parts of an interpolated string for <see cref="Html.Of"/>.</summary>
[InterpolatedStringHandler]
internal readonly ref struct HtmlWriter(int literalLength, int formattedCount)
{
    private static readonly HtmlEncoder Encoder = HtmlEncoder.Create(UnicodeRanges.All);

    private readonly StringBuilder _text = new(literalLength + (formattedCount * 32));

    public void AppendLiteral(string text) => _text.Append(text);

    public void AppendFormatted(Html markup) => _text.Append(markup.Text);

    public void AppendFormatted(string? text)
    {
        if (text is not null)
        {
            _text.Append(Encoder.Encode(text));
        }
    }

    public void AppendFormatted(char character) => AppendFormatted(character.ToString());

    public void AppendFormatted(int number) => _text.Append(number.ToString(CultureInfo.InvariantCulture));

    public string Take() => _text.ToString();
}
