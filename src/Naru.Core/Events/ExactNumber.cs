namespace Naru.Core.Events;

public enum NumberText
{
    Number,
    NotANumber,

    /// <summary>A number, but with more than 38 significant digits.</summary>
    TooManyDigits,
}

/// <summary>
/// A decimal number as its text says, never through binary floating point: ±Digits × 10^Exponent. Digits has no
/// trailing decimal zero, so Exponent below 0 means a fraction; zero is 0 × 10^0.
/// </summary>
public readonly record struct ExactNumber(bool Negative, UInt128 Digits, int Exponent)
{
    private const int DigitsMax = 38;
    private const int ExponentMax = 1_000_000;

    private static readonly UInt128[] Powers = MakePowers();

    /// <summary>10^0 to 10^38.</summary>
    public static UInt128 PowerOf10(int exponent) => Powers[exponent];

    /// <summary>
    /// Reads [+-]digits[.digits][e[+-]digits] as a whole: JSON's numbers, and beside them a plus sign, leading zeros
    /// and a missing digit on one side of the point, as tables of text have them.
    /// </summary>
    public static NumberText Parse(ReadOnlySpan<byte> text, out ExactNumber number)
    {
        number = default;
        int at = 0;
        bool negative = false;
        if (at < text.Length && text[at] is (byte)'-' or (byte)'+')
        {
            negative = text[at] == (byte)'-';
            at++;
        }

        Mantissa mantissa = default;
        int digitsSeen = mantissa.Take(text, ref at, fraction: false);
        if (at < text.Length && text[at] == (byte)'.')
        {
            at++;
            digitsSeen += mantissa.Take(text, ref at, fraction: true);
        }

        if (digitsSeen == 0 || !TakeExponent(text, ref at, out int exponent) || at != text.Length)
        {
            return NumberText.NotANumber;
        }

        if (mantissa.Overflowed)
        {
            return NumberText.TooManyDigits;
        }

        Invariant.Hold(mantissa.Digits < Powers[DigitsMax]);
        bool zero = mantissa.Digits == 0;
        number = new ExactNumber(negative && !zero, mantissa.Digits, zero ? 0 : mantissa.Exponent + exponent);
        return NumberText.Number;
    }

    /// <summary>False when the value times 10^<paramref name="scale"/> is no whole number or does not fit.</summary>
    public bool TryScale(int scale, out Int128 unscaled)
    {
        unscaled = 0;
        int exponent = Exponent + scale;
        if (Digits == 0)
        {
            return true;
        }

        if (exponent < 0 || exponent > DigitsMax)
        {
            return false;
        }

        UInt128 power = Powers[exponent];
        if (Digits > (UInt128)Int128.MaxValue / power)
        {
            return false;
        }

        unscaled = (Int128)(Digits * power);
        unscaled = Negative ? -unscaled : unscaled;
        return true;
    }

    /// <summary>Digits before the decimal point; at most 0 when the value is below 1.</summary>
    public int IntegerDigits
    {
        get
        {
            int digits = 0;
            while (digits < DigitsMax && Digits >= Powers[digits])
            {
                digits++;
            }

            return digits + Exponent;
        }
    }

    private static bool TakeExponent(ReadOnlySpan<byte> text, ref int at, out int exponent)
    {
        exponent = 0;
        if (at == text.Length || (text[at] | 0x20) != 'e')
        {
            return true;
        }

        at++;
        bool negative = false;
        if (at < text.Length && text[at] is (byte)'-' or (byte)'+')
        {
            negative = text[at] == (byte)'-';
            at++;
        }

        int first = at;
        while (at < text.Length && char.IsAsciiDigit((char)text[at]))
        {
            exponent = Math.Min(ExponentMax, (exponent * 10) + (text[at] - '0'));
            at++;
        }

        exponent = negative ? -exponent : exponent;
        return at > first;
    }

    private static UInt128[] MakePowers()
    {
        UInt128[] powers = new UInt128[DigitsMax + 1];
        powers[0] = 1;
        for (int i = 1; i < powers.Length; i++)
        {
            powers[i] = powers[i - 1] * 10;
        }

        return powers;
    }

    /// <summary>
    /// Digits read so far are Digits × 10^Zeros; the zeros count only when another digit follows them.
    /// </summary>
    private struct Mantissa
    {
        private int _count;
        private int _zeros;
        private int _fractionDigits;

        public UInt128 Digits { get; private set; }

        public readonly int Exponent => _zeros - _fractionDigits;

        public bool Overflowed { get; private set; }

        public int Take(ReadOnlySpan<byte> text, ref int at, bool fraction)
        {
            int first = at;
            for (; at < text.Length && char.IsAsciiDigit((char)text[at]); at++)
            {
                Append(text[at] - '0');
            }

            _fractionDigits += fraction ? at - first : 0;
            return at - first;
        }

        private void Append(int digit)
        {
            if (digit == 0)
            {
                _zeros += _count == 0 ? 0 : 1;
                return;
            }

            int shift = _zeros + 1;
            _zeros = 0;
            _count += shift;
            if (_count > DigitsMax)
            {
                Overflowed = true;
                _count = DigitsMax;
                return;
            }

            Digits = (Digits * Powers[shift]) + (UInt128)digit;
        }
    }
}
