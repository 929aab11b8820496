using Naru.Core.Events;

namespace Naru.Tests.Core;

public class EventIdTests
{
    [Fact]
    public void Text_form_round_trips()
    {
        EventId id = new(0x0193_5c1f_aa00_1234, 0xfedc_ba98_7654_3210);
        Assert.True(EventId.TryParse(id.ToString(), out EventId parsed));
        Assert.Equal(id, parsed);
    }
}
