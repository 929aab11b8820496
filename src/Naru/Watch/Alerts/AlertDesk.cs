using System.Security.Cryptography;
using System.Text;
using Naru.Access;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Watch.Alerts;

/// <summary>What may not be done, in words for whoever tried.</summary>
internal sealed class AlertException(string message, string hint) : Exception(message)
{
    public string Hint { get; } = hint;

    /// <summary>The file is not the one that was edited.</summary>
    public bool IsStale { get; init; }

    public bool IsForbidden { get; init; }
}

/// <summary>
/// Files of `alerts/` as people edit them. Administrators may edit all; others alerts on queries of their own, told to
/// the project's own webhook.
/// </summary>
internal sealed class AlertDesk(
    IFileSystem files, ProjectPaths paths, IDefinitionSource definitions, AuditTrail trail)
{
    private readonly Lock _gate = new();

    public static bool MaySee(Principal asking, AlertDefinition alert) =>
        asking.Administer || (alert.Query?.Owner ?? alert.Owner) == asking.Name;

    public (string Text, string Sha256)? Read(string name)
    {
        if (LogNames.Fault(name) is not null
            || WholeFile.Read(files, PathOf(name), YamlText.BytesMax + 1) is not { } bytes)
        {
            return null;
        }

        return (Encoding.UTF8.GetString(bytes), Convert.ToHexStringLower(SHA256.HashData(bytes)));
    }

    /// <summary>What a text says, where its writer may say that.</summary>
    public AlertDefinition Check(string name, string text, Principal asking)
    {
        MistakeList mistakes = new();
        string[] logs = [.. definitions.Current.Logs.Select(static log => log.FullName)];
        AlertDefinition? alert = AlertFile.Read(
            $"alerts/{name}{AlertFile.Extension}", Encoding.UTF8.GetBytes(text), logs, mistakes);
        if (alert is null)
        {
            Mistake first = mistakes.Sorted()[0];
            string place = first.Line > 0 ? $"line {first.Line}: " : "";
            throw new AlertException(place + first.Message, first.Hint);
        }

        if (!MaySee(asking, alert))
        {
            throw new AlertException(
                "you may only keep alerts on queries whose owner you are", $"write 'owner: {asking.Name}'")
            {
                IsForbidden = true,
            };
        }

        if (!asking.Administer && alert.Webhook is not null)
        {
            throw new AlertException(
                "only administrators name a webhook of an alert's own", "leave 'webhook' out: the project's is used")
            {
                IsForbidden = true,
            };
        }

        return alert;
    }

    /// <param name="name">The alert's.</param>
    /// <param name="text">Null takes the file away.</param>
    /// <param name="seen">SHA-256 of the file that was edited; null: there was none.</param>
    /// <param name="asking">Who.</param>
    public void Write(string name, string? text, string? seen, Principal asking)
    {
        if (text is not null)
        {
            Check(name, text, asking);
        }

        lock (_gate)
        {
            (string Text, string Sha256)? there = Read(name);
            if (there is { } old && !asking.Administer)
            {
                Check(name, old.Text, asking);
            }

            if (there?.Sha256 != seen)
            {
                throw new AlertException(
                    $"the alert '{name}' was changed by somebody else", "open it again, and change that")
                {
                    IsStale = true,
                };
            }

            trail.Append(asking.Name, "alert.change", AuditTrail.Detail(
                ("alert", name), ("change", text is null ? "removed" : seen is null ? "added" : "changed")));
            if (text is null)
            {
                files.Delete(PathOf(name));
            }
            else
            {
                files.CreateDirectory(paths.Alerts);
                WholeFile.Replace(files, PathOf(name), Encoding.UTF8.GetBytes(text));
            }
        }
    }

    private string PathOf(string name) => $"{paths.Alerts}/{name}{AlertFile.Extension}";
}
