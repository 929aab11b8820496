using System.Buffers.Binary;
using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

internal readonly record struct PlanePoint(double X, double Y)
{
    public static PlanePoint operator -(PlanePoint a, PlanePoint b) => new(a.X - b.X, a.Y - b.Y);

    /// <summary>Positive when the turn from this to the other is to the left.</summary>
    public double Cross(PlanePoint other) => (X * other.Y) - (Y * other.X);

    public double Dot(PlanePoint other) => (X * other.X) + (Y * other.Y);

    public double DistanceTo(PlanePoint other) => Math.Sqrt((this - other).Dot(this - other));
}

/// <summary>
/// A geometry as its points, lines and polygons, read from well-known binary (OGC 06-103r4, 8.2.3; Z and M are read
/// over). Bytes are any user's: counts are held against what is there, nesting and vertices have bounds.
/// </summary>
internal sealed class PlaneGeometry
{
    private const int VerticesMax = 100_000;
    private const int DepthMax = 8;
    private const uint ExtendedZ = 0x80000000;
    private const uint ExtendedM = 0x40000000;
    private const uint ExtendedSrid = 0x20000000;

    private int _vertices;

    private PlaneGeometry(uint kind) => Kind = kind;

    /// <summary>1 point, 2 line, 3 polygon, 4 to 6 several of them, 7 a collection.</summary>
    public uint Kind { get; }

    public List<PlanePoint> Points { get; } = [];

    public List<PlanePoint[]> Lines { get; } = [];

    /// <summary>The outer ring, then holes; each ends with its first vertex.</summary>
    public List<List<PlanePoint[]>> Polygons { get; } = [];

    public int Vertices => _vertices;

    public bool IsEmpty => _vertices == 0;

    public IEnumerable<PlanePoint[]> Rings => Polygons.SelectMany(static polygon => polygon);

    public static PlaneGeometry Read(ReadOnlySpan<byte> bytes)
    {
        Reader reader = new(bytes);
        (uint kind, _, _) = new Reader(bytes).Header();
        PlaneGeometry geometry = new(kind);
        geometry.Add(ref reader, 0);
        return geometry;
    }

    public static byte[] OfPoint(double x, double y)
    {
        byte[] bytes = new byte[21];
        bytes[0] = 1;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(1), 1);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(5), x);
        BinaryPrimitives.WriteDoubleLittleEndian(bytes.AsSpan(13), y);
        return bytes;
    }

    private void Add(ref Reader reader, int depth)
    {
        if (depth > DepthMax)
        {
            throw new ScalarException("the geometry is nested too deeply");
        }

        (uint kind, int dimensions, bool little) = reader.Header();
        switch (kind)
        {
            case 1:
                PlanePoint point = reader.Point(dimensions, little);
                if (!double.IsNaN(point.X) && !double.IsNaN(point.Y))
                {
                    Points.Add(point);
                    _vertices++;
                }

                break;
            case 2:
                PlanePoint[] line = Vertexes(ref reader, dimensions, little);
                if (line.Length > 0)
                {
                    Lines.Add(line);
                }

                break;
            case 3:
                Polygon(ref reader, dimensions, little);
                break;
            case >= 4 and <= 7:
                uint parts = reader.Count(little, 5);
                for (uint i = 0; i < parts; i++)
                {
                    Add(ref reader, depth + 1);
                }

                break;
            default:
                throw new ScalarException("points, lines, polygons and collections of them are understood");
        }
    }

    private void Polygon(ref Reader reader, int dimensions, bool little)
    {
        uint rings = reader.Count(little, 4);
        List<PlanePoint[]> polygon = [];
        for (uint i = 0; i < rings; i++)
        {
            PlanePoint[] ring = Vertexes(ref reader, dimensions, little);
            if (ring.Length > 0)
            {
                polygon.Add(ring);
            }
        }

        if (polygon.Count > 0)
        {
            Polygons.Add(polygon);
        }
    }

    private PlanePoint[] Vertexes(ref Reader reader, int dimensions, bool little)
    {
        uint count = reader.Count(little, dimensions * sizeof(double));
        if (_vertices + count > VerticesMax)
        {
            throw new ScalarException($"the geometry has more than {VerticesMax} vertices");
        }

        _vertices += (int)count;
        PlanePoint[] points = new PlanePoint[count];
        for (int i = 0; i < points.Length; i++)
        {
            points[i] = reader.Point(dimensions, little);
        }

        return points;
    }

    private ref struct Reader(ReadOnlySpan<byte> bytes)
    {
        private ReadOnlySpan<byte> _rest = bytes;

        public (uint Kind, int Dimensions, bool Little) Header()
        {
            bool little = Take(1)[0] == 1;
            uint kind = Number(little);
            int dimensions = 2 + ((kind & ExtendedZ) != 0 ? 1 : 0) + ((kind & ExtendedM) != 0 ? 1 : 0);
            if ((kind & ExtendedSrid) != 0)
            {
                Take(sizeof(uint));
            }

            kind &= 0xFFFF;
            dimensions += kind / 1000 is 1 or 2 ? 1 : kind / 1000 == 3 ? 2 : 0;
            return (kind % 1000, dimensions, little);
        }

        /// <summary>A count of parts, each of at least so many bytes.</summary>
        public uint Count(bool little, int bytesEach)
        {
            uint count = Number(little);
            return count <= _rest.Length / bytesEach ? count : throw Broken();
        }

        public PlanePoint Point(int dimensions, bool little)
        {
            ReadOnlySpan<byte> bytes = Take(dimensions * sizeof(double));
            return little
                ? new PlanePoint(
                    BinaryPrimitives.ReadDoubleLittleEndian(bytes), BinaryPrimitives.ReadDoubleLittleEndian(bytes[8..]))
                : new PlanePoint(
                    BinaryPrimitives.ReadDoubleBigEndian(bytes), BinaryPrimitives.ReadDoubleBigEndian(bytes[8..]));
        }

        private uint Number(bool little)
        {
            ReadOnlySpan<byte> bytes = Take(sizeof(uint));
            return little
                ? BinaryPrimitives.ReadUInt32LittleEndian(bytes)
                : BinaryPrimitives.ReadUInt32BigEndian(bytes);
        }

        private ReadOnlySpan<byte> Take(int count)
        {
            if (count > _rest.Length)
            {
                throw Broken();
            }

            ReadOnlySpan<byte> taken = _rest[..count];
            _rest = _rest[count..];
            return taken;
        }

        private static ScalarException Broken() => new("these bytes are no geometry");
    }
}
