using System.Text.Json;
using Naru.Query.Gate;

namespace Naru.Query;

/// <summary>`GET /v1/functions`: what editors complete.</summary>
internal static class FunctionsEndpoint
{
    public static async Task ListAsync(HttpContext context)
    {
        if (await QueryAnswers.AuthenticateAsync(context).ConfigureAwait(false) is null)
        {
            return;
        }

        FunctionsAnswer answer = new(
            [.. SqlFunctions.Known.Concat(SqlFunctions.KnownInFrom).Distinct().Order(StringComparer.Ordinal)]);
        context.Response.ContentType = "application/json; charset=utf-8";
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(answer, QueryJson.Readable.FunctionsAnswer);
        await context.Response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }
}
