using System.Buffers;
using System.Globalization;
using System.Text;
using Naru.Core.Events;
using Naru.Models;
using Naru.MySql;

namespace Naru.Exports.MySql;

/// <summary>What is merged, and into what.</summary>
/// <param name="Name">Quoted.</param>
/// <param name="Table">Its columns.</param>
/// <param name="Job">Whose rows.</param>
/// <param name="Zone">Whose clock a DATETIME shows.</param>
internal sealed record MySqlMergeParts(string Name, MySqlTable Table, ExportJob Job, ProjectZone Zone);

/// <summary>
/// Puts rows into the table by statements of many rows each. A statement that fails for its values leaves nothing; its
/// rows are sent again in halves, down to those that do not fit. One reader.
/// </summary>
internal sealed class MySqlMerge
{
    private const int BatchRows = 5_000;
    private const int BatchBytes = 2 << 20;

    /// <summary>Beginning and end of a statement are not counted.</summary>
    private const int PacketReserveBytes = 64 << 10;

    private const string Keys = "`_naru_keys`";

    private readonly MySqlConnection _connection;
    private readonly MySqlMergeParts _parts;
    private readonly string _head;
    private readonly string _tail;
    private readonly long _rowBytesMax;
    private readonly ArrayBufferWriter<byte> _rows = new(BatchBytes * 2);
    private readonly ArrayBufferWriter<byte> _statement = new(BatchBytes * 2);
    private readonly List<(long Number, int End)> _ends = [];

    public MySqlMerge(MySqlConnection connection, MySqlMergeParts parts)
    {
        _connection = connection;
        _parts = parts;
        IEnumerable<string> names = Rows.Columns.Select(static column => column.Name);
        bool append = parts.Job.Export.Mode == ExportMode.Append;
        names = append ? names.Append(ExportRows.IntervalColumn) : names;
        _head = $"INSERT INTO {parts.Name} ({string.Join(", ", names.Select(MySqlText.Identifier))}) VALUES ";
        _tail = parts.Job.Export.Mode is ExportMode.Append or ExportMode.Swap ? "" : Update();
        _rowBytesMax = Math.Max(0, long.Parse(
            connection.Texts("SELECT @@max_allowed_packet")[0][0]!, CultureInfo.InvariantCulture) - PacketReserveBytes);
    }

    /// <summary>Rows that the table took.</summary>
    public long Sent { get; private set; }

    public long Inserted { get; private set; }

    public long Updated { get; private set; }

    /// <summary>Rows that did not fit.</summary>
    public long Rejected { get; private set; }

    public long Bytes { get; private set; }

    private ExportRows Rows => _parts.Job.Rows;

    public void Run(RowSet set)
    {
        foreach (ExportRow row in Rows.Texts(set))
        {
            int start = _rows.WrittenCount;
            AppendRow(row);
            if (_rows.WrittenCount - start > _rowBytesMax)
            {
                Drop(start);
                Reject(row.Number, "it is larger than the server's max_allowed_packet");
                continue;
            }

            _ends.Add((row.Number, _rows.WrittenCount));
            if (_ends.Count >= BatchRows || _rows.WrittenCount >= BatchBytes)
            {
                Flush();
            }
        }

        Flush();
    }

    /// <summary>
    /// Throws <see cref="FillException"/> when the table has taken two of the rows for one, which its collation may do:
    /// the second is in the place of the first.
    /// </summary>
    public void CheckKeys()
    {
        string[] loose = [.. Rows.Key.Where(_parts.Table.Loose.ContainsKey)];
        if (loose.Length == 0 || _parts.Job.Export.Mode is not (ExportMode.Upsert or ExportMode.Mirror))
        {
            return;
        }

        bool mirror = _parts.Job.Export.Mode == ExportMode.Mirror;
        long expected = Rows.Count - Rows.Rejected;
        long there = mirror
            ? long.Parse(
                _connection.Texts($"SELECT count(*) FROM {_parts.Name}")[0][0]!, CultureInfo.InvariantCulture)
            : CountKeys();
        if (there < expected)
        {
            throw new FillException(string.Create(
                CultureInfo.InvariantCulture,
                $"{expected} keys are {there} to the table, which compares \"{loose[0]}\" by "
                + $"{_parts.Table.Loose[loose[0]]}; give the column a collation of its bytes, such as "
                + $"{(_connection.IsMariaDb ? "utf8mb4_nopad_bin" : "utf8mb4_0900_bin")}"));
        }
    }

