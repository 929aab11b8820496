using System.CommandLine;

namespace Naru.Cli;

/// <summary>The command line: one file a command, listed here in the order that `naru --help` shows.</summary>
internal static class CommandTree
{
    /// <summary>
    /// How long a command that was asked to end may take. The library's own 2 s would cut a drain short: who stops the
    /// process (systemd, Kubernetes, a person) has a bound of his own.
    /// </summary>
    private static readonly TimeSpan EndMax = TimeSpan.FromMinutes(5);

    public static Task<int> RunAsync(string[] args) =>
        Create().Parse(args).InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = EndMax });

    public static RootCommand Create()
    {
        RootCommand root = new("An event-data platform in one program.");
        root.Subcommands.Add(DemoCommand.Create());
        root.Subcommands.Add(InitCommand.Create());
        root.Subcommands.Add(CheckCommand.Create());
        root.Subcommands.Add(UpCommand.Create());
        root.Subcommands.Add(LogCommand.Create());
        root.Subcommands.Add(ConfigCommand.Create());
        root.Subcommands.Add(UserCommand.Create());
        root.Subcommands.Add(KeyCommand.Create());
        root.Subcommands.Add(GrantsCommand.Create());
        root.Subcommands.Add(SendCommand.Create());
        root.Subcommands.Add(SqlCommand.Create());
        root.Subcommands.Add(QueriesCommand.Create());
        root.Subcommands.Add(QueriesCommand.CreateKill());
        root.Subcommands.Add(TicketCommand.Create());
        root.Subcommands.Add(TailCommand.Create());
        root.Subcommands.Add(TopCommand.Create());
        root.Subcommands.Add(AggregateCommand.Create());
        root.Subcommands.Add(ModelCommands.CreateRun());
        root.Subcommands.Add(ModelCommands.CreatePlan());
        root.Subcommands.Add(TiersCommand.Create());
        root.Subcommands.Add(ExportCommand.Create());
        root.Subcommands.Add(SourceCommand.Create());
        root.Subcommands.Add(RunsCommand.Create());
        root.Subcommands.Add(LineageCommand.Create());
        root.Subcommands.Add(RejectedCommand.Create());
        root.Subcommands.Add(AuditCommand.Create());
        root.Subcommands.Add(DoctorCommand.Create());
        root.Subcommands.Add(BackupCommand.Create());
        root.Subcommands.Add(RestoreCommand.Create());
        return root;
    }
}
