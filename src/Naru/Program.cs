using Naru.Cli;
using Naru.Query.Sandbox;
using Naru.Query.Worker;

// A worker starts neither a host nor a command line: it is this program again, started by the server. Its stage must
// run on the process's main thread, so nothing is awaited before.
switch (args)
{
    case [WorkerProgram.StageVerb]:
        return WorkerMain.RunStage();
    case [WorkerProgram.Verb]:
        return WorkerMain.Run();
    default:
        return await CommandTree.RunAsync(args).ConfigureAwait(false);
}
