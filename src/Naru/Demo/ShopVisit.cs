using Naru.Core.Events;

namespace Naru.Demo;

/// <summary>What differs from a usual visit.</summary>
internal sealed record VisitMood
{
    public static readonly VisitMood Usual = new();

    /// <summary>Whose visit it is; null for anyone.</summary>
    public int? UserRank { get; init; }

    public bool HotAd { get; init; }

    /// <summary>No ads are shown or counted.</summary>
    public bool AdsSilent { get; init; }

    /// <summary>Android phones run the release that sends dwell_ms as text.</summary>
    public bool BrokenRelease { get; init; }
}

/// <summary>One visit to the shop: screens, ads, a search, perhaps an order, in the order that they happen.</summary>
internal sealed class ShopVisit
{
    private readonly SeededRandom _random;
    private readonly ShopOptions _options;
    private readonly VisitMood _mood;
    private readonly List<ShopEvent> _events = [];
    private readonly int _userRank;
    private readonly string _session;
    private readonly string _device;
    private readonly bool _loggedIn;
    private DateTimeOffset _now;

    private ShopVisit(SeededRandom random, ShopOptions options, DateTimeOffset begin, VisitMood mood)
    {
        (_random, _options, _mood, _now) = (random, options, mood, begin);
        _userRank = mood.UserRank ?? ShopWorld.UserRanks.Next(random);
        _session = $"s-{random.Hex(10)}";
        _device = ShopWorld.Device(_userRank);
        _loggedIn = random.Chance(70);
    }

    private string? User => _loggedIn ? ShopWorld.User(_userRank) : null;

    private string AppSource => $"shop-{_device}";

    public static List<ShopEvent> Make(
        SeededRandom random, ShopOptions options, DateTimeOffset begin, VisitMood mood)
    {
        ShopVisit visit = new(random, options, begin, mood);
        visit.Run();
        return visit._events;
    }

    private void Run()
    {
        PageView("home");
        Ads(placement: 0, count: _random.Between(1, 2));
        if (_random.Chance(30))
        {
            Experiment();
        }

        if (_random.Chance(1))
        {
            Install();
        }

        if (_random.Chance(55))
        {
            Search();
        }
        else if (_random.Chance(30))
        {
            PageView("detail", ShopWorld.Document(ShopWorld.DocumentRanks.Next(_random)));
            Ads(placement: 2, count: 1);
        }
    }

    private void Pass(int secondsMin, int secondsMax) =>
        _now = _now.AddMilliseconds(_random.Between(secondsMin * 1000, secondsMax * 1000));

    private void PageView(string screen, string? document = null)
    {
        Pass(1, 8);
        bool broken = _mood.BrokenRelease && _device == "android" && _random.Chance(50);
        int dwell = _random.Between(300, 20_000);
        string? campaign = screen == "home" && _random.Chance(15)
            ? ShopWorld.Campaign((int)_random.Below(ShopWorld.CampaignCount))
            : null;
        ShopLine line = new ShopLine("kr_shop.page_view", AppSource, _now)
            .Id($"pv-{_random.Hex(16)}")
            .Time(ShopTimeForm.IsoUtc, _options.TimeZone)
            .Text("screen", screen)
            .Text("page", document is null ? "/" + screen : "/products/" + document)
            .Text("referrer", _device == "web" ? _random.Pick(Referrers) : null)
            .Text("utm_source", campaign is null ? null : "newsletter")
            .Text("utm_medium", campaign is null ? null : "email")
            .Text("utm_campaign", campaign)
            .Text("session_id", _session)
            .Text("user_id", User)
            .Text("device", _device)
            .Text("app_version", _device == "web" ? null : broken ? "5.3.0" : "5.2.0")
            .Flag("logged_in", _loggedIn);
        line = broken
            ? line.Text("dwell_ms", $"{dwell} ms").Rejected(RejectReason.WrongType)
            : line.Number("dwell_ms", dwell);
        string network = _random.Chance(60) ? Wifi : Cellular;
        string person = _loggedIn ? ShopWorld.Person(_userRank) : "";
        _events.Add(line.Raw("context", $"{{{network}{person}}}").End());
    }

    private void Ads(int placement, int count)
    {
        for (int shown = 0; shown < count && !_mood.AdsSilent; shown++)
        {
            bool hot = _mood.HotAd && _random.Chance(40);
            int ad = hot ? ShopStories.HotAdRank : ShopWorld.AdRanks.Next(_random);
            string impression = $"i-{_random.Hex(14)}";
            Pass(1, 3);
            _events.Add(AdLine("kr_ad.impression", impression, ad, placement)
                .End(ShopWorld.Ad(ad), ShopWorld.Campaign(ad)));
            if (_random.Chance(hot ? 12 : 4))
            {
                Pass(1, 5);
                decimal cost = ShopWorld.CostMicros(ad, placement) * 0.000001m;
                _events.Add(AdLine("kr_ad.click", impression, ad, placement)
                    .Number("cost", cost, quoted: placement == 1)
                    .End(ShopWorld.Ad(ad), ShopWorld.Campaign(ad)));
            }
        }
    }

    private ShopLine AdLine(string log, string impression, int ad, int placement) =>
        new ShopLine(log, "ad-server", _now)
            .Id($"{log[6]}-{_random.Hex(16)}")
            .Time(ShopTimeForm.EpochMilliseconds, _options.TimeZone)
            .Text("impression_id", impression)
            .Text("ad_id", ShopWorld.Ad(ad))
            .Text("campaign_id", ShopWorld.Campaign(ad))
            .Text("placement", ShopWorld.Placements[placement])
            .Text("session_id", _session)
            .Text("user_id", User)
            .Text("device", _device);

