using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Text;
using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

/// <summary>
/// Where a visit comes from: marks that campaigns put into the page's own address first, then the referring site. Any
/// text is taken; what cannot be cut counts as no address.
/// </summary>
internal static class Referrers
{
    private const DuckDbTypeKind Text = DuckDbTypeKind.Varchar;
    private const int HostBytesMax = 255;

    /// <summary>Searching sites and the parameter that holds the words; hosts below a site belong to it.</summary>
    private static readonly FrozenDictionary<string, string[]> Searches = new Dictionary<string, string[]>
    {
        ["google"] = ["q"], ["bing.com"] = ["q"], ["naver.com"] = ["query", "q"], ["daum.net"] = ["q"],
        ["zum.com"] = ["query", "q"], ["nate.com"] = ["q"], ["yahoo"] = ["p", "q"], ["duckduckgo.com"] = ["q"],
        ["baidu.com"] = ["wd", "word"], ["yandex"] = ["text"], ["ecosia.org"] = ["q"], ["startpage.com"] = ["query"],
        ["search.brave.com"] = ["q"], ["sogou.com"] = ["query"], ["so.com"] = ["q"], ["kagi.com"] = ["q"],
        ["perplexity.ai"] = ["q"], ["chatgpt.com"] = ["q"], ["ask.com"] = ["q"], ["seznam.cz"] = ["q"],
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Socials = new[]
    {
        "facebook.com", "fb.com", "fb.me", "instagram.com", "t.co", "twitter.com", "x.com", "threads.net",
        "threads.com", "youtube.com", "youtu.be", "tiktok.com", "linkedin.com", "lnkd.in", "pinterest.com",
        "reddit.com", "line.me", "kakao.com", "story.kakao.com", "band.us", "blog.naver.com",
        "cafe.naver.com", "post.naver.com", "discord.com", "telegram.org", "t.me", "weibo.com", "wechat.com",
        "vk.com", "snapchat.com", "mastodon.social", "bsky.app", "tistory.com", "whatsapp.com",
        "messenger.com", "quora.com", "cafe.daum.net", "instiz.net", "dcinside.com",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Mails = new[]
    {
        "mail.google.com", "mail.naver.com", "mail.daum.net", "mail.kakao.com", "outlook.live.com",
        "outlook.office.com", "outlook.office365.com", "mail.yahoo.com", "mail.ru", "mail.nate.com",
        "gmail.com", "mail.aol.com",
    }.ToFrozenSet(StringComparer.Ordinal);

    /// <summary>Names that networks put onto the clicks that they bill.</summary>
    private static readonly string[] ClickIds =
    [
        "gclid", "gbraid", "wbraid", "dclid", "msclkid", "n_media", "n_ad", "napm", "nclid", "kclid", "ttclid",
        "twclid", "yclid", "li_fat_id",
    ];

    private static readonly FrozenSet<string> PaidMedia = new[]
    {
        "cpc", "ppc", "cpm", "cpv", "cpa", "paid", "paidsearch", "paid_search", "paid-search", "display",
        "banner", "retargeting", "paidsocial", "paid_social", "paid-social", "sa", "da", "ad", "ads",
        "video_ad", "programmatic",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    public static readonly ImmutableArray<ScalarFunction> All =
    [
        new("query_param", [Text, Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (UrlParts.TryFindParameter(UrlParts.Cut(row.Bytes(0)).Query, row.Bytes(1), out var value))
            {
                result.Set(UrlParts.Decode(value));
            }
        }),
        new("naru_referrer_channel", [Text, Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(Channel(row.Bytes(0), row.Bytes(1)))),
        new("referrer_search_term", [Text], Text, static (in ScalarArguments row, in ScalarResult result) =>
        {
            UrlParts referrer = UrlParts.Cut(row.Bytes(0));
            if (SearchOf(Host(referrer)) is string[] names)
            {
                foreach (string name in names)
                {
                    if (UrlParts.TryFindParameter(referrer.Query, Encoding.ASCII.GetBytes(name), out var term)
                        && term.Length > 0)
                    {
                        result.Set(UrlParts.Decode(term));
                        return;
                    }
                }
            }
        }),
    ];

    private static string Channel(ReadOnlySpan<byte> referrerText, ReadOnlySpan<byte> pageText)
    {
        UrlParts page = UrlParts.Cut(pageText);
        string medium = Parameter(page.Query, "utm_medium");
        foreach (string id in ClickIds)
        {
            if (UrlParts.TryFindParameter(page.Query, Encoding.ASCII.GetBytes(id), out _))
            {
                return "paid";
            }
        }

        if (PaidMedia.Contains(medium))
        {
            return "paid";
        }

        UrlParts referrer = UrlParts.Cut(referrerText);
        string host = Host(referrer);
        string told = medium.ToLowerInvariant() switch
        {
            "email" or "e-mail" or "mail" or "newsletter" => "email",
            "social" or "sns" or "social-network" or "sm" => "social",
            "organic" => "search",
            "referral" or "affiliate" => "referral",
            _ => "",
        };
        if (told.Length > 0)
        {
            return told;
        }

        if (host.Length == 0)
        {
            return medium.Length > 0 ? "referral" : "direct";
        }

        string own = Host(page);
        return own.Length > 0 && Site(own) == Site(host) ? "internal"
            : IsBelow(Mails, host) ? "email"
            : IsBelow(Socials, host) ? "social"
            : SearchOf(host) is not null ? "search"
            : "referral";
    }

    private static string Parameter(ReadOnlySpan<byte> query, string name) =>
        UrlParts.TryFindParameter(query, Encoding.ASCII.GetBytes(name), out var value) && value.Length <= HostBytesMax
            ? UrlParts.Decode(value)
            : "";

    /// <summary>In small letters, without `www.`; empty for none, and for one that no DNS would take.</summary>
    private static string Host(UrlParts parts)
    {
        if (parts.Host.Length is 0 or > HostBytesMax)
        {
            return "";
        }

        string host = Encoding.UTF8.GetString(parts.Host).ToLowerInvariant().TrimEnd('.');
        return host.StartsWith("www.", StringComparison.Ordinal) ? host[4..] : host;
    }

    private static string[]? SearchOf(string host)
    {
        for (string name = host; name.Length > 0; name = Above(name))
        {
            if (Searches.TryGetValue(name, out string[]? names))
            {
                return names;
            }
        }

        // google.co.kr, yandex.ru, search.yahoo.co.jp: the site's name stands before its country.
        foreach (string label in Site(host).Split('.')[..1])
        {
            return Searches.GetValueOrDefault(label);
        }

        return null;
    }

    private static bool IsBelow(FrozenSet<string> sites, string host)
    {
        for (string name = host; name.Length > 0; name = Above(name))
        {
            if (sites.Contains(name))
            {
                return true;
            }
        }

        return false;
    }

    private static string Above(string host)
    {
        int dot = host.IndexOf('.', StringComparison.Ordinal);
        return dot < 0 ? "" : host[(dot + 1)..];
    }

    /// <summary>`shop.example.co.kr` is of `example.co.kr`: two labels, three below a country's `co`, `com` and the
    /// like.</summary>
    private static string Site(string host)
    {
        string[] labels = host.Split('.');
        if (labels.Length <= 2)
        {
            return host;
        }

        bool second = labels[^1].Length == 2
            && labels[^2] is "co" or "com" or "or" or "ne" or "go" or "ac" or "re" or "net" or "org" or "gov" or "edu";
        return string.Join('.', labels[^(second ? 3 : 2)..]);
    }
}
