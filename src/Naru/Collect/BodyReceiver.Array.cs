using Naru.Core.Events;

namespace Naru.Collect;

/// <summary>One event alone, and the events of an array.</summary>
internal sealed partial class BodyReceiver
{
    private enum ArrayPlace
    {
        BeforeFirst,
        BeforeNext,
        AfterElement,
        AfterEnd,
    }

    private ArrayPlace _place;

    /// <summary>Set while the bytes of an element that is too large are skipped.</summary>
    private ElementSkip? _skip;

    private ValueTask ReceiveSingleAsync()
    {
        _checks = true;
        if (_source.IsTooLarge)
        {
            return ValueTask.CompletedTask;
        }

        ReadOnlySpan<byte> text = _chunk.Data[_at..].Trim(" \t\r\n"u8);
        if (!_source.IsCompleted || text.Length > _parts.Options.EventBytesMax)
        {
            _receipt.Fault = CollectFault.EventTooLarge(_parts.Options.EventBytesMax);
            return ValueTask.CompletedTask;
        }

        int start = _chunk.Used - _chunk.Data[_at..].TrimStart(" \t\r\n"u8).Length;
        EventScanner scanner = new(text, Keys);
        ScanEnd end = scanner.Scan();
        string fault = end == ScanEnd.Complete && scanner.Position == text.Length
            ? scanner.Fault
            : WhyBroken(scanner, end, isLast: true);
        JudgeScanned(start, text.Length, _next++, fault);
        _at = _chunk.Used;
        return FlushAsync();
    }

    private async ValueTask ReceiveArrayAsync(CancellationToken cancellationToken)
    {
        _checks = true;
        _at = _chunk.Used - _chunk.Data[_at..].TrimStart(" \t\r\n"u8).Length + 1;
        bool whole = true;
        while (whole && !_source.IsTooLarge)
        {
            whole = CutElements();
            await FlushAsync().ConfigureAwait(false);
            if (!whole || _source.IsCompleted || !_appender.IsOpen)
            {
                break;
            }

            await FillAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>
    /// Cuts the elements that are whole. False when the array's syntax is broken: what is left was rejected.
    /// </summary>
    private bool CutElements()
    {
        while (SkipSpace())
        {
            byte first = _chunk.Bytes[_at];
            switch (_place)
            {
                case ArrayPlace.BeforeFirst when first == (byte)']':
                case ArrayPlace.AfterElement when first == (byte)']':
                    _place = ArrayPlace.AfterEnd;
                    _at++;
                    break;
                case ArrayPlace.AfterElement when first == (byte)',':
                    _place = ArrayPlace.BeforeNext;
                    _at++;
                    break;
                case ArrayPlace.AfterElement:
                    return RejectRest("not valid JSON: expected ',' or ']' after an event");
                case ArrayPlace.AfterEnd:
                    return RejectRest("not valid JSON: there is more after the array's end");
                default:
                    switch (CutElement())
                    {
                        case ScanEnd.NeedMore:
                            return true;
                        case ScanEnd.Broken:
                            return false;
                    }

                    break;
            }
        }

        return _place == ArrayPlace.AfterEnd || !_source.IsCompleted
            || RejectRest("not valid JSON: the array has no end");
    }

    private ScanEnd CutElement()
    {
        if (_skip is not null)
        {
            return SkipElement();
        }

        ReadOnlySpan<byte> rest = _chunk.Data[_at..];
        EventScanner scanner = new(rest, Keys);
        ScanEnd end = scanner.Scan();
        if (end == ScanEnd.Broken || (end == ScanEnd.NeedMore && _source.IsCompleted))
        {
            RejectRest(WhyBroken(scanner, end, isLast: false));
            return ScanEnd.Broken;
        }

        if (end == ScanEnd.NeedMore)
        {
            if (rest.Length <= _parts.Options.EventBytesMax)
            {
                return end;
            }

            RejectTooLarge(_at, rest.Length, _next++);
            _skip = new ElementSkip();
            _place = ArrayPlace.BeforeNext;
            return SkipElement();
        }

        int start = _at;
        int length = scanner.Position;
        _at += length;
        _place = ArrayPlace.AfterElement;
        if (length > _parts.Options.EventBytesMax)
        {
            RejectTooLarge(start, length, _next++);
        }
        else
        {
            JudgeScanned(start, length, _next++, scanner.Fault);
        }

        return end;
    }

    private ScanEnd SkipElement()
    {
        _at += _skip!.Take(_chunk.Data[_at..]);
        if (!_skip.IsDone)
        {
            return ScanEnd.NeedMore;
        }

        _skip = null;
        _place = ArrayPlace.AfterElement;
        return ScanEnd.Complete;
    }

    /// <summary>What is left of the array is one rejected record; its events cannot be told apart.</summary>
    private bool RejectRest(string message)
    {
        int start = Math.Min(_at, _chunk.Used);
        Reject(
            start,
            Math.Min(KeptBytesMax, _chunk.Used - start),
            new RejectedEvent(_next++, RejectReason.Malformed, "", message),
            _job.Log);
        _at = _chunk.Used;
        return false;
    }

    /// <summary>False when the chunk holds nothing more.</summary>
    private bool SkipSpace()
    {
        // Within an element that is skipped every byte counts.
        ReadOnlySpan<byte> rest = _chunk.Data[_at..];
        _at += _skip is null ? rest.Length - rest.TrimStart(" \t\r\n"u8).Length : 0;
        return _at < _chunk.Used;
    }
}
