using System.Text;

namespace Naru.Tests.Stream;

/// <summary>
/// Random events: mostly JSON objects with the oddities of the world, then, for many of them, some damage.
/// </summary>
internal sealed class JsonMaker(Random random)
{
    private static readonly string[] Keys =
    [
        "k0", "k1", "k2", "text", "whole", "money", "real", "flag", "list", "other", "k\\u0030", "\\u0074ext", "가", "",
        "\\\"", "k0 ", "\\ud83d\\ude00",
    ];

    private static readonly string[] Numbers =
        [
            "0", "-0", "-0.0", "1", "-1", "12", "1.5", "1e3", "1E+3", "1e-3", "0.1", "9007199254740993",
            "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809", "1e400",
            "-1e400", "1e-400", "123456789012.123456", "00", "01", "-", "+1", "1.", ".5", "1e", "1e+", "0x1", "NaN",
            "Infinity", "1.0", "100e-2", "1_0", "--1", "1.2.3", "1e5e5",
        ];

    private static readonly string[] Texts =
        [
            "", "a", "home", "plain text of some length that goes over thirty-two bytes", "\\n", "\\\\", "\\\"", "\\/",
            "\\b\\f\\r\\t", "\\u0041", "\\u0000", "\\ud83d\\ude00", "\\ud83d", "\\ude00", "\\ud83d\\u0041",
            "\\uD83D\\uDE00x", "\\u12", "\\x", "한국어 문장입니다", "é", "😀", "12", "-5", "true", "1.5", "tab\tin it",
            "nul\0in it", "\\", "quote\\", "0123456789012345678901234567890\\n", "\u007f", "\u2028",
        ];

    private static readonly string[] Spaces = ["", "", "", "", "", " ", "\n", "\t", "\r\n", "  ", "\u00a0", "\f"];

    private static readonly byte[] Marks =
        [.. "{}[]:,\"\\ \n\t0123456789.-+eEtfnu/"u8, 0, 31, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xed, 0xef, 0xf0, 0xff];

    public byte[] Next()
    {
        StringBuilder text = new();
        text.Append(Space());
        Object(text, random.Next(20) == 0 ? 34 : 4, random.Next(30) == 0 ? 40 : 10);
        text.Append(Space());
        if (random.Next(40) == 0)
        {
            text.Append("{}x,"[random.Next(4)]);
        }

        byte[] bytes = Encoding.UTF8.GetBytes(text.ToString());
        return random.Next(3) == 0 ? Damage(bytes) : bytes;
    }

    private void Object(StringBuilder text, int depth, int membersMax)
    {
        text.Append('{');
        int members = random.Next(membersMax);
        HashSet<string> used = [];
        for (int i = 0; i < members; i++)
        {
            string key = Keys[random.Next(Keys.Length)];
            if (!used.Add(key) && random.Next(30) != 0)
            {
                key = $"x{random.Next(1000)}{i}";
            }

            text.Append(i == 0 || random.Next(200) == 0 ? "" : ",");
            text.Append(Space()).Append('"').Append(key).Append('"').Append(Space()).Append(':').Append(Space());
            Value(text, depth - 1);
            text.Append(Space());
        }

        text.Append(random.Next(200) == 0 ? ",}" : "}");
    }

    private void Value(StringBuilder text, int depth)
    {
        switch (random.Next(depth > 0 ? 10 : 6))
        {
            case 0:
                text.Append(random.Next(60) == 0 ? "nul" : "null");
                break;
            case 1:
                text.Append(random.Next(2) == 0 ? "true" : random.Next(60) == 0 ? "False" : "false");
                break;
            case 2 or 3:
                text.Append(Numbers[random.Next(random.Next(10) == 0 ? Numbers.Length : 18)]);
                break;
            case 4 or 5:
                String(text);
                break;
            case 6 or 7:
                Object(text, depth, depth > 10 ? 2 : 4);
                break;
            default:
                Array(text, depth);
                break;
        }
    }

    private void Array(StringBuilder text, int depth)
    {
        text.Append('[').Append(Space());
        int items = depth > 10 ? 1 : random.Next(4);
        bool texts = random.Next(2) == 0;
        for (int i = 0; i < items; i++)
        {
            text.Append(i == 0 ? "" : ",").Append(Space());
            if (texts)
            {
                String(text);
            }
            else
            {
                Value(text, depth - 1);
            }

            text.Append(Space());
        }

        text.Append(']');
    }

    private void String(StringBuilder text)
    {
        text.Append('"');
        int parts = random.Next(3);
        for (int i = 0; i < parts; i++)
        {
            // The first ones are whole; broken ones are rarer.
            int index = random.Next(Texts.Length);
            bool broken = index is 12 or 13 or 14 or 16 or 17 or 25 or 26 or 27 or 28;
            text.Append(broken && random.Next(8) != 0 ? "ok" : Texts[index]);
        }

        text.Append('"');
    }

    private string Space()
    {
        string space = Spaces[random.Next(Spaces.Length)];
        return space is "\u00a0" or "\f" && random.Next(20) != 0 ? "" : space;
    }

    private byte[] Damage(byte[] bytes)
    {
        List<byte> damaged = [.. bytes];
        for (int i = random.Next(1, 3); i > 0; i--)
        {
            int at = random.Next(damaged.Count);
            switch (random.Next(5))
            {
                case 0 when damaged.Count > 1:
                    damaged.RemoveAt(at);
                    break;
                case 1:
                    damaged.Insert(at, Marks[random.Next(Marks.Length)]);
                    break;
                case 2 when damaged.Count > 1:
                    damaged.RemoveRange(at, damaged.Count - at);
                    damaged.Add((byte)'}');
                    break;
                case 3:
                    damaged[at] ^= (byte)(1 << random.Next(8));
                    break;
                default:
                    damaged[at] = Marks[random.Next(Marks.Length)];
                    break;
            }
        }

        return [.. damaged];
    }
}
