using System.Security.Cryptography;
using System.Text;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Models;
using Naru.Yaml;

namespace Naru.Server;

/// <summary>Files of `models/` as people edit them over HTTP.</summary>
internal sealed class ModelDesk(IFileSystem files, ProjectPaths paths, ModelReloader models, AuditTrail trail)
{
    private readonly Lock _gate = new();

    public static string FileOf(string name) => $"models/{name}.sql";

    public (string Text, string Sha256)? Read(string name) => LogNames.Fault(name) is null
        && WholeFile.Read(files, PathOf(name), ModelFolder.BytesMax + 1) is { } bytes
            ? (Encoding.UTF8.GetString(bytes), Convert.ToHexStringLower(SHA256.HashData(bytes))) : null;

    /// <summary>What is wrong with a text, or would be with what reads its table.</summary>
    public MistakeList Check(string name, byte[] text)
    {
        MistakeList mistakes = new();
        string file = FileOf(name);
        return DefinitionFiles.Text(file, text, ModelFolder.BytesMax, mistakes) is { } readable
            ? models.Try(new ModelFile(file, name, readable)) : mistakes;
    }

    /// <summary>False when the file is not the one that was seen.</summary>
    /// <param name="name">The model's; a good one.</param>
    /// <param name="text">A right one.</param>
    /// <param name="seen">SHA-256 of the file that was edited; null: there was none.</param>
    /// <param name="by">Who.</param>
    public bool TryWrite(string name, byte[] text, string? seen, string by)
    {
        lock (_gate)
        {
            if (Read(name)?.Sha256 != seen)
            {
                return false;
            }

            trail.Append(by, "model.change", AuditTrail.Detail(
                ("model", name), ("change", seen is null ? "added" : "changed")));
            files.CreateDirectory(paths.Models);
            WholeFile.Replace(files, PathOf(name), text);
            return true;
        }
    }

    private string PathOf(string name) => $"{paths.Models}/{name}.sql";
}
