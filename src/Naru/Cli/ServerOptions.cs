using System.CommandLine;

namespace Naru.Cli;

/// <summary>The options of a command that asks a server: `--json`, `--server`, `--project`, `--key`.</summary>
/// <param name="json">What `--json` does.</param>
internal sealed class ServerOptions(string json = "print the answer as JSON")
{
    private readonly Option<bool> _json = new("--json") { Description = json };
    private readonly Option<string?> _server = ServerConnection.ServerOption();
    private readonly Option<string?> _project = ServerConnection.ProjectOption();
    private readonly Option<string?> _key = ServerConnection.KeyOption();

    public void AddTo(Command command)
    {
        command.Options.Add(_json);
        AddServerTo(command);
    }

    /// <summary>Without `--json`.</summary>
    public void AddServerTo(Command command)
    {
        command.Options.Add(_server);
        command.Options.Add(_project);
        command.Options.Add(_key);
    }

    public bool Json(ParseResult parsed) => parsed.GetValue(_json);

    public string? Server(ParseResult parsed) => parsed.GetValue(_server);

    public string? Project(ParseResult parsed) => parsed.GetValue(_project);

    public string? Key(ParseResult parsed) => parsed.GetValue(_key);

    public ServerConnection Open(ParseResult parsed) =>
        ServerConnection.Open(Server(parsed), Project(parsed), Key(parsed));
}
