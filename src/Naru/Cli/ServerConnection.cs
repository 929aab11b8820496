using System.CommandLine;
using System.Net.Http.Headers;
using System.Text.Json;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Server;

namespace Naru.Cli;

/// <summary>
/// How a command reaches a server: `--server URL`, else the running server of the project in `--project DIR` or the
/// current folder, else the default address. The key comes from `--key`, NARU_KEY, or what the project's server left
/// for those
/// who may read its state.
/// </summary>
internal sealed class ServerConnection : IDisposable
{
    private const string DefaultAddress = "http://" + ProjectOptions.DefaultListen;

    private ServerConnection(HttpClient http) => Http = http;

    public HttpClient Http { get; }

    public static Option<string?> ServerOption() => new("--server")
    {
        Description = $"address of the server; default: that of the project here, else {DefaultAddress}",
        HelpName = "URL",
    };

    public static Option<string?> KeyOption() => new("--key")
    {
        Description = "key to ask with; default: NARU_KEY",
        HelpName = "KEY",
    };

    public static Option<string?> ProjectOption() => new("--project")
    {
        Description = "folder of a project; default: the current folder",
        HelpName = "DIR",
    };

    /// <summary>Where the server is: see the type's summary.</summary>
    public static string AddressOf(string? server, string? project)
    {
        if (server is not null)
        {
            return server.TrimEnd('/');
        }

        ProjectPaths paths = new(Path.GetFullPath(project ?? "."));
        return ProjectLock.RunningServer(paths, new PosixFileSystem()) ?? DefaultAddress;
    }

    public static ServerConnection Open(string? server, string? project, string? key)
    {
        HttpClient http =
            new() { BaseAddress = new Uri(AddressOf(server, project)), Timeout = Timeout.InfiniteTimeSpan };
        if ((key ?? Environment.GetEnvironmentVariable("NARU_KEY")
            ?? LocalKey(server, project)) is { Length: > 0 } secret)
        {
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", secret);
        }

        return new ServerConnection(http);
    }

    /// <summary>
    /// Sends and returns the answer's JSON; an error answer or a server that is not there is printed to standard error
    /// as fact and hint, and gives null.
    /// </summary>
    public async Task<JsonDocument?> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage response = await Http.SendAsync(request, cancellationToken).ConfigureAwait(false);
            string text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
            if (response.IsSuccessStatusCode)
            {
                return JsonDocument.Parse(text);
            }

            await Console.Error.WriteLineAsync(ErrorText(response, text)).ConfigureAwait(false);
        }
        catch (HttpRequestException exception)
        {
            await TellNoAnswerAsync(exception).ConfigureAwait(false);
        }

        return null;
    }

    /// <summary>
    /// Gives the lines of an answer that does not end by itself to <paramref name="take"/>, until it wants no more, the
    /// command is stopped or the server ends; returns the command's exit code.
    /// </summary>
    public async Task<int> FollowAsync(string address, Func<string, bool> take, CancellationToken cancellationToken)
    {
        try
        {
            using HttpRequestMessage request = new(HttpMethod.Get, address);
            bool? enough = await TakeLinesAsync(request, take, cancellationToken).ConfigureAwait(false);
            if (enough == false)
            {
                await Console.Error.WriteLineAsync(
                    "the server ended the answer: it stops, or what was asked is no more").ConfigureAwait(false);
            }

            return enough == true ? ExitCode.Done : ExitCode.Failed;
        }
        catch (OperationCanceledException)
        {
            return ExitCode.Done;
        }
    }

    /// <summary>
    /// Gives the lines of an answer to <paramref name="take"/> as they come. False, and told, when there is none or it
    /// breaks off.
    /// </summary>
    public async Task<bool> ReadLinesAsync(string address, Action<string> take, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, address);
        return await TakeLinesAsync(
            request,
            line =>
            {
                take(line);
                return true;
            },
            cancellationToken).ConfigureAwait(false) is not null;
    }

    /// <summary>The answer of one SQL statement: `columns` and `rows`.</summary>
    public async Task<JsonDocument?> AskAsync(string sql, CancellationToken cancellationToken)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, "/v1/sql") { Content = new StringContent(sql) };
        request.Headers.Accept.ParseAdd("application/json");
        return await SendAsync(request, cancellationToken).ConfigureAwait(false);
    }

    public void Dispose() => Http.Dispose();

    /// <summary>Whether the taker had enough before the end; null, and told, when there was no answer.</summary>
    private async Task<bool?> TakeLinesAsync(
        HttpRequestMessage request, Func<string, bool> take, CancellationToken cancellationToken)
    {
        try
        {
            using HttpResponseMessage response = await Http.SendAsync(
                request, HttpCompletionOption.ResponseHeadersRead, cancellationToken).ConfigureAwait(false);
            if (!response.IsSuccessStatusCode)
            {
                string text = await response.Content.ReadAsStringAsync(cancellationToken).ConfigureAwait(false);
                await Console.Error.WriteLineAsync(ErrorText(response, text)).ConfigureAwait(false);
                return null;
            }

            using StreamReader lines = new(
                await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false));
            while (await lines.ReadLineAsync(cancellationToken).ConfigureAwait(false) is string line)
            {
                if (!take(line))
                {
                    return true;
                }
            }

            return false;
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException)
        {
            await TellNoAnswerAsync(exception).ConfigureAwait(false);
            return null;
        }
    }

    private Task TellNoAnswerAsync(Exception exception) => Console.Error.WriteLineAsync(
        $"no answer from {Http.BaseAddress}: {exception.Message}\n"
        + "start the platform with `naru up`, or name it with --server");

    /// <summary>The key that the project's own server leaves for those who may read the project's state.</summary>
    private static string? LocalKey(string? server, string? project)
    {
        ProjectPaths paths = new(Path.GetFullPath(project ?? "."));
        PosixFileSystem files = new();
        return server is null && ProjectLock.RunningServer(paths, files) is not null
            ? KeyStore.ReadLocalKey(files, paths.State)
            : null;
    }

    /// <summary>The one error shape, as lines; other bodies as they are.</summary>
    public static string ErrorText(HttpResponseMessage response, string body)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(body);
            JsonElement error = document.RootElement.GetProperty("error");
            string message = error.GetProperty("message").GetString() ?? "";
            return error.TryGetProperty("hint", out JsonElement hint) && hint.GetString() is { Length: > 0 } mend
                ? $"{message}\n{mend}"
                : message;
        }
        catch (Exception exception) when (
            exception is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            return $"the server answered {(int)response.StatusCode}: {body}";
        }
    }
}
