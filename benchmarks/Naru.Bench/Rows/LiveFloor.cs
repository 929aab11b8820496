using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Naru.Bench.Rows;

/// <summary>
/// The floor of P8, a process of its own: Kestrel in front of a dictionary of a million ads whose answers, as long as
/// Naru's, stand ready as bytes.
/// </summary>
internal sealed class LiveFloor : IDisposable
{
    public const string Verb = "live-floor";

    private readonly Process _process;

    /// <param name="one">Bytes of an ad's answer.</param>
    /// <param name="ranking">Bytes of the ranking.</param>
    public LiveFloor(int one, int ranking)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        string[] arguments = [Verb, one.ToString(culture), ranking.ToString(culture)];
        _process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        Port = int.Parse(_process.StandardOutput.ReadLine()!, culture);
    }

    public int Port { get; }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    public static async Task<int> RunAsync(string one, string ranking)
    {
        CultureInfo culture = CultureInfo.InvariantCulture;
        byte[] top = new byte[int.Parse(ranking, culture)];
        byte[] minutes = new byte[int.Parse(one, culture)];
        Array.Fill(top, (byte)' ');
        Array.Fill(minutes, (byte)' ');
        Dictionary<string, byte[]> ads = Enumerable.Range(0, LiveSpeed.Ads)
            .ToDictionary(static ad => string.Create(CultureInfo.InvariantCulture, $"ad-{ad:D7}"), _ => minutes);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { Args = ["--hostBuilder:reloadConfigOnChange=false"] });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication application = builder.Build();
        application.MapGet("/v1/aggregates/{name}", (RequestDelegate)AnswerAsync);
        await application.StartAsync();
        Console.WriteLine(new Uri(application.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.First()).Port);

        // Ends with its parent.
        await Console.In.ReadToEndAsync();
        await application.StopAsync();
        return 0;

        Task AnswerAsync(HttpContext http)
        {
            string? ad = http.Request.Query["key.ad_id"];
            byte[] answer = ad is null ? top : ads[ad];
            http.Response.ContentType = "application/json";
            http.Response.ContentLength = answer.Length;
            return http.Response.BodyWriter.WriteAsync(answer, http.RequestAborted).AsTask();
        }
    }
}
