using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Naru.Bench.Platform;

/// <summary>A real `naru up` with its default settings, in a process and a project of its own.</summary>
internal sealed class PlatformRun : IDisposable
{
    private static readonly TimeSpan StartMax = TimeSpan.FromMinutes(2);

    private readonly StringBuilder _output = new();
    private readonly HttpClient _http;
    private Process _process = new();

    /// <summary>Makes the project, and does not start it yet.</summary>
    public PlatformRun(string project, params string[] logs)
    {
        Project = project;
        Directory.CreateDirectory($"{project}/logs");
        File.WriteAllText($"{project}/naru.yaml", "timezone: UTC\n");
        foreach (string log in logs)
        {
            File.WriteAllText($"{project}/logs/{log}.yaml", EventLines.Definition(log));
        }

        _http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
    }

    public string Project { get; }

    /// <summary>Adds the first aggregates of <see cref="EventLines"/>; before the start.</summary>
    public PlatformRun WithAggregates(int count = 3)
    {
        Directory.CreateDirectory($"{Project}/aggregates");
        foreach ((string name, string sql) in EventLines.Aggregates.Take(count))
        {
            string head = $"-- description: for the bench\n-- owner: bench\n";
            File.WriteAllText($"{Project}/aggregates/{name}.sql", $"{head}{sql}\n");
        }

        return this;
    }

    public int Port { get; private set; }

    public int ProcessId => _process.Id;

    public string Output
    {
        get
        {
            lock (_output)
            {
                return _output.ToString();
            }
        }
    }

    public async Task StartAsync()
    {
        string program = Path.Combine(AppContext.BaseDirectory, "naru");
        ProcessStartInfo start = new(program, ["up", Project, "--listen", "127.0.0.1:0"])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        TaskCompletionSource<int> serving = new(TaskCreationOptions.RunContinuationsAsynchronously);
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Take(line.Data, serving);
        _process.ErrorDataReceived += (_, line) => Take(line.Data, serving);
        _process.Exited += (_, _) => serving.TrySetException(new InvalidOperationException($"naru ended:\n{Output}"));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        Port = await serving.Task.WaitAsync(StartMax);
    }

    /// <summary>The rows of one statement.</summary>
    public async Task<JsonElement> AskAsync(string sql)
    {
        using StringContent content = new(sql);
        using HttpResponseMessage response = await PostAsync("/v1/sql", content);
        string text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonDocument.Parse(text).RootElement.GetProperty("rows")
            : throw new InvalidOperationException($"{sql}\n{(int)response.StatusCode} {text}\n{Output}");
    }

    /// <summary>The number of rows of a statement, asked as Trino's clients ask.</summary>
    public async Task<long> AskTrinoAsync(string sql)
    {
        using StringContent content = new(sql);
        using HttpResponseMessage response = await PostAsync("/v1/statement", content);
        using JsonDocument first = JsonDocument.Parse(await response.Content.ReadAsStringAsync());
        JsonElement answer = first.RootElement.Clone();
        long rows = 0;
        while (answer.TryGetProperty("nextUri", out JsonElement next))
        {
            using JsonDocument page = JsonDocument.Parse(await _http.GetByteArrayAsync(new Uri(next.GetString()!)));
            answer = page.RootElement.Clone();
            rows += answer.TryGetProperty("data", out JsonElement data) ? data.GetArrayLength() : 0;
        }

        return answer.TryGetProperty("error", out JsonElement error)
            ? throw new InvalidOperationException($"{sql}\n{error}\n{Output}")
            : rows;
    }

    /// <summary>
    /// Asks and reads the whole answer without keeping it: its bytes, and the milliseconds until the first came. A
    /// statement is posted; without one the path is read.
    /// </summary>
    public async Task<(long Bytes, double FirstMilliseconds)> DrainAsync(string path, string? sql)
    {
        long start = Stopwatch.GetTimestamp();
        using HttpRequestMessage request = new(
            sql is null ? HttpMethod.Get : HttpMethod.Post, new Uri($"http://127.0.0.1:{Port}{path}"))
        {
            Content = sql is null ? null : new StringContent(sql),
        };
        using HttpResponseMessage response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException($"{sql}\n{await response.Content.ReadAsStringAsync()}");
        }

        await using System.IO.Stream body = await response.Content.ReadAsStreamAsync();
        byte[] piece = new byte[256 * 1024];
        long bytes = 0;
        double first = 0;
        while (await body.ReadAsync(piece) is > 0 and int read)
        {
            first = bytes == 0 ? Stopwatch.GetElapsedTime(start).TotalMilliseconds : first;
            bytes += read;
        }

