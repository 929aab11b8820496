using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Naru.Server;

/// <summary>An answer that goes on until the client goes or the server stops.</summary>
internal static class EndlessAnswer
{
    /// <summary>Writes the body by <paramref name="write"/>; the head is sent at once.</summary>
    public static async Task WriteAsync(
        HttpContext http, string contentType, Func<System.IO.Stream, CancellationToken, Task> write)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(
            http.RequestAborted,
            http.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);
        http.Response.ContentType = contentType;
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            await http.Response.Body.FlushAsync(ended.Token).ConfigureAwait(false);
            await write(http.Response.Body, ended.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The client went, or the server stops.
        }
    }
}
