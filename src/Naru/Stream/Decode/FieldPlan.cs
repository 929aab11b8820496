using System.Text;
using System.Text.RegularExpressions;
using Naru.Core.Events;
using Naru.Definitions;
using Naru.Lake.Columns;

namespace Naru.Stream.Decode;

/// <summary>One field of a log, compiled: where its value goes and what it must hold to.</summary>
internal sealed class FieldPlan
{
    /// <param name="field">As defined.</param>
    /// <param name="index">Position among the log's fields.</param>
    /// <param name="column">Position in its group's table.</param>
    public FieldPlan(FieldDefinition field, int index, int column)
    {
        Field = field;
        Index = index;
        Column = column;
        Kind = field.Type.Kind;
        (Int128 typeMin, Int128 typeMax) = TypeBounds(field.Type);
        int scale = Kind == ColumnKind.Decimal ? field.Type.Scale : 0;
        TypeMin = typeMin;
        TypeMax = typeMax;
        Min = field.Min is { } min ? Int128.Max(typeMin, Scaled(min, scale, up: true)) : typeMin;
        Max = field.Max is { } max ? Int128.Min(typeMax, Scaled(max, scale, up: false)) : typeMax;
        MinDouble = field.Min is { } low ? (double)low : double.NegativeInfinity;
        MaxDouble = field.Max is { } high ? (double)high : double.PositiveInfinity;
        Enum = field.Enum.IsEmpty ? null : new Utf8Table([.. field.Enum.Select(Encoding.UTF8.GetBytes)]);
        Pattern = field.Pattern is null
            ? null
            : new Regex(field.Pattern, RegexOptions.NonBacktracking | RegexOptions.CultureInvariant);
        LengthMax = field.Length ?? int.MaxValue;
        HasTextRules = Enum is not null || Pattern is not null || field.Length is not null;
    }

    public FieldDefinition Field { get; }

    public int Index { get; }

    public int Column { get; }

    public ColumnKind Kind { get; }

    public bool Sensitive => Field.Sensitive;

    /// <summary>What the type holds, unscaled; whole numbers and decimals only.</summary>
    public Int128 TypeMin { get; }

    public Int128 TypeMax { get; }

    /// <summary>Inclusive, unscaled, within the type's own bounds.</summary>
    public Int128 Min { get; }

    public Int128 Max { get; }

    public double MinDouble { get; }

    public double MaxDouble { get; }

    public bool HasTextRules { get; }

    public Utf8Table? Enum { get; }

    public Regex? Pattern { get; }

    public int LengthMax { get; }

    private static (Int128 Min, Int128 Max) TypeBounds(ColumnType type)
    {
        switch (type.Kind)
        {
            case ColumnKind.Int32:
                return (int.MinValue, int.MaxValue);
            case ColumnKind.Decimal:
                Int128 most = (Int128)ExactNumber.PowerOf10(type.Precision) - 1;
                return (-most, most);
            default:
                return (long.MinValue, long.MaxValue);
        }
    }

    /// <summary>
    /// A bound times 10^scale, rounded towards the values it admits; far beyond any type it stays there.
    /// </summary>
    private static Int128 Scaled(decimal bound, int scale, bool up)
    {
        Span<int> bits = stackalloc int[4];
        decimal.GetBits(bound, bits);
        UInt128 digits = new((uint)bits[2], ((ulong)(uint)bits[1] << 32) | (uint)bits[0]);
        int exponent = scale - bound.Scale;
        Int128 magnitude;
        if (exponent >= 0)
        {
            UInt128 power = ExactNumber.PowerOf10(exponent);
            magnitude = digits > (UInt128)Int128.MaxValue / power ? Int128.MaxValue : (Int128)(digits * power);
            return bound < 0 ? -magnitude : magnitude;
        }

        (UInt128 quotient, UInt128 rest) = UInt128.DivRem(digits, ExactNumber.PowerOf10(-exponent));
        magnitude = (Int128)quotient;
        bool away = rest != 0 && up == bound > 0;
        magnitude += away ? 1 : 0;
        return bound < 0 ? -magnitude : magnitude;
    }
}
