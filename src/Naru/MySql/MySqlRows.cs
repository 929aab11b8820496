using System.Collections.Immutable;
using System.Text;

namespace Naru.MySql;

/// <summary>A column of a result, as the protocol tells it.</summary>
internal sealed record MySqlField(string Name, int Type, uint Flags, uint CharacterSet, uint Decimals);

/// <summary>
/// Rows of a query, one at a time, as the bytes that the server sent: texts in UTF-8, numbers and times in the text
/// form. The bytes of a row are valid until the next is read. One reader.
/// </summary>
internal sealed unsafe class MySqlRows : IDisposable
{
    private readonly MySqlConnection _connection;
    private readonly int _count;
    private nint _result;
    private byte** _row;
    private nuint* _lengths;
    private bool _ended;

    internal MySqlRows(MySqlConnection connection, nint result)
    {
        _connection = connection;
        _result = result;
        _count = (int)MySqlApi.FieldsOf(result);
        MySqlApi.NativeField* fields = MySqlApi.Fields(result);
        ImmutableArray<MySqlField>.Builder read = ImmutableArray.CreateBuilder<MySqlField>(_count);
        for (int i = 0; i < _count; i++)
        {
            MySqlApi.NativeField field = fields[i];
            string name = Encoding.UTF8.GetString(field.Name, (int)field.NameLength);
            read.Add(new MySqlField(name, field.Type, field.Flags, field.CharacterSet, field.Decimals));
        }

        Fields = read.MoveToImmutable();
    }

    public ImmutableArray<MySqlField> Fields { get; }

    /// <summary>A value's bytes; empty for NULL.</summary>
    public ReadOnlySpan<byte> this[int column] => (uint)column < (uint)_count && _row is not null
        ? new ReadOnlySpan<byte>(_row[column], checked((int)_lengths[column]))
        : throw new ArgumentOutOfRangeException(nameof(column));

    public bool IsNull(int column) => (uint)column < (uint)_count && _row is not null
        ? _row[column] is null
        : throw new ArgumentOutOfRangeException(nameof(column));

    /// <summary>The next row, or false at the end. Throws <see cref="MySqlException"/> when it breaks off.</summary>
    public bool Read()
    {
        if (_ended)
        {
            return false;
        }

        _row = MySqlApi.FetchRow(_result);
        if (_row is not null)
        {
            _lengths = MySqlApi.FetchLengths(_result);
            return true;
        }

        _ended = true;
        if (_connection.ErrorCode != 0)
        {
            MySqlException error = _connection.Error();
            Dispose();
            throw error;
        }

        Dispose();
        return false;
    }

    /// <summary>Of rows that are left unread the connection dies too: reading them to the end may take hours.</summary>
    public void Dispose()
    {
        if (_result == 0)
        {
            return;
        }

        if (!_ended)
        {
            _ended = true;
            _connection.Cut();
        }

        _row = null;
        MySqlApi.FreeResult(_result);
        _result = 0;
        _connection.Finished(this);
    }
}
