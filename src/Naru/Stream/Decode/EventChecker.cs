using System.Collections.Concurrent;
using Naru.Core.Events;
using Naru.Definitions;

namespace Naru.Stream.Decode;

/// <summary>The stream's own judgement before the acknowledgement: the same decoder, without output.</summary>
internal sealed class EventChecker(IDefinitionSource definitions) : IEventChecker, IDisposable
{
    private readonly ConcurrentDictionary<(int LogId, int Version), DecodePlan> _plans = new();
    private readonly ThreadLocal<EventDecoder> _decoders = new(static () => new EventDecoder());

    public RejectReason Check(LogDefinition log, ReadOnlySpan<byte> payload, out string path, out string message)
    {
        if (!_plans.TryGetValue((log.Id, log.Version), out DecodePlan? plan))
        {
            plan = _plans.GetOrAdd((log.Id, log.Version), DecodePlan.Compile(log, definitions.Current.TimeZone));
        }

        if (_decoders.Value!.TryCheck(plan, payload, out Rejection rejection))
        {
            path = message = "";
            return RejectReason.None;
        }

        path = rejection.Path;
        message = rejection.Message;
        return rejection.Reason;
    }

    public void Dispose() => _decoders.Dispose();
}
