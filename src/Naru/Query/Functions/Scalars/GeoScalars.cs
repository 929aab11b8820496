using System.Collections.Immutable;
using Naru.Lake.DuckDb;

namespace Naru.Query.Functions.Scalars;

/// <summary>Geometry over well-known binary, which DuckDB's GEOMETRY turns into and comes from.</summary>
internal static class GeoScalars
{
    private const DuckDbTypeKind Wkb = DuckDbTypeKind.Blob;
    private const DuckDbTypeKind Number = DuckDbTypeKind.Double;
    private const DuckDbTypeKind Truth = DuckDbTypeKind.Boolean;

    public static readonly ImmutableArray<ScalarFunction> All =
    [
        new("naru_wkb_point", [Number, Number], Wkb, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(PlaneGeometry.OfPoint(row.Value<double>(0), row.Value<double>(1)))),
        new("naru_wkb_x", [Wkb], Number, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (Point(row) is PlanePoint point)
            {
                result.Set(point.X);
            }
        }),
        new("naru_wkb_y", [Wkb], Number, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (Point(row) is PlanePoint point)
            {
                result.Set(point.Y);
            }
        }),
        new("naru_wkb_distance", [Wkb, Wkb], Number, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (Plane.Distance(Read(row, 0), Read(row, 1)) is double distance)
            {
                result.Set(distance);
            }
        }),
        new("naru_wkb_contains", [Wkb, Wkb], Truth, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(Plane.Contains(Read(row, 0), Read(row, 1)))),
        new("naru_wkb_intersects", [Wkb, Wkb], Truth, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(Plane.Intersects(Read(row, 0), Read(row, 1)))),
        new("naru_wkb_area", [Wkb], Number, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(Plane.Area(Read(row, 0)))),
        new("naru_wkb_length", [Wkb], Number, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(Plane.Length(Read(row, 0).Lines))),
        new("naru_wkb_perimeter", [Wkb], Number, static (in ScalarArguments row, in ScalarResult result) =>
            result.Set(Plane.Length(Read(row, 0).Rings))),
        new("naru_wkb_centroid", [Wkb], Wkb, static (in ScalarArguments row, in ScalarResult result) =>
        {
            if (Plane.Centroid(Read(row, 0)) is PlanePoint point)
            {
                result.Set(PlaneGeometry.OfPoint(point.X, point.Y));
            }
        }),
        new("naru_wkb_vertices", [Wkb], DuckDbTypeKind.BigInt,
            static (in ScalarArguments row, in ScalarResult result) => result.Set((long)Read(row, 0).Vertices)),
        new("great_circle_distance", [Number, Number, Number, Number], Number,
            static (in ScalarArguments row, in ScalarResult result) => result.Set(Plane.GreatCircle(
                row.Value<double>(0), row.Value<double>(1), row.Value<double>(2), row.Value<double>(3)))),
    ];

    private static PlaneGeometry Read(in ScalarArguments row, int argument) => PlaneGeometry.Read(row.Bytes(argument));

    private static PlanePoint? Point(in ScalarArguments row)
    {
        PlaneGeometry geometry = Read(row, 0);
        return geometry.Kind == 1
            ? geometry.IsEmpty ? null : geometry.Points[0]
            : throw new ScalarException("ST_X and ST_Y take a point");
    }
}
