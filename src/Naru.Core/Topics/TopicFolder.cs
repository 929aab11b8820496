using System.Globalization;
using Naru.Core.Files;

namespace Naru.Core.Topics;

/// <summary>A topic's folder: `topic.json` and a folder per partition, named by its number.</summary>
internal static class TopicFolder
{
    /// <summary>
    /// The partitions of the topic in the template's folder; makes the topic when it is not there, with the template's
    /// incarnation. What a crash left of a half-made topic is made anew; a used one without `topic.json` is refused.
    /// </summary>
    public static PartitionContext[] Open(PartitionContext template, int partitions)
    {
        TopicMetadata? metadata = TopicMetadata.Load(template.Files, template.Directory);
        metadata?.Renew(template.Files, template.Directory);
        metadata ??= Create(template, partitions);
        PartitionContext[] contexts = new PartitionContext[metadata.Partitions];
        for (int i = 0; i < contexts.Length; i++)
        {
            contexts[i] = PartitionOf(template with { Incarnation = metadata.Incarnation, Topic = metadata.Topic }, i);
        }

        return contexts;
    }

    private static TopicMetadata Create(PartitionContext template, int partitions)
    {
        IFileSystem files = template.Files;
        files.CreateDirectory(template.Directory);
        for (int i = 0; i < partitions; i++)
        {
            PartitionContext context = PartitionOf(template, i);
            foreach (string name in files.List(context.Directory))
            {
                RefuseUsed(files, Path.Combine(context.Directory, name));
            }

            PartitionWriter.Create(context);
        }

        return new TopicMetadata(template.Topic, template.Incarnation, partitions).Store(files, template.Directory);
    }

    private static void RefuseUsed(IFileSystem files, string path)
    {
        if (!path.EndsWith(SegmentFormat.Extension, StringComparison.Ordinal))
        {
            return;
        }

        using IFile file = files.Open(path, FileOpen.Read);
        if (file.Length > SegmentFormat.HeaderBytes)
        {
            throw new StorageException(
                StorageFault.Corrupt,
                $"\"{path}\" holds data but the topic's \"{TopicMetadata.FileName}\" is missing:"
                + " restore it from a backup, or move the folder away");
        }
    }

    private static PartitionContext PartitionOf(PartitionContext template, int partition) => template with
    {
        Partition = partition,
        Directory = Path.Combine(template.Directory, partition.ToString(CultureInfo.InvariantCulture)),
    };
}
