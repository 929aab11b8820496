using Microsoft.Extensions.Logging;

namespace Naru.Exports;

/// <summary>Tells what went out.</summary>
internal sealed class ExportHistory(ILogger logger) : IExportHistory
{
    public void Add(ExportEnd end)
    {
        if (end.IsDone)
        {
            ExportOrder order = end.Order;
            ExportsLog.Sent(logger, order.Export.Name, end.Interval, order.Target, end.Tally.Rows, end.Failed);
            if (end.Failed > 0)
            {
                ExportsLog.Kept(logger, order.Export.Name, end.Interval, order.Target, end.Failed);
            }
        }
    }
}
