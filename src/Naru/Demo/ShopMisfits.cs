using Naru.Core.Events;

namespace Naru.Demo;

/// <summary>Events that are wrong, each in one way, and senders that are odd.</summary>
internal static class ShopMisfits
{
    private const string Source = "partner-feed";

    /// <summary>One event that must be rejected, with the reason that it must get.</summary>
    public static ShopEvent Rejected(SeededRandom random, ShopOptions options, DateTimeOffset time)
    {
        string id = $"bad-{random.Hex(16)}";
        string session = $"s-{random.Hex(10)}";
        ShopLine Begin(string log) => new ShopLine(log, Source, time).Id(id).Text("session_id", session);
        ShopLine Timed(string log) => Begin(log).Time(ShopTimeForm.IsoUtc, options.TimeZone);
        return (random.Below(8) switch
        {
            0 => Timed("kr_shop.page_view").Text("screen", "home").CutOff(),
            1 => Timed("kr_shop.search").Text("query_id", $"q-{random.Hex(12)}").Rejected(RejectReason.MissingField),
            2 => Order(Timed("kr_shop.order"), random).Number("amount", -100.00m, quoted: true)
                .Rejected(RejectReason.OutOfRange),
            3 => Timed("kr_shop.page_view").Text("screen", "wishlist").Rejected(RejectReason.NotInEnum),
            4 => Begin("kr_shop.page_view").Text("event_time", "yesterday").Text("screen", "home")
                .Rejected(RejectReason.BadTime),
            5 => Timed("kr_shop.search").Text("query_id", $"q-{random.Hex(12)}").Text("query", new string('가', 300))
                .Rejected(RejectReason.TooLong),
            6 => Order(Timed("kr_shop.order"), random).Number("amount", 10_000.00m).Text("phone", "010-0000-0000")
                .Rejected(RejectReason.PatternMismatch),
            _ => Timed("kr_shop.doc_click").Text("query_id", $"q-{random.Hex(12)}").Text("doc_id", "d-0001")
                .Text("rank", "first").Rejected(RejectReason.WrongType),
        }).End();
    }

    /// <summary>A kiosk whose clock stands in 2031 and that never says when it sends.</summary>
    public static ShopEvent WrongYear(SeededRandom random, ShopOptions options, DateTimeOffset time)
    {
        DateTimeOffset shown = new(2031, 1, 1, 0, 0, 0, TimeSpan.Zero);
        return Kiosk(random, time)
            .Time("event_time", shown.AddMilliseconds(random.Below(86_400_000)), ShopTimeForm.IsoUtc, options.TimeZone)
            .Clock(ShopClock.OutOfBounds)
            .End();
    }

    /// <summary>The same kiosk nine hours ahead, which says when it sends: its times can be corrected.</summary>
    public static ShopEvent NineHoursAhead(SeededRandom random, ShopOptions options, DateTimeOffset time) =>
        Kiosk(random, time)
            .Time("event_time", time.AddHours(9), ShopTimeForm.IsoUtc, options.TimeZone)
            .Time("sent_at", time.AddHours(9).AddMilliseconds(800), ShopTimeForm.IsoUtc, options.TimeZone)
            .Clock(ShopClock.Repaired)
            .End();

    /// <summary>A robot that looks at one page after another, a second each, all in one visit.</summary>
    public static IEnumerable<ShopEvent> Bot(
        SeededRandom random, ShopOptions options, DateTimeOffset begin, int count)
    {
        for (int page = 0; page < count; page++)
        {
            yield return new ShopLine("kr_shop.page_view", "shop-web", begin.AddSeconds(page))
                .Id($"bot-{random.Hex(16)}")
                .Time(ShopTimeForm.IsoUtc, options.TimeZone)
                .Text("screen", "detail")
                .Text("page", "/products/" + ShopWorld.Document(page % ShopWorld.DocumentCount))
                .Text("session_id", "s-bot")
                .Text("device", "web")
                .Flag("logged_in", false)
                .Number("dwell_ms", 1000)
                .Raw("context", """{"agent":"examplebot/1.0"}""")
                .End();
        }
    }

    private static ShopLine Kiosk(SeededRandom random, DateTimeOffset time) =>
        new ShopLine("kr_shop.page_view", "kiosk-3", time)
            .Id($"ki-{random.Hex(16)}")
            .Text("screen", "home")
            .Text("session_id", $"s-{random.Hex(10)}")
            .Text("device", "web")
            .Flag("logged_in", false);

    private static ShopLine Order(ShopLine line, SeededRandom random) => line
        .Text("order_id", $"o-{random.Hex(12)}")
        .Text("status", "paid")
        .Text("user_id", "u-00001");
}
