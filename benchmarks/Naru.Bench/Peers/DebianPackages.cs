using System.Diagnostics;

namespace Naru.Bench.Peers;

/// <summary>Installs the peers that Debian has; a row tells by name which peer it lacks.</summary>
internal static class DebianPackages
{
    private static readonly string[] Names = ["redis-server", "mariadb-server", "postgresql"];

    public static void Install()
    {
        foreach (string name in Names)
        {
            Console.Error.WriteLine($"installing {name} …");
            string[] apt = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", name];
            string[] command = Environment.IsPrivilegedProcess ? apt : ["sudo", .. apt];
            ProcessStartInfo start = new(command[0], command[1..])
            {
                RedirectStandardOutput = true, RedirectStandardError = true,
            };

            // Debian starts a service that it installs; at this run level it does not.
            start.Environment["RUNLEVEL"] = "1";
            start.Environment["DEBIAN_FRONTEND"] = "noninteractive";
            if (!Succeeds(start, out string why))
            {
                Console.Error.WriteLine($"{name} could not be installed: {why}; its comparisons are skipped");
            }
        }
    }

    private static bool Succeeds(ProcessStartInfo start, out string why)
    {
        try
        {
            using Process process = Process.Start(start)!;
            Task<string> errors = process.StandardError.ReadToEndAsync();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            why = errors.Result.Trim().Split('\n')[^1];
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception exception)
        {
            why = exception.Message;
            return false;
        }
    }
}
