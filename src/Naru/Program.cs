using Naru.Cli;

return await CommandTree.RunAsync(args).ConfigureAwait(false);
