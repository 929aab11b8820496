using System.Text;
using Naru.Lake.DuckDb;

namespace Naru.Query.Results;

/// <summary>Writes one value, which may be null, as a whole JSON value.</summary>
internal delegate void WriteValue(in DuckDbVector vector, int row);

/// <summary>
/// Lists, structs and maps as JSON, whoever writes what is in them: an array, an object (or an array, where names are
/// told elsewhere), an object with text keys.
/// </summary>
internal sealed class NestedJson(OutputBuffer output, WriteValue write)
{
    public void WriteList(in DuckDbVector vector, int row)
    {
        DuckDbListEntry entry = vector.ListAt(row);
        DuckDbVector child = vector.Child();
        output.Append((byte)'[');
        for (int i = 0; i < (int)entry.Length; i++)
        {
            Separate(i);
            write(child, (int)entry.Offset + i);
        }

        output.Append((byte)']');
    }

    public void WriteStruct(in DuckDbVector vector, int row, bool named)
    {
        output.Append((byte)(named ? '{' : '['));
        for (int i = 0; i < vector.Type.Fields.Length; i++)
        {
            Separate(i);
            if (named)
            {
                JsonText.Append(output, Encoding.UTF8.GetBytes(vector.Type.Fields[i].Name));
                output.Append((byte)':');
            }

            write(vector.Field(i), row);
        }

        output.Append((byte)(named ? '}' : ']'));
    }

    public void WriteMap(in DuckDbVector vector, int row)
    {
        DuckDbListEntry entry = vector.ListAt(row);
        DuckDbVector pairs = vector.Child();
        DuckDbVector keys = pairs.Field(0);
        DuckDbVector values = pairs.Field(1);
        output.Append((byte)'{');
        for (int i = 0; i < (int)entry.Length; i++)
        {
            int item = (int)entry.Offset + i;
            Separate(i);
            WriteAsText(keys, item);
            output.Append((byte)':');
            write(values, item);
        }

        output.Append((byte)'}');
    }

    /// <summary>As a string, whatever its type.</summary>
    public void WriteAsText(in DuckDbVector vector, int row)
    {
        int start = output.Length;
        write(vector, row);
        if (output.Written[start] != (byte)'"')
        {
            byte[] text = output.Written[start..].ToArray();
            output.Truncate(start);
            JsonText.Append(output, text);
        }
    }

    private void Separate(int item)
    {
        if (item > 0)
        {
            output.Append((byte)',');
        }
    }
}
