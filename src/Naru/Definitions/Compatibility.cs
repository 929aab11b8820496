using System.Collections.Immutable;
using Naru.Core.Text;
using Naru.Lake.Columns;

namespace Naru.Definitions;

/// <summary>What a change of a definition means for those who send and read.</summary>
internal enum ChangeKind
{
    /// <summary>Decides nothing about events: the text is kept, the version stays.</summary>
    Text,

    /// <summary>A new version; every event that was accepted still is, every query still runs.</summary>
    Compatible,

    /// <summary>
    /// A new version that needs a reason: events would be rejected, or queries fail, or data is deleted.
    /// </summary>
    Breaking,

    /// <summary>The table that is there cannot become this one, whatever the reason.</summary>
    Impossible,
}

/// <summary>One difference. Path is where it is in the file: keys from the root, empty for the whole.</summary>
internal sealed record Change(ChangeKind Kind, ImmutableArray<string> Path, string Message, string Hint = "");

/// <summary>
/// Compares a log with its published version (rules: docs/definitions.md, Versions). Pure. Two views count: an event
/// that was accepted must stay accepted (senders), a query that ran must still run (readers).
/// </summary>
internal sealed class Compatibility
{
    private readonly LogDefinition _old;
    private readonly LogDefinition _next;
    private readonly ImmutableArray<RegistryField> _ever;
    private readonly List<Change> _changes = [];

    private Compatibility(LogDefinition old, LogDefinition next, ImmutableArray<RegistryField> ever)
    {
        _old = old;
        _next = next;
        _ever = ever;
    }

    /// <param name="old">The published version.</param>
    /// <param name="next">The file's; its numbers do not matter.</param>
    /// <param name="ever">Every field that any version had.</param>
    public static IReadOnlyList<Change> Compare(
        LogDefinition old, LogDefinition next, ImmutableArray<RegistryField> ever)
    {
        Compatibility comparison = new(old, next, ever);
        comparison.Log();
        comparison.Lifetime();
        foreach (FieldDefinition field in next.Fields)
        {
            FieldDefinition? before = old.Fields.FirstOrDefault(candidate => candidate.Name == field.Name);
            if (before is null)
            {
                comparison.Added(field);
            }
            else
            {
                comparison.Field(before, field);
            }
        }

        foreach (FieldDefinition field in old.Fields.Where(field => next.Fields.All(kept => kept.Name != field.Name)))
        {
            comparison.Note(
                ChangeKind.Breaking, ["fields"], $"field '{field.Name}' is gone: queries that name it fail");
        }

        return comparison._changes;
    }

    private void Note(ChangeKind kind, ImmutableArray<string> path, string message, string hint = "") =>
        _changes.Add(new Change(kind, path, message, hint));

    private void Log()
    {
        Identity("time", _old.TimeKey, _next.TimeKey);
        if (_old.SentKey != _next.SentKey)
        {
            Note(ChangeKind.Compatible, ["sent"], $"times are repaired by '{_next.SentKey}', were by '{_old.SentKey}'");
        }

        Identity("id", string.Join(", ", _old.IdKeys), string.Join(", ", _next.IdKeys));
        if (_old.KeepUnknownFields != _next.KeepUnknownFields)
        {
            Note(
                _next.KeepUnknownFields ? ChangeKind.Compatible : ChangeKind.Breaking,
                ["unknown_fields"],
                _next.KeepUnknownFields ? "unknown fields are kept" : "events with unknown fields will be rejected");
        }

        Time("max_future", _old.MaxFuture, _next.MaxFuture);
        Time("max_past", _old.MaxPast, _next.MaxPast);
        if (_old.PartitionByHour != _next.PartitionByHour)
        {
            Note(
                ChangeKind.Impossible,
                ["partition"],
                $"'partition' was '{(_old.PartitionByHour ? "hour" : "day")}' and a table keeps its partitions",
                "put it back, or define a new log");
        }

        if (_old.Retired != _next.Retired)
        {
            Note(
                ChangeKind.Text,
                ["retired"],
                _next.Retired ? "the log takes no more events" : "the log takes events again");
        }

        Text("description", _old.Description, _next.Description);
        Text("owner", _old.Owner, _next.Owner);
        Text("screen", _old.Screen, _next.Screen);
        Text("late_after", _old.LateAfter, _next.LateAfter);
    }

