using System.CommandLine;

namespace Naru.Cli;

/// <summary>The options of a command that asks a server: `--json`, `--server`, `--project`, `--key`.</summary>
internal sealed class ServerOptions
{
    private readonly Option<bool> _json = new("--json") { Description = "print the answer as JSON" };
    private readonly Option<string?> _server = ServerConnection.ServerOption();
    private readonly Option<string?> _project = ServerConnection.ProjectOption();
    private readonly Option<string?> _key = ServerConnection.KeyOption();

    public void AddTo(Command command)
    {
        command.Options.Add(_json);
        command.Options.Add(_server);
        command.Options.Add(_project);
        command.Options.Add(_key);
    }

    public bool Json(ParseResult parsed) => parsed.GetValue(_json);

    public ServerConnection Open(ParseResult parsed) => ServerConnection.Open(
        parsed.GetValue(_server), parsed.GetValue(_project), parsed.GetValue(_key));
}
