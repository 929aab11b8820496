using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Naru.Access;
using Naru.Collect;
using Naru.Core.Files;
using Naru.Core.Topics;
using Naru.Definitions;
using Naru.Stream.Decode;

namespace Naru.Bench.Collect;

/// <summary>
/// The server side: collect as `naru up` composes it, over a topic on the disk that holds the given folder; beside it,
/// on the same Kestrel, the floors: `/floor/204` answers, `/floor/discard` reads the body and answers.
/// </summary>
internal static class CollectBenchServer
{
    public const string Verb = "collect-server";

    public static async Task<int> RunAsync(string folder)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder(
            new WebApplicationOptions { Args = ["--hostBuilder:reloadConfigOnChange=false"] });
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        IServiceCollection services = builder.Services;
        AdEvents definitions = new();
        services.AddSingleton<IDefinitionSource>(definitions);
        services.AddSingleton<IEventChecker>(new EventChecker(definitions));
        services.AddSingleton<IAuthenticator>(new OpenDoor());
        services.AddSingleton(TimeProvider.System);
        services.AddSingleton<ITopicLog>(SegmentTopicLog.Open(
            new PosixFileSystem(),
            $"{folder}/events",
            new TopicOptions { RetentionBytes = 512 << 20 },
            TimeProvider.System,
            static notice => Console.Error.WriteLine(notice)));
        services.AddCollect(new CollectOptions());
        WebApplication application = builder.Build();
        application.MapCollect();
        application.MapPost("/floor/204", (RequestDelegate)Answer);
        application.MapPost("/floor/discard", (RequestDelegate)DiscardAsync);
        await application.StartAsync();
        Console.WriteLine(new Uri(application.Services.GetRequiredService<IServer>().Features
            .Get<IServerAddressesFeature>()!.Addresses.First()).Port);

        // Ends with its parent.
        ITopicLog topic = application.Services.GetRequiredService<ITopicLog>();
        while (await Console.In.ReadLineAsync() is not null)
        {
            long[] ends = [.. Enumerable.Range(0, topic.PartitionCount).Select(p => topic.Offsets(p).Durable)];
            topic.ApplyRetention(ends);
        }

        await application.StopAsync();
        return 0;
    }

    private static Task Answer(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private static async Task DiscardAsync(HttpContext context)
    {
        PipeReader body = context.Request.BodyReader;
        while (true)
        {
            ReadResult result = await body.ReadAsync();
            body.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
            {
                break;
            }
        }

        context.Response.StatusCode = StatusCodes.Status204NoContent;
    }

    private sealed class OpenDoor : IAuthenticator
    {
        public Principal? Authenticate(string? authorization, IPAddress? remote) => Principal.Open;
    }
}