    private void Identity(string key, string old, string next)
    {
        if (old != next)
        {
            Note(
                ChangeKind.Breaking,
                [key],
                $"'{key}' was '{old}': the same event sent again would get another id and land twice");
        }
    }

    private void Time(string key, TimeSpan? old, TimeSpan? next)
    {
        if (old != next)
        {
            Note(ChangeKind.Compatible, [key], $"'{key}' is {Written(next)}, was {Written(old)}");
        }
    }

    private void Text<T>(string key, T old, T next)
    {
        if (!EqualityComparer<T>.Default.Equals(old, next))
        {
            Note(ChangeKind.Text, [key], $"'{key}' changed");
        }
    }

    private static string Written(TimeSpan? duration) =>
        duration is { } value ? DurationText.Format(value) : "unlimited";

    private void Lifetime()
    {
        Shortened("total", _old.Lifetime.Total, _next.Lifetime.Total);
        if (_old.HasSecure)
        {
            Shortened("secure", _old.Lifetime.Secure, _next.Lifetime.Secure);
        }

        if (_old.Lifetime != _next.Lifetime)
        {
            Note(ChangeKind.Text, ["lifetime"], "'lifetime' changed");
        }
    }

    private void Shortened(string key, TimeSpan? old, TimeSpan? next)
    {
        if ((next ?? TimeSpan.MaxValue) < (old ?? TimeSpan.MaxValue))
        {
            Note(
                ChangeKind.Breaking,
                ["lifetime", key],
                $"'{key}' was {Written(old)}: data older than {Written(next)} will be deleted for ever");
        }
    }

    private void Added(FieldDefinition field)
    {
        ImmutableArray<string> path = ["fields", field.Name];
        RegistryField? known = _ever.FirstOrDefault(candidate => candidate.Name == field.Name);
        if (known is not null)
        {
            Type(path, field, DefinitionRegistry.TypeOf(known));
        }

        if (field.Required)
        {
            Note(
                ChangeKind.Breaking,
                path,
                $"field '{field.Name}' is new and required: events without it will be rejected");
        }
        else
        {
            Note(ChangeKind.Compatible, path, $"field '{field.Name}' is new");
        }
    }

    private void Field(FieldDefinition old, FieldDefinition next)
    {
        ImmutableArray<string> path = ["fields", next.Name];
        Type(path, next, old.Type);
        if (old.Key != next.Key)
        {
            Note(
                ChangeKind.Breaking,
                path,
                $"field '{next.Name}' was read from '{old.Key}': values of that key are lost");
        }

        if (old.Required != next.Required)
        {
            Note(
                next.Required ? ChangeKind.Breaking : ChangeKind.Compatible,
                path,
                next.Required
                    ? $"field '{next.Name}' becomes required: events without it will be rejected"
                    : $"field '{next.Name}' is no longer required");
        }

        if (old.Sensitive != next.Sensitive)
        {
            Note(
                ChangeKind.Breaking,
                path,
                next.Sensitive
                    ? $"field '{next.Name}' becomes sensitive: readers lose it, and what has landed stays readable "
                        + "until its lifetime ends"
                    : $"field '{next.Name}' is no longer sensitive: every reader of the log sees new values");
        }

        Bounds(path, old, next);
        Words(path, old, next);
        if (old.Description != next.Description || old.Example != next.Example)
        {
            Note(ChangeKind.Text, path, $"the description of field '{next.Name}' changed");
        }
    }

