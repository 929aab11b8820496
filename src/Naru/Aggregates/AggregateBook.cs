using System.Collections.Immutable;
using System.Text.Json;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Yaml;

namespace Naru.Aggregates;

/// <summary>
/// The files of `aggregates/` beside the last text of each that was right, kept in `data/state/aggregates.json`: a file
/// that is broken while the server is down must not end its aggregate.
/// </summary>
internal sealed class AggregateBook(IFileSystem files, ProjectPaths paths)
{
    private const string FileName = "aggregates.json";
    private const string Kind = "aggregates";
    private const int Format = 1;

    /// <summary>Names and bytes of everything that is read.</summary>
    public string Fingerprint() => AggregateFolder.Fingerprint(files, paths.Aggregates);

    /// <summary>
    /// The plans of the files; for a wrong file that of its last right text. Throws <see cref="StorageException"/>.
    /// </summary>
    public ImmutableArray<AggregatePlan> Read(KnownLogs logs, MistakeList mistakes)
    {
        ImmutableDictionary<string, string> kept = ReadKept();
        ImmutableDictionary<string, string>.Builder next = ImmutableDictionary.CreateBuilder<string, string>();
        List<AggregatePlan> plans = [];
        using SqlEngine engine = new();
        foreach (AggregateFile file in AggregateFolder.Files(files, paths.Aggregates, mistakes))
        {
            AggregatePlan? plan = file.Text is null
                ? null
                : AggregateCompiler.Compile(new AggregateText(file.Path, file.Name, file.Text, mistakes), logs, engine);
            string? text = plan is null ? kept.GetValueOrDefault(file.Name) : file.Text;
            if (plan is null && text is not null)
            {
                // Its own mistakes were told when it was right last; the file's are told now.
                AggregateText last = new(file.Path, file.Name, text, new MistakeList());
                plan = AggregateCompiler.Compile(last, logs, engine);
            }

            if (text is not null)
            {
                next[file.Name] = text;
            }

            if (plan is not null)
            {
                plans.Add(plan);
            }
        }

        Keep(kept, next.ToImmutable());
        return [.. plans.OrderBy(static plan => plan.Name, StringComparer.Ordinal)];
    }

    private ImmutableDictionary<string, string> ReadKept()
    {
        using JsonDocument? body = StateFile.Read(files, $"{paths.State}/{FileName}", Kind, Format);
        return body?.RootElement.EnumerateObject().ToImmutableDictionary(
            static entry => entry.Name, static entry => entry.Value.GetString() ?? "")
            ?? ImmutableDictionary<string, string>.Empty;
    }

    private void Keep(ImmutableDictionary<string, string> kept, ImmutableDictionary<string, string> next)
    {
        if (kept.Count == next.Count && next.All(entry => kept.GetValueOrDefault(entry.Key) == entry.Value))
        {
            return;
        }

        files.CreateDirectory(paths.State);
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(
            next.OrderBy(static entry => entry.Key, StringComparer.Ordinal)
                .ToDictionary(static entry => entry.Key, static entry => entry.Value));
        StateFile.Write(files, $"{paths.State}/{FileName}", Kind, Format, body);
    }
}
