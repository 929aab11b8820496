using System.Text;
using Naru.Core.Events;

namespace Naru.Tests.Core.Events;

public class EventIdentityTests
{
    private static readonly EventIdentity Identity = EventIdentity.Of("app/phone-1"u8, "kr_shop.ad_click"u8);

    /// <summary>
    /// Ids are persisted and compared across versions: these never change (made by an independent program).
    /// </summary>
    [Fact]
    public void Ids_of_version_1_stay_what_they_are()
    {
        Assert.Equal("0199c82cc00021985274431d6fb4679e", Identity.ByClientId(1760000000000, "order-17"u8).ToString());
        Assert.Equal(
            "00000000000000e325f6610740657a61", Identity.ByClientId(0, Encoding.UTF8.GetBytes("주문-1")).ToString());
        Assert.Equal(
            "0199c82cc07b75fa57faae17f98d0297",
            Identity.ByIndex(1760000000123, 0x1122334455667788, 0x99aabbccddeeff00, 41).ToString());
        Assert.Equal(
            "ffffffffffff2b53616228cd96ad4b3f",
            EventIdentity.Of([], "kr_shop.ad_click"u8).ByIndex(1L << 50, 1, 2, 0).ToString());
        Assert.Equal(
            "0199c82cc07bb9b63ea38740a87f72d4",
            Identity.ByLine(1760000000123, 1, 2, 7, " {\"a\":1}\r\n"u8).ToString());
    }

    [Fact]
    public void Every_part_of_the_identity_changes_the_id()
    {
        EventId[] ids =
        [
            Identity.ByIndex(5, 1, 2, 3),
            Identity.ByIndex(6, 1, 2, 3),
            Identity.ByIndex(5, 9, 2, 3),
            Identity.ByIndex(5, 1, 9, 3),
            Identity.ByIndex(5, 1, 2, 9),
            Identity.ByLine(5, 1, 2, 3, "{}"u8),
            Identity.ByLine(5, 1, 2, 3, "{ }"u8),
            Identity.ByClientId(5, "3"u8),
            EventIdentity.Of("app/phone-1k"u8, "r_shop.ad_click"u8).ByIndex(5, 1, 2, 3),
            EventIdentity.Of("app/phone-2"u8, "kr_shop.ad_click"u8).ByIndex(5, 1, 2, 3),
        ];
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    [Fact]
    public void Created_time_stands_in_front_and_is_kept_within_48_bits()
    {
        Assert.Equal(1760000000000, Identity.ByClientId(1760000000000, "a"u8).CreatedMilliseconds);
        Assert.Equal(0, Identity.ByClientId(-5, "a"u8).CreatedMilliseconds);
        Assert.Equal((1L << 48) - 1, Identity.ByClientId(long.MaxValue, "a"u8).CreatedMilliseconds);
    }
}
