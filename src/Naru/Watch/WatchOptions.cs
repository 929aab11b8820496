using System.Globalization;
using Naru.Configuration;
using Naru.Core;

namespace Naru.Watch;

[SettingSection("watch", "Alerts, and where they are told.")]
internal sealed record WatchOptions : ICheckedOptions
{
    [Setting("where alerts are told, as `env:NAME` or `file:PATH` that holds the address of a webhook, or mailto: and "
        + "addresses of mail; empty: only logged")]
    public string Webhook { get; init; } = "";

    [Setting("let webhooks reach private and loopback addresses")]
    public bool AllowPrivate { get; init; }

    [Setting("mail server for alerts that go to mailto: addresses, such as smtp.example.com:587")]
    public string Smtp { get; init; } = "";

    [Setting("speak TLS (STARTTLS) with the mail server")]
    public bool SmtpTls { get; init; } = true;

    [Setting("whom mails come from")]
    public string SmtpFrom { get; init; } = "naru@localhost";

    [Setting("`env:NAME` or `file:PATH` that holds user:password for the mail server; empty: none is asked for")]
    public string SmtpLogin { get; init; } = "";

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

        if (SmtpLogin.Length > 0 && SecretReference.Fault(SmtpLogin) is { } login)
        {
            yield return (nameof(SmtpLogin), login, SecretReference.Hint);
        }

        if (Smtp.Length > 0 && SplitSmtp(Smtp) is null)
        {
            yield return (nameof(Smtp), $"'{Smtp}' is no host with a port", "write it as smtp.example.com:587");
        }

        if (!System.Net.Mail.MailAddress.TryCreate(SmtpFrom, out _))
        {
            yield return (nameof(SmtpFrom), $"'{SmtpFrom}' is no address", "write it as naru@example.com");
        }
    }

    /// <summary>Host and port; null where it is none.</summary>
    public static (string Host, int Port)? SplitSmtp(string text)
    {
        int colon = text.LastIndexOf(':');
        return colon > 0
            && int.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            && port is > 0 and < 65_536
            ? (text[..colon], port) : null;
    }
}
