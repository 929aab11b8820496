using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

/// <summary>
/// Plane geometry of any two geometries by comparing their parts: every pair of segments, so work is bounded by a limit
/// on the pairs. A polygon's interior is by the even-odd rule over its rings, so holes are out.
/// </summary>
internal static class Plane
{
    private const long PairsMax = 20_000_000;

    public static double Area(PlaneGeometry geometry) => geometry.Polygons.Sum(static polygon =>
        Math.Abs(SignedArea(polygon[0])) - polygon.Skip(1).Sum(static hole => Math.Abs(SignedArea(hole))));

    public static double Length(IEnumerable<PlanePoint[]> lines) => lines.Sum(static line =>
        Segments(line).Sum(static segment => segment.From.DistanceTo(segment.To)));

    /// <summary>Null when either is empty.</summary>
    public static double? Distance(PlaneGeometry a, PlaneGeometry b)
    {
        if (a.IsEmpty || b.IsEmpty)
        {
            return null;
        }

        if (Intersects(a, b))
        {
            return 0;
        }

        double least = double.PositiveInfinity;
        foreach ((PlanePoint from, PlanePoint to) in AllSegments(a))
        {
            foreach ((PlanePoint start, PlanePoint end) in AllSegments(b))
            {
                least = Math.Min(least, Math.Min(
                    Math.Min(FromSegment(start, from, to), FromSegment(end, from, to)),
                    Math.Min(FromSegment(from, start, end), FromSegment(to, start, end))));
            }
        }

        return least;
    }

    public static bool Intersects(PlaneGeometry a, PlaneGeometry b)
    {
        RequireFew(a, b);
        if (AnyInside(a, b) || AnyInside(b, a))
        {
            return true;
        }

        foreach ((PlanePoint from, PlanePoint to) in AllSegments(a))
        {
            foreach ((PlanePoint start, PlanePoint end) in AllSegments(b))
            {
                if (Meet(from, to, start, end))
                {
                    return true;
                }
            }
        }

        return false;
    }

    /// <summary>
    /// No part of b is outside of a, and some of it is inside and not only on a's border. Exact for points; of lines
    /// and polygons the vertices, the middles of segments and crossings decide.
    /// </summary>
    public static bool Contains(PlaneGeometry a, PlaneGeometry b)
    {
        RequireFew(a, b);
        if (a.IsEmpty || b.IsEmpty)
        {
            return false;
        }

        bool inside = false;
        foreach (PlanePoint probe in Probes(b))
        {
            int side = Side(a, probe);
            if (side < 0)
            {
                return false;
            }

            inside |= side > 0;
        }

        return inside
            && !AllSegments(b).Any(one => a.Rings.SelectMany(Segments).Any(other => Cross(one, other)))
            && !a.Polygons.SelectMany(static polygon => polygon.Skip(1)).Any(hole => hole.Any(
                vertex => b.Polygons.Count > 0 && Side(b, vertex) > 0));
    }

    /// <summary>Of what has the most dimensions: areas, else lengths, else points. Null when empty.</summary>
    public static PlanePoint? Centroid(PlaneGeometry geometry)
    {
        double x = 0, y = 0, weight = 0;
        void Add(double px, double py, double w)
        {
            x += px * w;
            y += py * w;
            weight += w;
        }

        foreach (List<PlanePoint[]> polygon in geometry.Polygons)
        {
            for (int i = 0; i < polygon.Count; i++)
            {
                double sign = (i == 0 ? 1 : -1) * Math.Sign(SignedArea(polygon[i]));
                PlanePoint origin = polygon[i][0];
                foreach ((PlanePoint from, PlanePoint to) in Segments(polygon[i]))
                {
                    double area = sign * (from - origin).Cross(to - origin) / 2;
                    Add((origin.X + from.X + to.X) / 3, (origin.Y + from.Y + to.Y) / 3, area);
                }
            }
        }

        if (weight == 0)
        {
            foreach ((PlanePoint from, PlanePoint to) in geometry.Lines.Concat(geometry.Rings).SelectMany(Segments))
            {
                Add((from.X + to.X) / 2, (from.Y + to.Y) / 2, from.DistanceTo(to));
            }
        }

        if (weight == 0)
        {
            foreach (PlanePoint point in geometry.Points.Concat(geometry.Lines.Concat(geometry.Rings).SelectMany(
                static line => line)))
            {
                Add(point.X, point.Y, 1);
            }
        }

        return weight == 0 ? null : new PlanePoint(x / weight, y / weight);
    }

    /// <summary>Kilometres on a sphere of 6,371.01 km, by the formula that is right near and far.</summary>
    public static double GreatCircle(double latitude1, double longitude1, double latitude2, double longitude2)
    {
        if (!(Math.Abs(latitude1) <= 90 && Math.Abs(latitude2) <= 90))
        {
            throw new ScalarException("a latitude lies between -90 and 90");
        }

        if (!(Math.Abs(longitude1) <= 180 && Math.Abs(longitude2) <= 180))
        {
            throw new ScalarException("a longitude lies between -180 and 180");
        }

        (double sin1, double cos1) = Math.SinCos(latitude1 * Math.PI / 180);
        (double sin2, double cos2) = Math.SinCos(latitude2 * Math.PI / 180);
        (double sin, double cos) = Math.SinCos((longitude1 - longitude2) * Math.PI / 180);
        double a = cos2 * sin;
        double b = (cos1 * sin2) - (sin1 * cos2 * cos);
        return Math.Atan2(Math.Sqrt((a * a) + (b * b)), (sin1 * sin2) + (cos1 * cos2 * cos)) * 6371.01;
    }

