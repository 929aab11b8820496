using Naru.Core.Events;

namespace Naru.Collect;

/// <summary>One event a line. A line's index counts blank lines too, so that it is the line's number.</summary>
internal sealed partial class BodyReceiver
{
    /// <summary>Within a line that is too large: its bytes are skipped up to the next line.</summary>
    private bool _skipsLine;

    private async ValueTask ReceiveLinesAsync(CancellationToken cancellationToken)
    {
        _checks = _job.Request.Validate;
        bool judged = _job.Log is null || _checks;
        bool any = false;
        while (!_source.IsTooLarge)
        {
            CutLines(judged);
            any |= _chunk.Count > 0 || !_groups.IsEmpty;
            await FlushAsync().ConfigureAwait(false);
            if (_source.IsCompleted || !_appender.IsOpen)
            {
                break;
            }

            await FillAsync(cancellationToken).ConfigureAwait(false);
        }

        if (!any && !_source.IsTooLarge)
        {
            _receipt.Fault ??= CollectFault.Empty;
        }
    }

    /// <summary>Cuts the lines that are whole; the last one of the body needs no line end.</summary>
    private void CutLines(bool judged)
    {
        ReadOnlySpan<byte> data = _chunk.Data;
        bool final = _source.IsCompleted;
        int bytesMax = _parts.Options.EventBytesMax;
        while (_at < data.Length)
        {
            int start = _at;
            if (data[start] == (byte)'\n' && !_skipsLine)
            {
                SkipBlankLines(data);
                continue;
            }

            int length = data[start..].IndexOf((byte)'\n');
            bool ended = length >= 0;
            if (!ended)
            {
                length = data.Length - start;
                if (!final && !_skipsLine && start > 0)
                {
                    return;
                }
            }

            int record = length + (ended ? 1 : 0);
            _at = start + record;
            if (_skipsLine)
            {
                _skipsLine = !ended;
                continue;
            }

            int index = _next++;
            if (!ended && !final)
            {
                // It fills a whole chunk, so it is longer than an event may be.
                RejectTooLarge(start, length, index);
                _skipsLine = true;
            }
            else if (judged || length > bytesMax || data[start] <= (byte)' ')
            {
                TakeLine(start, length, index, judged);
            }
            else
            {
                // With its line end, so that a chunk of plain lines is kept as it came and nothing is moved.
                Keep(start, record, index);
            }
        }
    }

    private void SkipBlankLines(ReadOnlySpan<byte> data)
    {
        int count = data[_at..].IndexOfAnyExcept((byte)'\n');
        count = count < 0 ? data.Length - _at : count;
        _at += count;
        _next += count;
    }

    /// <summary>A line that is blank, begins with white space, is too large or is to be judged.</summary>
    private void TakeLine(int start, int length, int index, bool judged)
    {
        ReadOnlySpan<byte> line = _chunk.Bytes.AsSpan(start, length);
        int leading = length - line.TrimStart(" \t\r"u8).Length;
        start += leading;
        length = line.Trim(" \t\r"u8).Length;
        if (length == 0)
        {
            return;
        }

        if (length > _parts.Options.EventBytesMax)
        {
            RejectTooLarge(start, length, index);
        }
        else if (judged)
        {
            JudgeLine(start, length, index);
        }
        else
        {
            Keep(start, length, index);
        }
    }

    private void JudgeLine(int start, int length, int index)
    {
        if (_job.Log is { } log && _parts.Checker is not null)
        {
            // The checker reads the whole of it: no need of a pass of our own.
            Judge(start, length, index, log);
            return;
        }

        EventScanner scanner = new(_chunk.Bytes.AsSpan(start, length), Keys);
        ScanEnd end = scanner.Scan();
        string fault = end == ScanEnd.Complete && scanner.Position == length
            ? scanner.Fault
            : WhyBroken(scanner, end, isLast: true);
        JudgeScanned(start, length, index, fault);
    }

    private void RejectTooLarge(int start, int length, int index) =>
        Reject(
            start,
            Math.Min(KeptBytesMax, length),
            new RejectedEvent(
                index, RejectReason.TooLarge, "", $"the event has more than {_parts.Options.EventBytesMax} bytes"),
            _job.Log);
}
