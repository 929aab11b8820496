using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using Naru.Core.Files;

namespace Naru.Access.Tickets;

/// <summary>A limit that its owner has raised for a while.</summary>
internal sealed record TicketRaise(
    string Ticket, TicketLimit Limit, long Value, DateTimeOffset Until, string By, string Why);

/// <summary>What a ticket has used today.</summary>
internal sealed record TicketUse(long Scanned, long CpuMilliseconds, long Events)
{
    public static readonly TicketUse None = new(0, 0, 0);

    public long Of(TicketLimit limit) => limit switch
    {
        TicketLimit.ScannedPerDay => Scanned,
        TicketLimit.CpuPerDay => CpuMilliseconds,
        TicketLimit.EventsPerDay => Events,
        _ => 0,
    };

    public TicketUse Add(TicketUse more) =>
        new(Scanned + more.Scanned, CpuMilliseconds + more.CpuMilliseconds, Events + more.Events);
}

/// <summary>Kept in `data/state/tickets.json`.</summary>
/// <param name="Day">Days since 1970 in the project's zone, to which the uses belong.</param>
/// <param name="Uses">By ticket.</param>
/// <param name="Raises">Those that may still count.</param>
internal sealed record TicketState(
    int Day, ImmutableSortedDictionary<string, TicketUse> Uses, ImmutableArray<TicketRaise> Raises)
{
    private const string Kind = "tickets";
    private const int Format = 1;

    public static readonly TicketState Empty =
        new(0, ImmutableSortedDictionary<string, TicketUse>.Empty, []);

    public static TicketState Read(IFileSystem files, string folder)
    {
        using JsonDocument? stored = StateFile.Read(files, PathIn(folder), Kind, Format);
        return stored?.Deserialize(TicketJson.Default.TicketState) ?? Empty;
    }

    /// <summary>Durable when this returns.</summary>
    public void Write(IFileSystem files, string folder)
    {
        files.CreateDirectory(folder);
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(this, TicketJson.Default.TicketState);
        StateFile.Write(files, PathIn(folder), Kind, Format, body);
    }

    private static string PathIn(string folder) => $"{folder}/tickets.json";
}

[JsonSourceGenerationOptions(UseStringEnumConverter = true)]
[JsonSerializable(typeof(TicketState))]
internal sealed partial class TicketJson : JsonSerializerContext;
