namespace Naru.Demo;

/// <summary>Who and what there is in the shop. Nothing here is real: names and numbers are made up.</summary>
internal static class ShopWorld
{
    public const int UserCount = 2_000;
    public const int DocumentCount = 600;
    public const int AdCount = 40;
    public const int CampaignCount = 8;

    public static readonly string[] Queries =
    [
        "여름 원피스", "무선 이어폰", "운동화", "캠핑 의자", "선크림", "노트북 가방", "강아지 사료", "커피 원두",
        "summer dress", "wireless earbuds", "running shoes", "아기 물티슈", "에어컨", "감자칩", "러닝화 남자",
        "camping chair", "sunscreen spf50", "요가 매트", "텀블러", "기계식 키보드", "mechanical keyboard", "우산",
        "블루투스 스피커", "coffee beans", "손목시계", "레고", "청바지", "백팩", "yoga mat", "김치 10kg",
    ];

    public static readonly string[] Apps =
        ["kakaotalk", "naver", "coupang", "toss", "karrot", "instagram", "youtube", "baemin", "kakaomap", "zigzag"];

    public static readonly string[] Experiments = ["checkout-button", "search-ranking-v2", "home-banner"];

    private static readonly string[] Ages = ["10s", "20s", "20s", "30s", "30s", "30s", "40s", "40s", "50s", "60s"];

    public static readonly string[] Placements = ["home", "search", "detail"];

    public static readonly ZipfRanks UserRanks = new(UserCount);
    public static readonly ZipfRanks DocumentRanks = new(DocumentCount);
    public static readonly ZipfRanks AdRanks = new(AdCount);
    public static readonly ZipfRanks QueryRanks = new(Queries.Length);

    /// <summary>Share of a day's sessions in each hour of the project's zone, in thousandths of their sum.</summary>
    public static readonly int[] HourWeights =
        [22, 14, 9, 6, 5, 7, 14, 28, 42, 48, 50, 52, 58, 56, 50, 48, 48, 50, 54, 60, 72, 84, 76, 47];

    public static string User(int rank) => $"u-{rank:d5}";

    public static string Phone(int rank) => $"+82-10-0000-{rank:d4}";

    public static string Document(int rank) => $"d-{rank:d4}";

    public static string Ad(int rank) => $"ad-{rank + 1:d4}";

    /// <summary>Neighbouring ranks pay from different purses.</summary>
    public static string Campaign(int adRank) => $"c-{adRank % CampaignCount + 1:d2}";

    /// <summary>
    /// Price of one tap on an ad, in millionths of a KRW: what the advertiser bid, by campaign and placement.
    /// </summary>
    public static long CostMicros(int adRank, int placement) =>
        (60 + adRank % CampaignCount * 17) * 1_000_000L + (placement + 1) * 31_250_000L / 4 + adRank * 1_003L;

    public static string Device(int userRank) => (userRank % 10) switch
    {
        < 5 => "android",
        < 8 => "ios",
        _ => "web",
    };

    /// <summary>Age and gender that a user gave, as members of a JSON object; a tenth gave none.</summary>
    public static string Person(int userRank)
    {
        int about = userRank * 7_919 % 1_000;
        return about >= 900 ? ""
            : $",\"age\":\"{Ages[about % Ages.Length]}\",\"gender\":\"{(about / Ages.Length % 9 < 5 ? 'f' : 'm')}\"";
    }
}
