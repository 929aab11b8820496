using System.Collections.Immutable;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using Naru.Core;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Lake.Columns;

namespace Naru.Stream.Decode;

/// <summary>One version of a log's definition, compiled for decoding. Immutable; shared by all threads.</summary>
internal sealed class DecodePlan
{
    /// <summary>Names the log of an event that was sent to no log in particular; never an unknown field.</summary>
    private const string LogKey = "_log";

    private DecodePlan(LogDefinition log, ProjectZone zone)
    {
        Log = log;
        Zone = zone;
        LogNameUtf8 = Encoding.UTF8.GetBytes(log.FullName);
        Bounds = TimeBounds.Of(log.MaxFuture, log.MaxPast);
        FieldsSchema = LogTables.Fields(log);
        RawSchema = LogTables.Raw(log);
        SecureSchema = log.HasSecure ? LogTables.Secure(log) : null;
        Fields = MakeFields();
        (Keys, KeyPlans) = MakeKeys();
    }

    public LogDefinition Log { get; }

    public ProjectZone Zone { get; }

    public byte[] LogNameUtf8 { get; }

    public TimeBounds Bounds { get; }

    public TableSchema FieldsSchema { get; }

    public TableSchema RawSchema { get; }

    /// <summary>Null when the log has no sensitive field.</summary>
    public TableSchema? SecureSchema { get; }

    /// <summary>In the definition's order.</summary>
    public ImmutableArray<FieldPlan> Fields { get; }

    /// <summary>Every key that means something; the index is that of <see cref="KeyPlans"/>.</summary>
    public Utf8Table Keys { get; }

    public ImmutableArray<KeyPlan> KeyPlans { get; }

    /// <param name="log">A checked definition.</param>
    /// <param name="timeZone">The project's.</param>
    public static DecodePlan Compile(LogDefinition log, TimeZoneInfo timeZone) => new(log, ProjectZone.Of(timeZone));

    private ImmutableArray<FieldPlan> MakeFields()
    {
        ImmutableArray<FieldPlan>.Builder fields = ImmutableArray.CreateBuilder<FieldPlan>();
        foreach (FieldDefinition field in Log.Fields)
        {
            TableSchema schema = field.Sensitive ? SecureSchema! : FieldsSchema;
            int column = IndexOf(schema, field.FieldId);
            Invariant.Hold(column >= 0);
            fields.Add(new FieldPlan(field, fields.Count, column));
        }

        return fields.ToImmutable();
    }

    /// <summary>By field id: a field may bear the name of a partition column.</summary>
    private static int IndexOf(TableSchema schema, int fieldId)
    {
        for (int i = 0; i < schema.Columns.Length; i++)
        {
            if (schema.Columns[i].FieldId == fieldId)
            {
                return i;
            }
        }

        return -1;
    }

    private (Utf8Table Keys, ImmutableArray<KeyPlan> Plans) MakeKeys()
    {
        List<string> names =
            [.. Log.Fields.Select(static field => field.Key), Log.TimeKey, Log.SentKey, .. Log.IdKeys, LogKey];
        ImmutableArray<KeyPlan>.Builder plans = ImmutableArray.CreateBuilder<KeyPlan>();
        foreach (string name in names.Distinct(StringComparer.Ordinal))
        {
            FieldPlan[] fields = [.. Fields.Where(field => field.Field.Key == name)];
            plans.Add(new KeyPlan(name, fields, fields.Any(static field => field.Sensitive))
            {
                IsTime = name == Log.TimeKey,
                IsSent = name == Log.SentKey,
                IdRank = Log.IdKeys.IndexOf(name),
            });
        }

        Utf8Table table = new([.. plans.Select(static plan => Encoding.UTF8.GetBytes(plan.Name))]);
        return (table, plans.ToImmutable());
    }
}

/// <summary>What one key of an event is used for.</summary>
/// <param name="Name">As in the event.</param>
/// <param name="Fields">Fields that read it; most keys have one.</param>
/// <param name="Sensitive">Left out of the raw payload.</param>
internal sealed record KeyPlan(string Name, FieldPlan[] Fields, bool Sensitive)
{
    public bool IsTime { get; init; }

    public bool IsSent { get; init; }

    /// <summary>
    /// Position among the keys that may hold the client's id, -1 for others; the lowest one found wins.
    /// </summary>
    public int IdRank { get; init; }

    /// <summary>The key with its quotes, as it mostly stands in events.</summary>
    public byte[] Quoted { get; } =
    [
        (byte)'"',
        .. JsonEncodedText.Encode(Name, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes,
        (byte)'"',
    ];

    public bool HasRole => IsTime || IsSent || IdRank >= 0;
}
