namespace Naru.Cli;

/// <summary>Exit codes of every command.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
}
