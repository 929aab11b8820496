using System.Text;
using System.Text.RegularExpressions;

namespace Naru.Query.Trino;

/// <summary>SQL's LIKE over names.</summary>
internal sealed class LikePattern
{
    public static readonly LikePattern Any = new("%", null);

    private readonly Regex _pattern;

    public LikePattern(string like, char? escape)
    {
        StringBuilder pattern = new("^");
        for (int i = 0; i < like.Length; i++)
        {
            bool escaped = like[i] == escape && i + 1 < like.Length;
            i += escaped ? 1 : 0;
            pattern.Append(escaped ? Regex.Escape(like[i].ToString()) : like[i] switch
            {
                '%' => ".*",
                '_' => ".",
                char other => Regex.Escape(other.ToString()),
            });
        }

        // A pattern is anyone's: its time must not grow faster than the name.
        RegexOptions options = RegexOptions.NonBacktracking | RegexOptions.Singleline | RegexOptions.CultureInvariant;
        _pattern = new Regex(pattern.Append("\\z").ToString(), options);
    }

    public bool Matches(string name) => _pattern.IsMatch(name);
}
