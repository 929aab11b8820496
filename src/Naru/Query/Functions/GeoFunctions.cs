using static Naru.Query.Functions.FunctionGroup;

namespace Naru.Query.Functions;

/// <summary>Geometry by Presto's names over DuckDB's GEOMETRY.</summary>
internal static class GeoFunctions
{
    public static readonly FunctionGroup New = new("Geometry",
    [
        Macro("ST_Point(x, y)",
            "(x, y) AS st_geomfromwkb(naru_wkb_point(CAST(x AS DOUBLE), CAST(y AS DOUBLE)))",
            "A point; x is the longitude."),
        Macro("ST_GeometryFromText(wkt)", "(t) AS CAST(t AS GEOMETRY)", "Geometry of well-known text."),
        Macro("ST_GeomFromBinary(wkb)", "(b) AS st_geomfromwkb(b)", "Geometry of well-known binary."),
        Macro("ST_X(point)", "(g) AS naru_wkb_x(st_aswkb(g))", "Its x; null when it is empty."),
        Macro("ST_Y(point)", "(g) AS naru_wkb_y(st_aswkb(g))", "Its y; null when it is empty."),
        Macro("ST_Distance(a, b)", "(a, b) AS naru_wkb_distance(st_aswkb(a), st_aswkb(b))",
            "Least distance on the plane, in the units of the coordinates."),
        Macro("ST_Contains(a, b)", "(a, b) AS naru_wkb_contains(st_aswkb(a), st_aswkb(b))",
            "Whether b lies in a, and not only on its border.") with
        {
            Differs = "Of lines and polygons, vertices, middles of segments and crossings decide.",
        },
        Macro("ST_Within(a, b)", "(a, b) AS naru_wkb_contains(st_aswkb(b), st_aswkb(a))", "As ST_Contains(b, a)."),
        Macro("ST_Intersects(a, b)", "(a, b) AS naru_wkb_intersects(st_aswkb(a), st_aswkb(b))",
            "Whether they share a point."),
        Macro("ST_Disjoint(a, b)", "(a, b) AS NOT naru_wkb_intersects(st_aswkb(a), st_aswkb(b))",
            "Whether they share none."),
        Macro("ST_Area(geometry)", "(g) AS naru_wkb_area(st_aswkb(g))", "Area on the plane, without holes."),
        Macro("ST_Length(geometry)", "(g) AS naru_wkb_length(st_aswkb(g))", "Length of its lines."),
        Macro("ST_Perimeter(geometry)", "(g) AS naru_wkb_perimeter(st_aswkb(g))", "Length of its polygons' rings."),
        Macro("ST_Centroid(geometry)", "(g) AS st_geomfromwkb(naru_wkb_centroid(st_aswkb(g)))",
            "Point in the middle."),
        Macro("ST_NumPoints(geometry)", "(g) AS naru_wkb_vertices(st_aswkb(g))", "Its vertices."),
        Scalar("great_circle_distance(latitude1, longitude1, latitude2, longitude2)",
            "Kilometres on the sphere, as in Trino."),
    ])
    {
        Note = "On the plane; Z and M are left out. ST_AsText and ST_AsBinary are DuckDB's. A GEOMETRY has no form in "
            + "an answer: write ST_AsText(g). SphericalGeography is not offered. A geometry has at most 100,000 "
            + "vertices.",
    };
}
