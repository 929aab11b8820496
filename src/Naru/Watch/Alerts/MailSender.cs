using System.Net;
using System.Net.Mail;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Naru.Watch.Alerts;

/// <summary>
/// Mails a message: `mailto:one@example.com,two@example.com`. The server is the settings' own, so it may be private.
/// </summary>
internal sealed class MailSender(WatchOptions options, Func<string?> login) : IWebhookSender
{
    public const string Scheme = "mailto:";

    private const int SubjectLengthMax = 150;
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(15);

    public async Task<string?> SendAsync(
        string address, ReadOnlyMemory<byte> message, CancellationToken cancellationToken)
    {
        if (options.Smtp.Length == 0)
        {
            return "no mail server is set; write one to watch.smtp";
        }

        using CancellationTokenSource deadline = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        deadline.CancelAfter(Deadline);
        try
        {
            (string host, int port) = WatchOptions.SplitSmtp(options.Smtp)!.Value;
            using MailMessage mail = MailOf(address, message.Span);
            using SmtpClient client = new(host, port) { EnableSsl = options.SmtpTls };
            if (login() is { Length: > 0 } secret)
            {
                string[] parts = secret.Trim().Split(':', 2);
                client.Credentials = new NetworkCredential(parts[0], parts.Length == 2 ? parts[1] : "");
            }

            await client.SendMailAsync(mail, deadline.Token).ConfigureAwait(false);
            return null;
        }
        catch (FormatException)
        {
            return "the mail's address is none; write mailto:name@example.com";
        }
        catch (SmtpException exception)
        {
            // Its words may hold what the server said, which may hold the address.
            return exception.InnerException is SocketException or IOException
                ? "the mail server does not answer"
                : $"the mail server did not take the mail ({exception.StatusCode})";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"the mail server does not answer within {Deadline.TotalSeconds} seconds";
        }
    }

    /// <summary>The message's text as a mail: its first line is the subject.</summary>
    private MailMessage MailOf(string address, ReadOnlySpan<byte> message)
    {
        Utf8JsonReader reader = new(message);
        using JsonDocument document = JsonDocument.ParseValue(ref reader);
        string text = Plain(document.RootElement.GetProperty("text").GetString()!);
        string subject = text.Split('\n')[0];
        MailMessage mail = new()
        {
            From = new MailAddress(options.SmtpFrom),
            Subject = subject.Length > SubjectLengthMax ? subject[..SubjectLengthMax] : subject,
            SubjectEncoding = Encoding.UTF8,
            Body = text.Replace("\n", "\r\n", StringComparison.Ordinal) + "\r\n",
            BodyEncoding = Encoding.UTF8,
        };
        try
        {
            foreach (string to in address[Scheme.Length..].Split(',', StringSplitOptions.TrimEntries))
            {
                mail.To.Add(new MailAddress(to));
            }
        }
        catch
        {
            mail.Dispose();
            throw;
        }

        return mail;
    }

    /// <summary>Without the escapes that the webhook's format wants.</summary>
    private static string Plain(string text) => text
        .Replace("&lt;", "<", StringComparison.Ordinal)
        .Replace("&gt;", ">", StringComparison.Ordinal)
        .Replace("&amp;", "&", StringComparison.Ordinal);
}

/// <summary>Takes each address to who can reach it.</summary>
internal sealed class AlertSender(IWebhookSender webhooks, IWebhookSender mails) : IWebhookSender
{
    public Task<string?> SendAsync(string address, ReadOnlyMemory<byte> message, CancellationToken cancellationToken) =>
        (address.StartsWith(MailSender.Scheme, StringComparison.OrdinalIgnoreCase) ? mails : webhooks)
        .SendAsync(address, message, cancellationToken);
}
