using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Naru.Watch.Alerts;

/// <summary>One message for all notices of a group, in the shape that Slack and those who copied it take.</summary>
internal static class AlertMessage
{
    private const int LinesMax = 40;

    /// <summary>{"text": …, "blocks": […]}: the text alone says everything; blocks only lay it out.</summary>
    public static byte[] Write(string project, IReadOnlyList<AlertNotice> notices)
    {
        string title = $"{Title(notices)} in {Escape(project)}";
        string lines = string.Join('\n', notices.Take(LinesMax).Select(Line));
        if (notices.Count > LinesMax)
        {
            lines += $"\nand {notices.Count - LinesMax} more: SELECT * FROM naru.alerts";
        }

        JsonObject message = new()
        {
            ["text"] = $"{title}\n{lines}",
            ["blocks"] = new JsonArray(Section($"*{title}*"), Section(lines)),
        };
        return JsonSerializer.SerializeToUtf8Bytes(message);
    }

    private static JsonObject Section(string text) => new()
    {
        ["type"] = "section", ["text"] = new JsonObject { ["type"] = "mrkdwn", ["text"] = text },
    };

    private static string Title(IReadOnlyList<AlertNotice> notices)
    {
        return string.Join(", ", ((string[])["firing", "failing", "resolved"])
            .Select(what => (What: what, Count: notices.Count(notice => notice.What == what)))
            .Where(static each => each.Count > 0)
            .Select(static each => $"{each.Count} {each.What}"));
    }

    private static string Line(AlertNotice notice)
    {
        StringBuilder line = new();
        line.Append(notice.What.ToUpperInvariant()).Append(' ')
            .Append(notice.Again ? "(still) " : "")
            .Append(notice.Critical ? "critical " : "")
            .Append(Escape(notice.Alert));
        if (notice.Log.Length > 0)
        {
            line.Append(" on ").Append(Escape(notice.Log));
        }

        line.Append(": ").Append(Escape(notice.Text));
        if (notice.Description.Length > 0)
        {
            line.Append(" - ").Append(Escape(notice.Description));
        }

        return line.ToString();
    }

    /// <summary>The three characters that the format gives a meaning; line breaks would fake a line.</summary>
    private static string Escape(string text) => text.ReplaceLineEndings(" ")
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal);
}
