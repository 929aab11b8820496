using System.Collections.Frozen;
using System.Collections.Immutable;
using Naru.Access;
using Naru.Access.Tickets;
using Naru.Core.Events;
using Naru.Core.Files;
using Naru.Sim;

namespace Naru.Tests.Access;

/// <summary>Budgets over days, restarts, raises, and more queries than may run.</summary>
public sealed class TicketBookTests : IDisposable
{
    private static readonly TicketDefinition Marketing = new()
    {
        Name = "marketing",
        Owner = "kim",
        Limits = ImmutableSortedDictionary<TicketLimit, long>.Empty
            .Add(TicketLimit.Concurrent, 2)
            .Add(TicketLimit.ScannedPerDay, 1_000)
            .Add(TicketLimit.CpuPerDay, 60_000),
    };

    private static readonly FixedAccess Access = new(new AccessSet
    {
        Tickets = new Dictionary<string, TicketDefinition> { ["marketing"] = Marketing }.ToFrozenDictionary(),
    });

    private readonly string _folder = Directory.CreateTempSubdirectory("naru-tickets-").FullName;
    private readonly ManualTimeProvider _time = new(new DateTimeOffset(2026, 11, 21, 14, 30, 0, TimeSpan.Zero));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_budget_is_used_up_and_says_when_it_begins_anew()
    {
        TicketBook book = Open();
        Assert.Null(book.Check(Marketing, TicketLimit.ScannedPerDay));
        book.Use(Marketing, new TicketUse(999, 0, 0));
        Assert.Null(book.Check(Marketing, TicketLimit.ScannedPerDay));
        TicketRefusal? last = book.Check(Marketing, TicketLimit.ScannedPerDay, wanted: 2);
        Assert.Equal(
            "ticket \"marketing\" has 1B left of its 1000B of scanned_per_day, and this question read 2B the last time",
            last!.Message);
        book.Use(Marketing, new TicketUse(1, 0, 0));
        TicketRefusal? refusal = book.Check(Marketing, TicketLimit.ScannedPerDay);
        Assert.Equal("ticket \"marketing\" has used up its 1000B of scanned_per_day", refusal!.Message);

        // 14:30 in UTC is 23:30 in Seoul.
        Assert.Equal(1800, refusal.RetryAfterSeconds);
        Assert.Contains("2026-11-22 00:00", refusal.Hint, StringComparison.Ordinal);
        Assert.Null(book.Check(Marketing, TicketLimit.CpuPerDay));
        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.Null(book.Check(Marketing, TicketLimit.ScannedPerDay));
        Assert.Equal(TicketUse.None, book.UseOf("marketing"));
    }

    [Fact]
    public void Uses_and_raises_outlive_the_process()
    {
        TicketBook book = Open();
        book.Use(Marketing, new TicketUse(1_000, 0, 7));
        book.Save();
        book = Open();
        Assert.Equal(new TicketUse(1_000, 0, 7), book.UseOf("marketing"));
        Assert.NotNull(book.Check(Marketing, TicketLimit.ScannedPerDay));
        book.Raise(new TicketRaise(
            "marketing", TicketLimit.ScannedPerDay, 2_000, _time.GetUtcNow().AddMinutes(10), "kim", "report"));

        // No Save: a raise is durable at once.
        book = Open();
        Assert.Null(book.Check(Marketing, TicketLimit.ScannedPerDay));
        Assert.Equal("report", book.LimitOf(Marketing, TicketLimit.ScannedPerDay)!.Value.Raise!.Why);
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.NotNull(book.Check(Marketing, TicketLimit.ScannedPerDay));
    }

    [Fact]
    public async Task More_queries_than_may_run_wait_in_their_order_and_a_raise_lets_them_in()
    {
        TicketBook book = Open();
        CancellationToken stop = TestContext.Current.CancellationToken;
        IDisposable first = await book.EnterAsync(Marketing, stop);
        IDisposable second = await book.EnterAsync(Marketing, stop);
        Task<IDisposable> third = book.EnterAsync(Marketing, stop).AsTask();
        using CancellationTokenSource impatient = new();
        Task<IDisposable> fourth = book.EnterAsync(Marketing, impatient.Token).AsTask();
        Task<IDisposable> fifth = book.EnterAsync(Marketing, stop).AsTask();
        Assert.False(third.IsCompleted);
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fourth);
        first.Dispose();
        first.Dispose();
        IDisposable entered = await third;
        Assert.False(fifth.IsCompleted);
        Assert.Equal(2, book.RunningOf("marketing"));
        book.Raise(new TicketRaise(
            "marketing", TicketLimit.Concurrent, 3, _time.GetUtcNow().AddHours(1), "kim", ""));
        IDisposable last = await fifth;
        foreach (IDisposable turn in (IDisposable[])[second, entered, last])
        {
            turn.Dispose();
        }

        Assert.Equal(0, book.RunningOf("marketing"));
    }

    private TicketBook Open() => TicketBook.Open(
        Access,
        new PosixFileSystem(),
        _folder,
        ProjectZone.Of(TimeZoneInfo.FindSystemTimeZoneById("Asia/Seoul")),
        _time);
}
