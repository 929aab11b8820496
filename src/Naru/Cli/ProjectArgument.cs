using System.CommandLine;

namespace Naru.Cli;

/// <summary>The folder of a project as a command's argument; the current one when it is left out.</summary>
internal static class ProjectArgument
{
    public static Argument<string> Create() => new("DIR")
    {
        Description = "folder of the project; default: the current folder",
        Arity = ArgumentArity.ZeroOrOne,
        DefaultValueFactory = static _ => ".",
    };
}
