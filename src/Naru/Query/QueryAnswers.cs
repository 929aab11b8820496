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
        // A page of another site can make a browser post here, where loopback may need no key.
        if (context.Request.Headers["Sec-Fetch-Site"] == "cross-site")
        {
            await WriteAsync(context, new QueryError(QueryCodes.Forbidden, "SQL is not answered to other sites' pages")
            {
                Status = StatusCodes.Status403Forbidden,
            }).ConfigureAwait(false);
            return null;
        }

        IAuthenticator authenticator = context.RequestServices.GetRequiredService<IAuthenticator>();
        Principal? principal = authenticator.Authenticate(
            context.Request.Headers.Authorization, context.Connection.RemoteIpAddress);
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