    private static void RequireFew(PlaneGeometry a, PlaneGeometry b)
    {
        if ((long)a.Vertices * b.Vertices > PairsMax)
        {
            throw new ScalarException("the geometries have too many vertices to be compared; simplify them");
        }
    }

    private static double SignedArea(PlanePoint[] ring)
    {
        PlanePoint origin = ring[0];
        return Segments(ring).Sum(segment => (segment.From - origin).Cross(segment.To - origin)) / 2;
    }

    private static IEnumerable<(PlanePoint From, PlanePoint To)> Segments(PlanePoint[] line)
    {
        for (int i = 1; i < line.Length; i++)
        {
            yield return (line[i - 1], line[i]);
        }
    }

    /// <summary>A point is a segment of no length.</summary>
    private static IEnumerable<(PlanePoint From, PlanePoint To)> AllSegments(PlaneGeometry geometry) =>
        geometry.Points.Select(static point => (point, point))
            .Concat(geometry.Lines.SelectMany(static line => line.Length == 1 ? [(line[0], line[0])] : Segments(line)))
            .Concat(geometry.Rings.SelectMany(Segments));

    private static IEnumerable<PlanePoint> Probes(PlaneGeometry geometry) => AllSegments(geometry).SelectMany(
        static segment => (IEnumerable<PlanePoint>)[
            segment.From,
            new PlanePoint((segment.From.X + segment.To.X) / 2, (segment.From.Y + segment.To.Y) / 2),
            segment.To,
        ]).Concat(geometry.Polygons.Select(static polygon => Within(polygon[0])));

    /// <summary>A point of a ring's inside: the middle of an ear.</summary>
    private static PlanePoint Within(PlanePoint[] ring)
    {
        for (int i = 2; i < ring.Length; i++)
        {
            PlanePoint middle = new(
                (ring[i - 2].X + ring[i - 1].X + ring[i].X) / 3, (ring[i - 2].Y + ring[i - 1].Y + ring[i].Y) / 3);
            if (SideOf([ring], middle) > 0)
            {
                return middle;
            }
        }

        return ring[0];
    }

    /// <summary>1 inside, 0 on the border, -1 outside. A line's ends are its border.</summary>
    private static int Side(PlaneGeometry geometry, PlanePoint point)
    {
        int best = geometry.Points.Contains(point) ? 1 : -1;
        foreach (PlanePoint[] line in geometry.Lines)
        {
            bool end = (line[0] == point || line[^1] == point) && line[0] != line[^1];
            int side = end ? 0 : Segments(line).Any(segment => IsOn(point, segment.From, segment.To)) ? 1 : -1;
            best = Math.Max(best, side);
        }

        return geometry.Polygons.Select(polygon => SideOf(polygon, point)).DefaultIfEmpty(-1).Max() is var area
            && area > best ? area : best;
    }

    private static int SideOf(List<PlanePoint[]> polygon, PlanePoint point)
    {
        bool inside = false;
        foreach (PlanePoint[] ring in polygon)
        {
            foreach ((PlanePoint from, PlanePoint to) in Segments(ring))
            {
                if (IsOn(point, from, to))
                {
                    return 0;
                }

                inside ^= (from.Y > point.Y) != (to.Y > point.Y)
                    && point.X < ((to.X - from.X) * (point.Y - from.Y) / (to.Y - from.Y)) + from.X;
            }
        }

        return inside ? 1 : -1;
    }

    private static bool AnyInside(PlaneGeometry area, PlaneGeometry other) => area.Polygons.Any(polygon =>
        AllSegments(other).Any(segment => SideOf(polygon, segment.From) >= 0));

    private static bool IsOn(PlanePoint point, PlanePoint from, PlanePoint to) =>
        (to - from).Cross(point - from) == 0
        && point.X >= Math.Min(from.X, to.X) && point.X <= Math.Max(from.X, to.X)
        && point.Y >= Math.Min(from.Y, to.Y) && point.Y <= Math.Max(from.Y, to.Y);

    private static bool Meet(PlanePoint a, PlanePoint b, PlanePoint c, PlanePoint d) =>
        Cross((a, b), (c, d)) || IsOn(a, c, d) || IsOn(b, c, d) || IsOn(c, a, b) || IsOn(d, a, b);

    /// <summary>They cross in one point that is no end of either.</summary>
    private static bool Cross((PlanePoint From, PlanePoint To) a, (PlanePoint From, PlanePoint To) b)
    {
        static int Turn(PlanePoint from, PlanePoint to, PlanePoint at) => Math.Sign((to - from).Cross(at - from));
        return Turn(a.From, a.To, b.From) * Turn(a.From, a.To, b.To) < 0
            && Turn(b.From, b.To, a.From) * Turn(b.From, b.To, a.To) < 0;
    }

    private static double FromSegment(PlanePoint point, PlanePoint from, PlanePoint to)
    {
        PlanePoint along = to - from;
        double length = along.Dot(along);
        double share = length == 0 ? 0 : Math.Clamp((point - from).Dot(along) / length, 0, 1);
        return point.DistanceTo(new PlanePoint(from.X + (share * along.X), from.Y + (share * along.Y)));
    }
}
