using System.Text.Json;

namespace Naru.Tests.PublicSurface;

/// <summary>`GET /openapi.json` tells of every route and of nothing else, and its references lead somewhere.</summary>
public sealed class OpenApiTests(SurfaceServer server) : IClassFixture<SurfaceServer>
{
    [Fact]
    public async Task It_describes_every_route_and_nothing_else()
    {
        JsonElement description = await ReadAsync();
        string[] described =
        [
            .. from path in description.GetProperty("paths").EnumerateObject()
               from operation in path.Value.EnumerateObject()
               select $"{operation.Name.ToUpperInvariant()} {path.Name}",
        ];
        Assert.Equal(
            server.Routes().Where(static route => !route.StartsWith("OPTIONS", StringComparison.Ordinal)
                && !IsForPeople(route)).Order(),
            described.Order());
    }

    [Fact]
    public async Task Each_operation_has_its_own_name_a_summary_an_answer_and_its_path_parameters()
    {
        JsonElement description = await ReadAsync();
        List<string> names = [];
        foreach (JsonProperty path in description.GetProperty("paths").EnumerateObject())
        {
            foreach (JsonProperty operation in path.Value.EnumerateObject())
            {
                names.Add(operation.Value.GetProperty("operationId").GetString()!);
                Assert.NotEmpty(operation.Value.GetProperty("summary").GetString()!);
                Assert.True(operation.Value.GetProperty("responses").TryGetProperty("200", out _), path.Name);
                string[] parameters = operation.Value.TryGetProperty("parameters", out JsonElement list)
                    ? [.. list.EnumerateArray()
                        .Where(static parameter => parameter.GetProperty("in").GetString() == "path")
                        .Select(static parameter => "{" + parameter.GetProperty("name").GetString() + "}")]
                    : [];
                Assert.Equal(path.Name.Split('/').Where(static part => part.StartsWith('{')), parameters);
            }
        }

        Assert.Equal(names.Distinct(), names);
    }

    [Fact]
    public async Task Every_reference_in_it_leads_somewhere()
    {
        JsonElement description = await ReadAsync();
        foreach (string reference in References(description).Distinct())
        {
            JsonElement at = description;
            foreach (string part in reference.Split('/').Skip(1))
            {
                Assert.True(at.TryGetProperty(part, out at), reference);
            }
        }
    }

    /// <summary>Pages and what they are made of, which no program asks for.</summary>
    private static bool IsForPeople(string route) =>
        route is "GET /" or "GET /sign-in" || route.StartsWith("GET /console", StringComparison.Ordinal)
        || route.StartsWith("GET /archive", StringComparison.Ordinal);

    private static IEnumerable<string> References(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(static member =>
            member.Name == "$ref" ? [member.Value.GetString()!] : References(member.Value)),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(References),
        _ => [],
    };

    private async Task<JsonElement> ReadAsync()
    {
        using HttpClient http = new();
        string text = await http.GetStringAsync(
            new Uri($"{server.Address}/openapi.json"), TestContext.Current.CancellationToken);
        return JsonDocument.Parse(text).RootElement;
    }
}
