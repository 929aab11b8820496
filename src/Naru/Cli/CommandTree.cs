using System.CommandLine;

namespace Naru.Cli;

/// <summary>The command line: one file a command, listed here in the order that `naru --help` shows.</summary>
internal static class CommandTree
{
    public static Task<int> RunAsync(string[] args) => Create().Parse(args).InvokeAsync();

    public static RootCommand Create()
    {
        RootCommand root = new("An event-data platform in one program.");
        root.Subcommands.Add(DemoCommand.Create());
        root.Subcommands.Add(InitCommand.Create());
        root.Subcommands.Add(CheckCommand.Create());
        root.Subcommands.Add(UpCommand.Create());
        root.Subcommands.Add(LogCommand.Create());
        root.Subcommands.Add(ConfigCommand.Create());
        root.Subcommands.Add(KeyCommand.Create());
        root.Subcommands.Add(SendCommand.Create());
        root.Subcommands.Add(SqlCommand.Create());
        root.Subcommands.Add(TailCommand.Create());
        root.Subcommands.Add(RejectedCommand.Create());
        root.Subcommands.Add(AuditCommand.Create());
        root.Subcommands.Add(DoctorCommand.Create());
        root.Subcommands.Add(BackupCommand.Create());
        root.Subcommands.Add(RestoreCommand.Create());
        return root;
    }
}
