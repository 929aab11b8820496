using Naru.Configuration;
using Naru.Core;

namespace Naru.Watch;

[SettingSection("watch", "Alerts, and where they are told.")]
internal sealed record WatchOptions : ICheckedOptions
{
    [Setting("where alerts are posted, as `env:NAME` or `file:PATH` that holds the address; empty: only logged")]
    public string Webhook { get; init; } = "";

    [Setting("let webhooks reach private and loopback addresses")]
    public bool AllowPrivate { get; init; }

    [Setting("how often alerts are judged", Min = "100ms", Max = "10m")]
    public TimeSpan EvaluateInterval { get; init; } = TimeSpan.FromSeconds(10);

    [Setting("how long changes are gathered into one message", Max = "1h")]
    public TimeSpan GroupWait { get; init; } = TimeSpan.FromSeconds(15);

    [Setting("how often an alert that goes on firing is told again", Min = "1m")]
    public TimeSpan? RepeatInterval { get; init; } = TimeSpan.FromHours(4);

    [Setting("how often windows that closed since the last time are counted again from the lake", Min = "1m")]
    public TimeSpan? VerifyInterval { get; init; } = TimeSpan.FromHours(24);

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        if (Webhook.Length > 0 && SecretReference.Fault(Webhook) is { } fault)
        {
            yield return (nameof(Webhook), fault, SecretReference.Hint);
        }
    }
}
