using Naru.Core.Files;
using Naru.Lake.Delta;

namespace Naru.Sim;

/// <summary>Checkpoints as the actions' own lines, on any file system.</summary>
public sealed class PlainCheckpointFormat : IDeltaCheckpointFormat
{
    public void Write(IFileSystem files, string actionsPath, string path)
    {
        byte[] actions = Bytes(files, actionsPath);
        using IFile file = files.Open(path, FileOpen.CreateNew);
        file.Write(actions, 0);
    }

    public ReadOnlyMemory<byte> Read(IFileSystem files, string path) => Bytes(files, path);

    private static byte[] Bytes(IFileSystem files, string path)
    {
        using IFile file = files.Open(path, FileOpen.Read);
        byte[] bytes = new byte[file.Length];
        int read = file.Read(bytes, 0);
        Array.Resize(ref bytes, read);
        return bytes;
    }
}
