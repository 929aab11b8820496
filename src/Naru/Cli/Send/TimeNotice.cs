using System.Globalization;
using System.Text;
using System.Text.Json;
using Naru.Core.Events;
using Naru.Core.Text;

namespace Naru.Cli.Send;

/// <summary>
/// Looks at the times of some lines, and says so when the log does not believe times that old: such events get the time
/// of their receipt, which is seldom what someone wants who sends a file.
/// </summary>
internal sealed class TimeNotice
{
    private readonly string _log;
    private readonly byte[] _key;
    private readonly TimeSpan? _maxPast;
    private readonly TimeProvider _time;
    private bool _told;

    /// <param name="log">What GET /v1/logs/{log} answered.</param>
    public TimeNotice(JsonElement log, TimeProvider time)
    {
        _log = log.GetProperty("log").GetString()!;
        _key = Encoding.UTF8.GetBytes(log.GetProperty("time").GetString()!);
        _maxPast = DurationText.TryParse(log.GetProperty("max_past").GetString(), out TimeSpan bound) ? bound : null;
        _time = time;
    }

    /// <summary>The notice, the first time that a block's first or last line is too old; else null.</summary>
    public string? Look(SendBlock block)
    {
        if (_told || _maxPast is not { } bound)
        {
            return null;
        }

        ReadOnlySpan<byte> body = block.Body.Span.TrimEnd("\r\n"u8);
        int first = body.IndexOf((byte)'\n');
        int last = body.LastIndexOf((byte)'\n');
        return Tell(first < 0 ? body : body[..first], bound) ?? Tell(body[(last + 1)..], bound);
    }

    private string? Tell(ReadOnlySpan<byte> line, TimeSpan bound)
    {
        long now = (_time.GetUtcNow().UtcTicks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond;
        if (TimeOf(line) is not { } time || now - time <= bound.Ticks / TimeSpan.TicksPerMicrosecond)
        {
            return null;
        }

        _told = true;
        string day = DateTime.UnixEpoch.AddTicks(time * TimeSpan.TicksPerMicrosecond)
            .ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        return $"times in this file go back to {day}, and '{_log}' believes at most {DurationText.Format(bound)} "
            + "(max_past): older events get the time of their receipt. To keep their own, set 'max_past: unlimited' "
            + $"in logs/{_log}.yaml before you send";
    }

    /// <summary>Unix microseconds; null when the line has no time that can be read.</summary>
    private long? TimeOf(ReadOnlySpan<byte> line)
    {
        try
        {
            Utf8JsonReader reader = new(line);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return null;
            }

            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool found = reader.ValueTextEquals(_key);
                reader.Read();
                if (found)
                {
                    return reader.TokenType is JsonTokenType.String or JsonTokenType.Number
                        && TimeText.TryParse(reader.ValueSpan, ProjectZone.Utc, out long time)
                        ? time
                        : null;
                }

                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // Not an event: the server says so.
        }

        return null;
    }
}