    /// <summary>Of a mirror, takes out the rows that are no more.</summary>
    /// <param name="byBase">The base says which they are; else all whose key does not go out.</param>
    public long Remove(bool byBase)
    {
        string key = string.Join(", ", Rows.Key.Select(MySqlText.Identifier));
        MakeKeys(byBase ? RowSet.Removed : RowSet.All);
        long deleted = _connection.Execute(byBase
            ? $"DELETE t FROM {_parts.Name} t JOIN {Keys} k USING ({key})"
            : $"DELETE t FROM {_parts.Name} t LEFT JOIN {Keys} k USING ({key}) "
                + $"WHERE k.{MySqlText.Identifier(Rows.Key[0])} IS NULL");
        _connection.Execute($"DROP TEMPORARY TABLE {Keys}");
        return deleted;
    }

    /// <summary>How many the keys of all rows are, as the table compares them.</summary>
    private long CountKeys()
    {
        MakeKeys(RowSet.All);
        long count = long.Parse(
            _connection.Texts($"SELECT count(*) FROM {Keys}")[0][0]!, CultureInfo.InvariantCulture);
        _connection.Execute($"DROP TEMPORARY TABLE {Keys}");
        return count;
    }

    private void MakeKeys(RowSet set)
    {
        string key = string.Join(", ", Rows.Key.Select(MySqlText.Identifier));
        _connection.Execute($"DROP TEMPORARY TABLE IF EXISTS {Keys}");
        _connection.Execute(
            $"CREATE TEMPORARY TABLE {Keys} (PRIMARY KEY ({key})) ENGINE = InnoDB AS SELECT {key} "
            + $"FROM {_parts.Name} LIMIT 0");
        FillKeys(set);
    }

    private void FillKeys(RowSet set)
    {
        int[] places =
        [
            .. Rows.Key.Select(name => Rows.Columns.IndexOf(Rows.Columns.Single(column => column.Name == name))),
        ];
        ArrayBufferWriter<byte> statement = new(BatchBytes);

        // A key that the column cannot hold is no key of the table; it is told when its row goes out.
        byte[] head = Encoding.UTF8.GetBytes($"INSERT IGNORE INTO {Keys} VALUES ");
        int rows = 0;
        foreach (ExportRow row in Rows.Texts(set))
        {
            statement.Write(rows == 0 ? head : ","u8);
            for (int i = 0; i < places.Length; i++)
            {
                statement.Write(i == 0 ? "("u8 : ","u8);
                ExportColumn column = Rows.Columns[places[i]];
                string? cell = row.Cells[set == RowSet.Removed ? i : places[i]];
                MySqlCells.Append(statement, cell, column, _parts.Table.Columns[column.Name], _parts.Zone);
            }

            statement.Write(")"u8);
            if (++rows >= BatchRows || statement.WrittenCount >= BatchBytes)
            {
                _connection.Execute(statement.WrittenSpan);
                statement.Clear();
                rows = 0;
            }
        }

        if (rows > 0)
        {
            _connection.Execute(statement.WrittenSpan);
        }
    }

