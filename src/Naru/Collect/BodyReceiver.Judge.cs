using System.Globalization;
using System.Text;
using Naru.Core.Events;
using Naru.Core.Text;
using Naru.Definitions;

namespace Naru.Collect;

/// <summary>What becomes of one event: kept, kept for the log it names, or rejected.</summary>
internal sealed partial class BodyReceiver
{
    private const int LogNameBytesMax = 127;

    /// <summary>Unknown names for which a request is told the nearest known one.</summary>
    private const int NearestNamesMax = 8;

    [ThreadStatic]
    private static EventKeys? t_keys;

    /// <summary>Events are checked against their definition, where a checker is there.</summary>
    private bool _checks;

    /// <summary>The name that the last event gave, and what it stands for.</summary>
    private byte[] _lastName = [];

    private LogDefinition? _lastLog;
    private RejectedEvent _lastFault;
    private int _nearestNames;

    /// <summary>This thread's; not used across an await.</summary>
    private EventKeys Keys
    {
        get
        {
            EventKeys keys = t_keys ??= new EventKeys();
            keys.Watch(_job.Log);
            return keys;
        }
    }

    private static string WhyBroken(in EventScanner scanner, ScanEnd end, bool isLast)
    {
        string because = end switch
        {
            ScanEnd.NeedMore => "it breaks off",
            ScanEnd.Broken => scanner.BrokenBecause,
            _ => "there is more after the event's end",
        };
        string of = isLast ? "" : " of the event";
        return string.Create(CultureInfo.InvariantCulture, $"not valid JSON: {because} at byte {scanner.Position}{of}");
    }

    /// <param name="fault">Why it is no event, empty when it is one.</param>
    private void JudgeScanned(int start, int length, int index, string fault)
    {
        if (fault.Length > 0)
        {
            Reject(start, length, new RejectedEvent(index, RejectReason.Malformed, "", fault), _job.Log);
            return;
        }

        NoteIds(start);
        LogDefinition? log = _job.Log ?? FindLog(_chunk.Bytes.AsSpan(start, length));
        if (log is null)
        {
            Reject(start, length, _lastFault with { Index = index }, null);
        }
        else
        {
            Judge(start, length, index, log);
        }
    }

    private void Judge(int start, int length, int index, LogDefinition log)
    {
        ReadOnlySpan<byte> record = _chunk.Bytes.AsSpan(start, length);
        if (_checks && _parts.Checker is { } checker)
        {
            RejectReason reason = checker.Check(log, record, out string path, out string message);
            if (reason != RejectReason.None)
            {
                Reject(start, length, new RejectedEvent(index, reason, path, message), log);
                return;
            }
        }

        if (_job.Log is null)
        {
            _groups.Add(new EventGroup(log.Id, log.Version, RejectReason.None, ""), record, index);
        }
        else
        {
            Keep(start, length, index);
        }
    }

    /// <summary>A text that is not empty, or a number.</summary>
    private static bool IsId(ReadOnlySpan<byte> value) => value[0] == (byte)'"'
        ? value[1] != (byte)'"'
        : value[0] is (byte)'-' or (>= (byte)'0' and <= (byte)'9');

    /// <summary>Whether the event that was just scanned carries an id of its own.</summary>
    private void NoteIds(int start)
    {
        if (_job.Log is null || _receipt.Ids is IdSource.Batch or IdSource.Server)
        {
            return;
        }

        bool own = false;
        EventKeys keys = t_keys!;
        for (int i = EventKeys.LogKey + 1; i < keys.WatchedCount; i++)
        {
            int at = keys.ValueOf(i);
            own |= at >= 0 && IsId(_chunk.Data[(start + at)..]);
        }

        _receipt.Ids = own ? IdSource.Own : IdSource.Server;
    }

    /// <summary>
    /// The log that the event's `_log` names; null, with the reason, when there is none for this sender.
    /// </summary>
    private LogDefinition? FindLog(ReadOnlySpan<byte> record)
    {
        int at = t_keys!.ValueOf(EventKeys.LogKey);
        if (at < 0)
        {
            _lastName = [];
            return Unknown("'_log' is missing: it names the log of the event, e.g. \"_log\":\"kr_shop.page_view\"");
        }

        ReadOnlySpan<byte> value = record[at..];
        int end = value[0] == (byte)'"' ? value[1..].IndexOf((byte)'"') : -1;
        if (end < 0 || end > LogNameBytesMax)
        {
            _lastName = [];
            return Unknown("'_log' must be the name of a log, e.g. \"kr_shop.page_view\"");
        }

        ReadOnlySpan<byte> name = value.Slice(1, end);
        if (_lastName.Length == 0 || !name.SequenceEqual(_lastName))
        {
            _lastName = name.ToArray();
            _lastLog = FindLog(Encoding.UTF8.GetString(name));
        }

        return _lastLog;
    }

    private LogDefinition? FindLog(string name)
    {
        if (!_job.Principal.MayWrite(name))
        {
            _lastFault = new RejectedEvent(0, RejectReason.NotAllowed, "_log", $"this key may not write to '{name}'");
            return null;
        }

        if (_job.Definitions.TryGet(name, out LogDefinition? log))
        {
            return log;
        }

        string? nearest = _nearestNames++ < NearestNamesMax
            ? KnownLogs.Nearest(_job.Definitions, _job.Principal, name)
            : null;
        return Unknown($"there is no log '{name}'{(nearest is null ? "" : $"; did you mean '{nearest}'?")}");
    }

    private LogDefinition? Unknown(string message)
    {
        _lastFault = new RejectedEvent(0, RejectReason.UnknownLog, "_log", message);
        return null;
    }
}

/// <summary>Hints that name only what the asker may write to.</summary>
internal static class KnownLogs
{
    public static string? Nearest(DefinitionSet definitions, Access.Principal principal, string name) =>
        NearestName.Find(name, definitions.Logs.Select(static log => log.FullName).Where(principal.MayWrite));
}
