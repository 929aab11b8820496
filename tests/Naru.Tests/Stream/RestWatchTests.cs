using Naru.Stream;

namespace Naru.Tests.Stream;

public class RestWatchTests
{
    [Fact]
    public void A_stream_comes_to_rest_once_after_everything_has_been_landed_for_a_while()
    {
        RestWatch watch = new();
        bool[] seen =
        [
            .. new (long Durable, long Landed)[]
            {
                (10, 0), (10, 10), (10, 10), (10, 10), (10, 10), (10, 10),
            }.Select(look => watch.ComesToRest(look.Durable, look.Landed)),
        ];
        Assert.Equal([false, false, false, true, false, false], seen);
    }

    [Fact]
    public void A_stream_that_works_does_not_rest_and_rests_anew_after_it()
    {
        RestWatch watch = new();
        for (int i = 0; i < 10; i++)
        {
            Assert.False(watch.ComesToRest(durable: i + 1, landed: i));
            Assert.False(watch.ComesToRest(durable: i + 1, landed: i + 1));
        }

        Assert.False(watch.ComesToRest(10, 10));
        Assert.True(watch.ComesToRest(10, 10));
        Assert.False(watch.ComesToRest(11, 10));
        Assert.False(watch.ComesToRest(11, 11));
        Assert.False(watch.ComesToRest(11, 11));
        Assert.True(watch.ComesToRest(11, 11));
    }
}
