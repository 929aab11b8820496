using System.Globalization;
using System.Text.Json;
using Naru.Access;

namespace Naru.Query;

/// <summary>What the endpoints of this slice share: who asks, and errors in the one shape.</summary>
internal static class QueryAnswers
{
    /// <summary>Null after a 401 or 403 was written.</summary>
    public static async Task<Principal?> AuthenticateAsync(HttpContext context)
    {
        Principal? principal = context.Asks();
        if (principal is null)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer, Basic realm=\"naru\"";
            await WriteAsync(context, new QueryError(QueryCodes.Unauthorized, "a valid key is needed")
            {
                Hint = "send it as `Authorization: Bearer nk_…`, or as the password of Basic",
                Status = StatusCodes.Status401Unauthorized,
            }).ConfigureAwait(false);
        }

        return principal;
    }

    public static async Task WriteAsync(HttpContext context, QueryError error)
    {
        HttpResponse response = context.Response;
        response.StatusCode = error.Status;
        response.ContentType = "application/json; charset=utf-8";
        response.Headers.CacheControl = "no-store";
        if (error.RetryAfterSeconds is int seconds)
        {
            response.Headers.RetryAfter = seconds.ToString(CultureInfo.InvariantCulture);
        }

        byte[] body = JsonSerializer.SerializeToUtf8Bytes(ErrorBody.Of(error), QueryJson.Readable.ErrorAnswer);
        response.ContentLength = body.Length;
        await response.Body.WriteAsync(body, context.RequestAborted).ConfigureAwait(false);
    }
}