        return (bytes, first);
    }

    /// <summary>The same as Trino's clients ask: bytes of all answers, and when the first row came.</summary>
    public async Task<(long Bytes, double FirstMilliseconds)> DrainTrinoAsync(string sql)
    {
        long start = Stopwatch.GetTimestamp();
        using StringContent content = new(sql);
        using HttpResponseMessage response = await PostAsync("/v1/statement", content);
        byte[] page = await response.Content.ReadAsByteArrayAsync();
        long bytes = page.Length;
        double first = 0;
        while (NextOf(page) is { } next)
        {
            page = await _http.GetByteArrayAsync(next);
            bytes += page.Length;
            if (first == 0 && page.AsSpan().IndexOf("\"data\":["u8) >= 0)
            {
                first = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }
        }

        return page.AsSpan().IndexOf("\"error\":{"u8) < 0
            ? (bytes, first)
            : throw new InvalidOperationException($"{sql}\n{Encoding.UTF8.GetString(page)}");
    }

    /// <summary>Where the next answer is, without reading the rows; null in the last.</summary>
    private static Uri? NextOf(ReadOnlySpan<byte> page)
    {
        int at = page.IndexOf("\"nextUri\":\""u8);
        if (at < 0)
        {
            return null;
        }

        ReadOnlySpan<byte> rest = page[(at + 11)..];
        return new Uri(Encoding.UTF8.GetString(rest[..rest.IndexOf((byte)'"')]));
    }

    /// <summary>Ends a query, and gives what the server answered.</summary>
    public async Task<bool> KillQueryAsync(string id)
    {
        using HttpResponseMessage response =
            await _http.DeleteAsync(new Uri($"http://127.0.0.1:{Port}/v1/queries/{id}?reason=bench"));
        return response.IsSuccessStatusCode;
    }

    /// <summary>What a path answers; fails where it is not 200.</summary>
    public Task<byte[]> GetAsync(string path) => _http.GetByteArrayAsync(new Uri($"http://127.0.0.1:{Port}{path}"));

    /// <summary>Events that are durable, and those of them that are landed.</summary>
    public async Task<(long Durable, long Landed)> ProgressAsync()
    {
        string text = await _http.GetStringAsync(new Uri($"http://127.0.0.1:{Port}/v1/status"));
        using JsonDocument document = JsonDocument.Parse(text);
        JsonElement stream = document.RootElement.GetProperty("stream");
        long durable = document.RootElement.GetProperty("topics").EnumerateArray()
            .Sum(static topic => topic.GetProperty("durableOffset").GetInt64());
        long waiting = stream.GetProperty("lagRecords").GetInt64() + stream.GetProperty("pendingRecords").GetInt64();
        return (durable, durable - waiting);
    }

    /// <summary>Sends one batch and returns when it, and all before it, is committed to the tables.</summary>
    public async Task SendAsync(byte[] lines, string log, bool untilLanded)
    {
        using ByteArrayContent content = new(lines);
        content.Headers.TryAddWithoutValidation("Content-Type", "application/x-ndjson");
        string query = untilLanded ? "?ack=lake" : "";
        using HttpResponseMessage response = await PostAsync($"/v1/events/{log}{query}", content);
        if (!response.IsSuccessStatusCode)
        {
            throw new InvalidOperationException(await response.Content.ReadAsStringAsync());
        }
    }

    /// <summary>Sends single events until all that is durable is landed.</summary>
    public async Task LandAsync(EventLines events)
    {
        byte[] one = new byte[EventLines.LineBytes];
        for (int i = 0; i == 0 || await ProgressAsync() is var (durable, landed) && landed < durable; i++)
        {
            events.Fill(one, i, -1, DateTime.UtcNow);
            await SendAsync(one, EventLines.Log, untilLanded: true);
        }
    }

    /// <summary>Waits until all that is durable is landed.</summary>
    public async Task CaughtUpAsync()
    {
        while (await ProgressAsync() is var (durable, landed) && landed < durable)
        {
            await Task.Delay(50);
        }
    }

    public double CpuSeconds() => ProcessTree.CpuSeconds(_process.Id);

    /// <summary>Of the server alone, without its workers.</summary>
    public long ServerBytes() => ProcessTree.Resident(_process.Id);

    public TreeMemory Memory() => ProcessTree.Memory(_process.Id);

    /// <summary>kill -9, workers and all.</summary>
    public void Kill()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
    }

    /// <summary>Ends the platform and deletes its project.</summary>
    public void Dispose()
    {
        _http.Dispose();
        if (!_process.HasExited)
        {
            Kill();
        }

        _process.Dispose();
        Directory.Delete(Project, recursive: true);
    }

    private async Task<HttpResponseMessage> PostAsync(string path, HttpContent content)
    {
        try
        {
            return await _http.PostAsync(new Uri($"http://127.0.0.1:{Port}{path}"), content);
        }
        catch (HttpRequestException exception)
        {
            throw new InvalidOperationException($"{exception.Message}; naru said:\n{Output}", exception);
        }
    }

    private void Take(string? line, TaskCompletionSource<int> serving)
    {
        lock (_output)
        {
            _output.AppendLine(line);
        }

        if (line?.IndexOf(" serves project", StringComparison.Ordinal) is > 0 and int end)
        {
            int start = line.LastIndexOf(':', end - 1) + 1;
            serving.TrySetResult(int.Parse(line.AsSpan(start, end - start), CultureInfo.InvariantCulture));
        }
    }
}
