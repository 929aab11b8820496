using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace Naru.WebConsole;

/// <summary>What the console says, in one language: `Words/{language}.json`, a flat object.</summary>
internal sealed class ConsoleWords
{
    public const string Cookie = "naru_language";

    /// <summary>The first is spoken to those who ask for none of them.</summary>
    public static readonly ImmutableArray<string> Languages = ["en", "ko"];

    private static readonly FrozenDictionary<string, ConsoleWords> ByLanguage =
        Languages.ToFrozenDictionary(static language => language, static language => new ConsoleWords(language));

    private ConsoleWords(string language)
    {
        Language = language;
        All = JsonSerializer.Deserialize<Dictionary<string, string>>(ConsoleAssets.Read($"{language}.json"))!
            .ToFrozenDictionary(StringComparer.Ordinal);
    }

    public string Language { get; }

    public FrozenDictionary<string, string> All { get; }

    /// <summary>A test holds that every language has every key.</summary>
    public string this[string key] => All[key];

    public string Format(string key, params ReadOnlySpan<object?> values) =>
        string.Format(CultureInfo.InvariantCulture, All[key], values);

    public static ConsoleWords Of(string language) => ByLanguage[language];

    /// <summary>By the cookie that the switch set, else by what the browser prefers.</summary>
    public static ConsoleWords Of(HttpRequest request)
    {
        if (request.Cookies.TryGetValue(Cookie, out string? chosen) && ByLanguage.TryGetValue(chosen, out var found))
        {
            return found;
        }

        IEnumerable<string> wanted = StringWithQualityHeaderValue
            .TryParseList(request.Headers.AcceptLanguage, out IList<StringWithQualityHeaderValue>? accepted)
            ? accepted.Where(static item => item.Quality != 0).OrderByDescending(static item => item.Quality ?? 1)
                .Select(static item => item.Value.ToString().Split('-')[0].ToLowerInvariant())
            : [];
        return ByLanguage[wanted.FirstOrDefault(ByLanguage.ContainsKey) ?? Languages[0]];
    }
}
