namespace Naru.Demo;

/// <summary>
/// What is special about an hour of history. Days count back from the day of the start (0); hours are of the project's
/// zone. docs/sample-shop.md tells the same stories to readers.
/// </summary>
internal static class ShopStories
{
    /// <summary>Rank of the ad that everybody wants for two hours.</summary>
    public const int HotAdRank = 6;

    /// <summary>Rank of the user whose phone had no network for seven hours.</summary>
    public const int LateUserRank = 5;

    /// <summary>Hours between an event on that phone and its arrival.</summary>
    public const int LateHours = 7;

    public static bool HotAd(int day, int hour) => day == -3 && hour is 20 or 21;

    public static bool Bot(int day, int hour) => day == -5 && hour is >= 2 and <= 5;

    /// <summary>App 5.3.0 is out: it sends dwell_ms with its unit, as text.</summary>
    public static bool BrokenRelease(int day, int hour) => day == -6 && hour is >= 10 and < 16;

    /// <summary>The ad server sends nothing.</summary>
    public static bool Silence(int day, int hour) => day == -2 && hour == 15;

    /// <summary>What the late phone did in this hour arrives <see cref="LateHours"/> later.</summary>
    public static bool LatePhone(int day, int hour) => day == -4 && hour is 9 or 10;
}
