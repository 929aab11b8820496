using System.Collections.Immutable;
using Naru.Lake.DuckDb;
using Naru.Query.Functions.Scalars;

namespace Naru.Query.Functions;

/// <summary>The C# functions of every session.</summary>
internal static class OwnScalars
{
    public static readonly ImmutableArray<ScalarFunction> All =
    [
        .. TextScalars.All, .. UrlScalars.All, .. UserAgents.All, .. Referrers.All, .. Rates.All, .. GeoScalars.All,
        .. IpCountries.All, .. Divisions.All,
    ];

    public static void Register(DuckDbConnection connection) => ScalarFunctions.Register(connection, All);
}