    private void Type(ImmutableArray<string> path, FieldDefinition next, ColumnType old)
    {
        if (old == next.Type)
        {
            return;
        }

        string names = $"field '{next.Name}' was {FieldTypes.Name(old)} and would be {FieldTypes.Name(next.Type)}";
        if (Widens(old, next.Type))
        {
            Note(ChangeKind.Compatible, path, $"{names}, which holds all that it held");
        }
        else if (IsText(old) && IsText(next.Type))
        {
            Note(ChangeKind.Breaking, path, $"{names}: events that fitted will be rejected");
        }
        else
        {
            Note(
                ChangeKind.Impossible,
                path,
                $"{names}, and a column's type stays",
                $"put it back, and add a field '{next.Name}_2' with 'from: \"{next.Key}\"' and the new type");
        }
    }

    private static bool IsText(ColumnType type) => type.Kind is ColumnKind.String or ColumnKind.Json;

    private static bool Widens(ColumnType old, ColumnType next) =>
        (old.Kind == ColumnKind.Int32 && next.Kind == ColumnKind.Int64)
        || (old.Kind == ColumnKind.Decimal && next.Kind == ColumnKind.Decimal
            && next.Scale == old.Scale && next.Precision > old.Precision);

    private void Bounds(ImmutableArray<string> path, FieldDefinition old, FieldDefinition next)
    {
        Limit(next, "min", old.Min, next.Min, next.Min > (old.Min ?? decimal.MinValue));
        Limit(next, "max", old.Max, next.Max, next.Max < (old.Max ?? decimal.MaxValue));
        Limit(next, "length", old.Length, next.Length, next.Length < (old.Length ?? int.MaxValue));
        if (old.Pattern != next.Pattern)
        {
            bool looser = next.Pattern is null;
            Note(
                looser ? ChangeKind.Compatible : ChangeKind.Breaking,
                path,
                looser ? $"'pattern' of field '{next.Name}' is gone"
                    : $"'pattern' of field '{next.Name}' changed: events that matched the old one may be rejected");
        }
    }

    private void Limit<T>(FieldDefinition next, string key, T? before, T? after, bool tighter)
        where T : struct, IFormattable
    {
        if (Nullable.Equals(before, after))
        {
            return;
        }

        string was = before?.ToString(null, System.Globalization.CultureInfo.InvariantCulture) ?? "not given";
        string now = after?.ToString(null, System.Globalization.CultureInfo.InvariantCulture) ?? "not given";
        string effect = tighter ? ": events beyond it will be rejected" : "";
        Note(
            tighter ? ChangeKind.Breaking : ChangeKind.Compatible,
            ["fields", next.Name],
            $"'{key}' of field '{next.Name}' was {was} and is {now}{effect}");
    }

    private void Words(ImmutableArray<string> path, FieldDefinition old, FieldDefinition next)
    {
        string[] gone = next.Enum.IsEmpty ? [] : [.. old.Enum.Except(next.Enum, StringComparer.Ordinal)];
        string[] added = old.Enum.IsEmpty ? [] : [.. next.Enum.Except(old.Enum, StringComparer.Ordinal)];
        if (old.Enum.IsEmpty && !next.Enum.IsEmpty)
        {
            Note(
                ChangeKind.Breaking,
                path,
                $"field '{next.Name}' gets an 'enum': events with other values will be rejected");
        }
        else if (gone.Length > 0)
        {
            Note(
                ChangeKind.Breaking,
                path,
                $"'enum' of field '{next.Name}' loses '{string.Join("', '", gone)}': events with it will be rejected");
        }

        if (next.Enum.IsEmpty && !old.Enum.IsEmpty)
        {
            Note(ChangeKind.Compatible, path, $"'enum' of field '{next.Name}' is gone");
        }
        else if (added.Length > 0)
        {
            Note(ChangeKind.Compatible, path, $"'enum' of field '{next.Name}' gains '{string.Join("', '", added)}'");
        }
    }
}
