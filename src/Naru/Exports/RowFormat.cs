using System.Collections.Immutable;
using Naru.Core.Events;
using Naru.Lake.DuckDb;
using Naru.Query.Results;

namespace Naru.Exports;

/// <summary>How rows stand in files and messages.</summary>
internal enum RowForm
{
    Csv,
    Ndjson,
    Parquet,
}

/// <summary>Rows as text, one at a time, in the forms that every other answer of Naru has.</summary>
internal sealed class RowText
{
    private readonly OutputBuffer _output = new();
    private readonly ResultWriter _writer;

    /// <param name="form">Csv or Ndjson.</param>
    /// <param name="zone">Whose clock instants are shown by.</param>
    /// <param name="guard">Of CSV: cells that a spreadsheet would run are quoted.</param>
    public RowText(RowForm form, ProjectZone zone, bool guard)
    {
        ZoneClock clock = new(zone.Zone);
        _writer = form == RowForm.Csv
            ? new CsvResultWriter(_output, clock, guard) : new NdjsonResultWriter(_output, clock);
    }

    /// <summary>The head, and then each row with its number; the memory is valid until the next.</summary>
    /// <param name="rows">First column: the number.</param>
    public IEnumerable<(long Number, ReadOnlyMemory<byte> Text)> Write(DuckDbResult rows)
    {
        ImmutableArray<DuckDbColumn> columns = rows.Columns[1..];
        _writer.Begin(columns);
        if (_output.Length > 0)
        {
            yield return (0, Take());
        }

        DuckDbVector[] vectors = new DuckDbVector[columns.Length];
        while (rows.TryNext(out DuckDbChunk? chunk))
        {
            for (int row = 0; row < chunk.RowCount; row++)
            {
                for (int i = 0; i < vectors.Length; i++)
                {
                    vectors[i] = chunk[i + 1];
                }

                _writer.WriteRow(vectors, row);
                yield return (chunk[0].Values<long>()[row], Take());
            }
        }
    }

    private byte[] Take()
    {
        byte[] text = _output.Written.ToArray();
        _output.Clear();
        return text;
    }
}
