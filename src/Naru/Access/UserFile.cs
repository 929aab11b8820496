using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Yaml;

namespace Naru.Access;

/// <summary>
/// `access/users.yaml`, to which `naru user` adds lines and takes them away; people may edit it too. Only the lines of
/// the one user are touched; a file of another shape is left alone, and null comes back.
/// </summary>
internal static class UserFile
{
    public const string Name = "users.yaml";
    private const string Head = "# `naru user add` writes here; edit it as you like.\nusers:\n";

    public static string? With(string? text, UserDefinition user)
    {
        text ??= Head;
        if (Users(text) is not { } users)
        {
            return null;
        }

        int column = users.Entries.IsEmpty ? 3 : users.Entries[0].Key.Column;
        StringBuilder line = new();
        line.Append(' ', column - 1).Append(Key(user.Name)).Append(": {roles: [")
            .AppendJoin(", ", user.Roles).Append(']');
        Day(line, "from", user.From);
        Day(line, "until", user.Until);
        if (user.Description.Length > 0)
        {
            line.Append(CultureInfo.InvariantCulture, $", description: \"{Escaped(user.Description)}\"");
        }

        return (text.Length == 0 || text.EndsWith('\n') ? text : text + "\n") + line + "}\n";
    }

    public static string? Without(string text, string name)
    {
        if (Users(text) is not { } users)
        {
            return null;
        }

        int at = users.Entries.ToList().FindIndex(entry => entry.Key.Text == name);
        string[] lines = text.Split('\n');
        int first = at < 0 ? lines.Length : users.Entries[at].Key.Line - 1;
        int last = at < 0 || at == users.Entries.Length - 1 ? lines.Length : users.Entries[at + 1].Key.Line - 1;

        // Comments above the next user are that user's.
        while (last < lines.Length && last > first + 1 && lines[last - 1].TrimStart().StartsWith('#'))
        {
            last--;
        }

        return at < 0 ? null : string.Join('\n', [.. lines[..first], .. last == lines.Length ? [""] : lines[last..]]);
    }

    /// <summary>The users, when they are the file's last key, one below the other.</summary>
    private static YamlMapping? Users(string text)
    {
        YamlMapping? root = YamlText.Parse(Name, text, new MistakeList());
        if (root?.Entries is not [.., { Key.Text: "users" } last])
        {
            return null;
        }

        return last.Value switch
        {
            YamlScalar { IsNull: true } => new YamlMapping([], last.Key.Line, 1),
            YamlMapping users when users.Entries.Select(static entry => entry.Key.Line).Distinct().Count()
                == users.Entries.Length && users.Line > last.Key.Line => users,
            _ => null,
        };
    }

    private static string Key(string name) =>
        name.All(static c => char.IsAsciiLetterLower(c) || c is '-' or '_') ? name : $"\"{name}\"";

    private static void Day(StringBuilder line, string key, DateTimeOffset? time)
    {
        if (time is { } day)
        {
            line.Append(CultureInfo.InvariantCulture, $", {key}: {day:yyyy-MM-dd}");
        }
    }

    private static string Escaped(string text) => text.Replace("\\", "\\\\", StringComparison.Ordinal)
        .Replace("\"", "\\\"", StringComparison.Ordinal);
}
