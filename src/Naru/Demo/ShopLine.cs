using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Naru.Core.Events;

namespace Naru.Demo;

/// <summary>How a sender writes times: the platform reads all of them.</summary>
internal enum ShopTimeForm
{
    IsoUtc,
    EpochMilliseconds,

    /// <summary>Without an offset: the project's zone.</summary>
    IsoLocal,
}

/// <summary>Writes one event as JSON while noting what the truth needs of it.</summary>
internal sealed class ShopLine : IDisposable
{
    private static readonly JsonWriterOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ArrayBufferWriter<byte> _bytes = new(256);
    private readonly Utf8JsonWriter _json;
    private readonly List<(string Field, decimal Value)> _numbers = [];
    private readonly string _log;
    private readonly string _source;
    private readonly DateTimeOffset _time;
    private RejectReason _rejected;
    private ShopClock _clock;
    private bool _cut;

    public ShopLine(string log, string source, DateTimeOffset time)
    {
        (_log, _source, _time) = (log, source, time);
        _json = new Utf8JsonWriter(_bytes, Plain);
        _json.WriteStartObject();
    }

    public ShopLine Id(string? id) => id is null ? this : Text("event_id", id);

    public ShopLine Time(ShopTimeForm form, TimeZoneInfo zone) => Time("event_time", _time, form, zone);

    public ShopLine Time(string key, DateTimeOffset time, ShopTimeForm form, TimeZoneInfo zone)
    {
        switch (form)
        {
            case ShopTimeForm.EpochMilliseconds:
                _json.WriteNumber(key, time.ToUnixTimeMilliseconds());
                break;
            case ShopTimeForm.IsoLocal:
                DateTimeOffset local = TimeZoneInfo.ConvertTime(time, zone);
                _json.WriteString(key, local.ToString("yyyy-MM-dd HH:mm:ss.fff", CultureInfo.InvariantCulture));
                break;
            default:
                _json.WriteString(
                    key, time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture));
                break;
        }

        return this;
    }

    public ShopLine Text(string key, string? value)
    {
        if (value is not null)
        {
            _json.WriteString(key, value);
        }

        return this;
    }

    public ShopLine Texts(string key, IEnumerable<string> values)
    {
        _json.WriteStartArray(key);
        foreach (string value in values)
        {
            _json.WriteStringValue(value);
        }

        _json.WriteEndArray();
        return this;
    }

    public ShopLine Flag(string key, bool value)
    {
        _json.WriteBoolean(key, value);
        return this;
    }

    /// <summary>A JSON value as it is.</summary>
    public ShopLine Raw(string key, string json)
    {
        _json.WritePropertyName(key);
        _json.WriteRawValue(json);
        return this;
    }

    /// <param name="key">The field.</param>
    /// <param name="value">With as many decimals as shall be written.</param>
    /// <param name="quoted">As a string, as senders do who fear for their decimals.</param>
    public ShopLine Number(string key, decimal value, bool quoted = false)
    {
        string text = value.ToString(CultureInfo.InvariantCulture);
        _numbers.Add((key, value));
        return quoted ? Text(key, text) : Raw(key, text);
    }

    public ShopLine Rejected(RejectReason reason)
    {
        _rejected = reason;
        return this;
    }

    public ShopLine Clock(ShopClock clock)
    {
        _clock = clock;
        return this;
    }

    /// <summary>The line breaks off before its end.</summary>
    public ShopLine CutOff()
    {
        _cut = true;
        return Rejected(RejectReason.Malformed);
    }

    public void Dispose() => _json.Dispose();

    /// <summary>Closes the line; nothing can be added after it.</summary>
    public ShopEvent End(string? ad = null, string? campaign = null, string? query = null)
    {
        _json.WriteEndObject();
        Dispose();
        return new ShopEvent
        {
            Log = _log,
            Source = _source,
            Time = _time,
            Json = _bytes.WrittenSpan[..(_cut ? _bytes.WrittenCount / 2 : _bytes.WrittenCount)].ToArray(),
            Rejected = _rejected,
            Clock = _clock,
            Numbers = [.. _numbers],
            Ad = ad,
            Campaign = campaign,
            Query = query,
        };
    }
}
