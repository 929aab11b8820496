using System.Collections.Immutable;
using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

/// <summary>
/// Coarse classes of browsers by marks in the User-Agent header: one pass a mark, no regular expression. It tells what
/// reports need (which browser, system and kind of device), never versions; unknown is `other`.
/// </summary>
internal static class UserAgents
{
    /// <summary>Longer headers are cut: marks of interest stand early.</summary>
    private const int BytesMax = 1024;

    private static readonly byte[][] Bots = Marks(
        "bot", "crawl", "spider", "slurp", "facebookexternalhit", "yeti/", "daumoa", "kakaotalk-scrap",
        "curl/", "wget/", "python-requests", "python-urllib", "aiohttp", "httpclient", "okhttp",
        "go-http-client", "java/", "libwww", "scrapy", "headless", "phantomjs", "selenium", "puppeteer",
        "playwright", "lighthouse", "pingdom", "uptime", "mediapartners", "apis-google", "feedfetcher",
        "bingpreview", "monitoring", "preview", "node-fetch", "axios/");

    /// <summary>In this order: a browser names those that it wants to be taken for after itself.</summary>
    private static readonly (byte[] Mark, string Name)[] Browsers =
    [
        ("kakaotalk"u8.ToArray(), "kakaotalk"), ("naver("u8.ToArray(), "naver"), ("fban/"u8.ToArray(), "facebook"),
        ("fbav/"u8.ToArray(), "facebook"), ("instagram"u8.ToArray(), "instagram"), ("line/"u8.ToArray(), "line"),
        ("whale/"u8.ToArray(), "whale"), ("samsungbrowser/"u8.ToArray(), "samsung"), ("edg/"u8.ToArray(), "edge"),
        ("edga/"u8.ToArray(), "edge"), ("edgios/"u8.ToArray(), "edge"), ("edge/"u8.ToArray(), "edge"),
        ("opr/"u8.ToArray(), "opera"), ("opera"u8.ToArray(), "opera"), ("yabrowser/"u8.ToArray(), "yandex"),
        ("firefox/"u8.ToArray(), "firefox"), ("fxios/"u8.ToArray(), "firefox"), ("crios/"u8.ToArray(), "chrome"),
        ("; wv)"u8.ToArray(), "webview"), ("chrome/"u8.ToArray(), "chrome"), ("chromium/"u8.ToArray(), "chrome"),
        ("msie "u8.ToArray(), "ie"), ("trident/"u8.ToArray(), "ie"), ("safari/"u8.ToArray(), "safari"),
        ("applewebkit/"u8.ToArray(), "webview"),
    ];

    private static readonly (byte[] Mark, string Name)[] Systems =
    [
        ("windows phone"u8.ToArray(), "windows"), ("android"u8.ToArray(), "android"), ("iphone"u8.ToArray(), "ios"),
        ("ipad"u8.ToArray(), "ios"), ("ipod"u8.ToArray(), "ios"), ("windows"u8.ToArray(), "windows"),
        ("cros "u8.ToArray(), "chromeos"), ("mac os x"u8.ToArray(), "macos"), ("macintosh"u8.ToArray(), "macos"),
        ("tizen"u8.ToArray(), "tizen"), ("web0s"u8.ToArray(), "webos"), ("webos"u8.ToArray(), "webos"),
        ("linux"u8.ToArray(), "linux"), ("x11"u8.ToArray(), "linux"),
    ];

    private static readonly byte[][] Televisions =
        Marks("smart-tv", "smarttv", "googletv", "appletv", "hbbtv", "web0s", "roku", "bravia", "tizen tv", "; tv;");

    private static readonly byte[][] Tablets = Marks("ipad", "tablet", "kindle", "silk/", "sm-t", "playbook");

    public static readonly ImmutableArray<ScalarFunction> All =
    [
        new("is_bot", [DuckDbTypeKind.Varchar], DuckDbTypeKind.Boolean,
            static (in ScalarArguments row, in ScalarResult result) =>
            {
                Span<byte> text = stackalloc byte[BytesMax];
                result.Set(IsBot(Lower(row.Bytes(0), text)));
            }),
        new("user_agent_class", [DuckDbTypeKind.Varchar], DuckDbTypeKind.Struct,
            static (in ScalarArguments row, in ScalarResult result) =>
            {
                Span<byte> buffer = stackalloc byte[BytesMax];
                ReadOnlySpan<byte> text = Lower(row.Bytes(0), buffer);
                string system = First(text, Systems);
                bool bot = IsBot(text);
                result.Field(0).Set(First(text, Browsers));
                result.Field(1).Set(system);
                result.Field(2).Set(bot ? "bot" : Device(text, system));
                result.Field(3).Set(bot);
            })
        {
            Fields =
            [
                ("browser", DuckDbTypeKind.Varchar), ("os", DuckDbTypeKind.Varchar),
                ("device", DuckDbTypeKind.Varchar), ("bot", DuckDbTypeKind.Boolean),
            ],
        },
    ];

    /// <summary>An empty header is one too: browsers always send theirs.</summary>
    private static bool IsBot(ReadOnlySpan<byte> text) => text.IsEmpty || HasAny(text, Bots);

    private static string Device(ReadOnlySpan<byte> text, string system)
    {
        if (HasAny(text, Televisions))
        {
            return "tv";
        }

        bool mobile = text.IndexOf("mobile"u8) >= 0;
        bool tablet = HasAny(text, Tablets) || (system == "android" && !mobile);
        return tablet ? "tablet"
            : mobile || system is "ios" or "android" ? "mobile"
            : system == "other" ? "other" : "desktop";
    }

    private static ReadOnlySpan<byte> Lower(ReadOnlySpan<byte> text, Span<byte> buffer)
    {
        text = text[..Math.Min(text.Length, buffer.Length)];
        for (int i = 0; i < text.Length; i++)
        {
            buffer[i] = text[i] is >= (byte)'A' and <= (byte)'Z' ? (byte)(text[i] | 0x20) : text[i];
        }

        return buffer[..text.Length];
    }

    private static string First(ReadOnlySpan<byte> text, (byte[] Mark, string Name)[] marks)
    {
        foreach ((byte[] mark, string name) in marks)
        {
            if (text.IndexOf(mark) >= 0)
            {
                return name;
            }
        }

        return "other";
    }

    private static bool HasAny(ReadOnlySpan<byte> text, byte[][] marks)
    {
        foreach (byte[] mark in marks)
        {
            if (text.IndexOf(mark) >= 0)
            {
                return true;
            }
        }

        return false;
    }

    private static byte[][] Marks(params string[] marks) => [.. marks.Select(System.Text.Encoding.ASCII.GetBytes)];
}