    private void AppendRow(ExportRow row)
    {
        for (int i = 0; i < Rows.Columns.Length; i++)
        {
            _rows.Write(i == 0 ? "("u8 : ","u8);
            ExportColumn column = Rows.Columns[i];
            MySqlCells.Append(_rows, row.Cells[i], column, _parts.Table.Columns[column.Name], _parts.Zone);
        }

        if (_parts.Job.Export.Mode == ExportMode.Append)
        {
            _rows.Write(","u8);
            MySqlText.AppendLiteral(_rows, Encoding.UTF8.GetBytes(row.Interval));
        }

        _rows.Write(")"u8);
    }

    /// <summary>Takes back what was written last.</summary>
    private void Drop(int start)
    {
        byte[] kept = _rows.WrittenSpan[..start].ToArray();
        _rows.Clear();
        _rows.Write(kept);
    }

    private void Flush()
    {
        if (_ends.Count > 0)
        {
            Put(0, _ends.Count);
        }

        _rows.Clear();
        _ends.Clear();
    }

    private void Put(int first, int end)
    {
        _statement.Clear();
        Encoding.UTF8.GetBytes(_head, _statement);
        for (int i = first; i < end; i++)
        {
            int start = i == 0 ? 0 : _ends[i - 1].End;
            _statement.Write(i == first ? ""u8 : ","u8);
            _statement.Write(_rows.WrittenSpan[start.._ends[i].End]);
        }

        Encoding.UTF8.GetBytes(_tail, _statement);
        try
        {
            long affected = _connection.Execute(_statement.WrittenSpan);
            Count(end - first, affected, _statement.WrittenCount);
        }
        catch (MySqlException exception) when (IsOfValues(exception))
        {
            if (end - first == 1)
            {
                Reject(_ends[first].Number, exception.Message);
                return;
            }

            int middle = (first + end) / 2;
            Put(first, middle);
            Put(middle, end);
        }
    }

    /// <summary>
    /// A row that came new counts 1 and one that took another's place 2; one that was there already counts nothing.
    /// </summary>
    private void Count(int rows, long affected, int bytes)
    {
        const string Duplicates = "Duplicates: ";
        string info = _connection.Info;
        int at = info.IndexOf(Duplicates, StringComparison.Ordinal);
        long updated = 0;
        if (at >= 0)
        {
            ReadOnlySpan<char> rest = info.AsSpan(at + Duplicates.Length);
            int length = rest.IndexOfAnyExceptInRange('0', '9');
            updated = long.Parse(length < 0 ? rest : rest[..length], CultureInfo.InvariantCulture);
        }
        else if (rows == 1 && affected == 2)
        {
            updated = 1;
        }

        Sent += rows;
        Updated += updated;
        Inserted += affected - (2 * updated);
        Bytes += bytes;
    }

    private void Reject(long number, string reason)
    {
        Rows.Reject(number, reason);
        Rejected++;
    }

    private string Update()
    {
        string[] others =
        [
            .. Rows.Columns.Select(static column => column.Name).Where(name => !Rows.Key.Contains(name))
                .Select(MySqlText.Identifier),
        ];

        // A row that consists of its key is the same when it is there.
        string[] sets = others.Length > 0
            ? [.. others.Select(static name => $"{name} = VALUES({name})")]
            : [.. Rows.Key.Take(1).Select(MySqlText.Identifier).Select(static name => $"{name} = {name}")];
        return $" ON DUPLICATE KEY UPDATE {string.Join(", ", sets)}";
    }

    /// <summary>
    /// Values out of range, too long, of a wrong form, null where none may be; constraints; a trigger's own refusal;
    /// rows too large for a page.
    /// </summary>
    private static bool IsOfValues(MySqlException exception) =>
        !exception.EndsSession && (exception.SqlState[..2] is "22" or "23" or "44" or "45" || exception.Code is
            1048 or 1062 or 1118 or 1136 or 1153 or 1292 or 1364 or 1366 or 1406 or 1452 or 1644 or 3140 or 3819 or 4025
            or 1264 or 1265 or 1411 or 1416 or 1690 or 3141 or 3142 or 4078);
}
