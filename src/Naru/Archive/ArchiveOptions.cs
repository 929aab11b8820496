using Naru.Core;

namespace Naru.Archive;

[SettingSection("archive", "Saved queries and dashboards.")]
internal sealed record ArchiveOptions : ICheckedOptions
{
    public const string NumberPlace = "{number}";

    [Setting("address of a ticket in the company's own tracker, with {number} in it; a saved query links there")]
    public string Tracker { get; init; } = "";

    [Setting("let everybody who may read a table save queries and dashboards of their own; else administrators alone")]
    public bool ReadersMaySave { get; init; } = true;

    /// <summary>Where the ticket of a number is; null without a tracker.</summary>
    public string? TicketOf(string number) => Tracker.Length == 0 ? null
        : Tracker.Replace(NumberPlace, Uri.EscapeDataString(number), StringComparison.Ordinal);

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        if (Tracker.Length > 0 && !(Tracker.Contains(NumberPlace, StringComparison.Ordinal)
            && Uri.TryCreate(TicketOf("1"), UriKind.Absolute, out Uri? address)
            && (address.Scheme == Uri.UriSchemeHttps || address.Scheme == Uri.UriSchemeHttp)))
        {
            yield return (
                nameof(Tracker),
                $"'{Tracker}' is no address of tickets",
                "write it as https://tracker.example.com/browse/{number}");
        }
    }
}