    private void Search()
    {
        Pass(2, 15);
        string query = ShopWorld.Queries[ShopWorld.QueryRanks.Next(_random)];
        string queryId = $"q-{_random.Hex(12)}";
        int results = _random.Between(3, 8);
        _events.Add(new ShopLine("kr_shop.search", AppSource, _now)
            .Id(queryId)
            .Time(ShopTimeForm.IsoUtc, _options.TimeZone)
            .Text("query_id", queryId)
            .Text("query", query)
            .Text("locale", query[0] < 128 ? "en" : "ko")
            .Number("results", results)
            .Number("took_ms", _random.Between(8, 400) * 0.25m)
            .Text("session_id", _session)
            .Text("user_id", User)
            .Text("device", _device)
            .End(query: query));
        PageView("search");
        Ads(placement: 1, count: 1);

        // The better of two draws: the top of a list is tapped most.
        int place = Math.Min(_random.Between(1, results), _random.Between(1, results));
        int? clicked = _random.Chance(45) ? place : null;
        string? document = null;
        for (int rank = 1; rank <= results; rank++)
        {
            string shown = ShopWorld.Document(ShopWorld.DocumentRanks.Next(_random));
            document = rank == clicked ? shown : document;
            _events.Add(Shown("kr_shop.exposure", "search-api", queryId, shown, rank).End());
        }

        if (document is not null)
        {
            Pass(2, 20);
            _events.Add(Shown("kr_shop.doc_click", AppSource, queryId, document, clicked!.Value)
                .Id($"dc-{_random.Hex(16)}")
                .Text("user_id", User)
                .End());
            PageView("detail", document);
            Ads(placement: 2, count: 1);
            Order(document);
        }
    }

    /// <summary>The search server gives its exposures no id: their place in the batch is their identity.</summary>
    private ShopLine Shown(string log, string source, string queryId, string document, int rank) =>
        new ShopLine(log, source, _now)
            .Time(ShopTimeForm.IsoUtc, _options.TimeZone)
            .Text("query_id", queryId)
            .Text("doc_id", document)
            .Number("rank", rank)
            .Text("area", rank == 1 ? "top" : rank > 6 ? "side" : "list")
            .Text("session_id", _session);

    private void Order(string document)
    {
        if (!_random.Chance(12))
        {
            return;
        }

        PageView("cart");
        Pass(5, 20);
        string order = $"o-{_random.Hex(12)}";
        int items = _random.Between(1, 4);
        decimal amount = items * _random.Between(49, 990) * 100.00m;
        _events.Add(OrderLine(order, "paid", amount, items, document));
        PageView("order_done");
        if (_random.Chance(6))
        {
            Pass(3, 9);
            _events.Add(OrderLine(order, "cancelled", amount, items, document));
        }
    }

    private ShopEvent OrderLine(string order, string status, decimal amount, int items, string document) =>
        new ShopLine("kr_shop.order", "order-api", _now)
            .Id($"{order}/{status}")
            .Time(ShopTimeForm.IsoLocal, _options.TimeZone)
            .Text("order_id", order)
            .Text("status", status)
            .Number("amount", amount, quoted: true)
            .Text("currency", "KRW")
            .Number("items", items)
            .Texts("doc_ids", Enumerable.Range(0, items).Select(_ => document))
            .Text("deliver_on", _now.AddDays(2).ToString("yyyy-MM-dd", null))
            .Text("session_id", _session)
            .Text("user_id", ShopWorld.User(_userRank))
            .Text("phone", ShopWorld.Phone(_userRank))
            .End();

    private void Experiment()
    {
        string experiment = _random.Pick(ShopWorld.Experiments);
        _events.Add(new ShopLine("kr_exp.exposure", AppSource, _now)
            .Time(ShopTimeForm.IsoUtc, _options.TimeZone)
            .Text("experiment", experiment)
            .Text("variant", (_userRank + experiment.Length) % 2 == 0 ? "control" : "treatment")
            .Text("session_id", _session)
            .Text("user_id", User)
            .End());
    }

    private void Install()
    {
        if (_device == "web")
        {
            return;
        }

        Pass(1, 4);
        int first = _random.Between(0, ShopWorld.Apps.Length - 4);
        _events.Add(new ShopLine("kr_app.install", AppSource, _now)
            .Id($"in-{_random.Hex(16)}")
            .Time(ShopTimeForm.IsoUtc, _options.TimeZone)
            .Text("install_id", $"in-{_random.Hex(8)}")
            .Text("device", _device)
            .Text("app_version", "5.2.0")
            .Text("campaign_id", _random.Chance(40) ? ShopWorld.Campaign(_userRank) : null)
            .Texts("apps", ShopWorld.Apps.Skip(first).Take(_random.Between(1, 4)))
            .Text("device_id", $"dv-{_random.Hex(8)}")
            .Text("phone", ShopWorld.Phone(_userRank))
            .End());
    }

    private const string Wifi = "\"network\":\"wifi\"";
    private const string Cellular = "\"network\":\"5g\",\"carrier\":\"made-up\"";

    private static readonly string[] Referrers =
        ["https://search.example.kr/", "https://www.example.com/deals?from=여름", "https://blog.example.kr/p/42"];
}
