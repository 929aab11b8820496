using Naru.Core.Files;

namespace Naru.Lake.Delta;

/// <summary>
/// Turns a list of actions into a checkpoint file and back. Two implementations: Parquet through DuckDB
/// (<see cref="ParquetCheckpointFormat"/>), and the simulator's, which keeps the lines as they are.
/// </summary>
public interface IDeltaCheckpointFormat
{
    /// <summary>
    /// Reads actions, one JSON object a line as in the log, from <paramref name="actionsPath"/> and writes the
    /// checkpoint to the new file <paramref name="path"/>: complete but not durable. Throws
    /// <see cref="StorageException"/>.
    /// </summary>
    void Write(IFileSystem files, string actionsPath, string path);

    /// <summary>
    /// The actions of a checkpoint, one JSON object a line; a null property may be written out or left away. Throws
    /// <see cref="StorageException"/>, with <see cref="StorageFault.Corrupt"/> when the file is not a checkpoint.
    /// </summary>
    ReadOnlyMemory<byte> Read(IFileSystem files, string path);
}
