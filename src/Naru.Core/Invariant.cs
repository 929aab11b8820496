using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;

namespace Naru.Core;

/// <summary>
/// A broken invariant stops the process: going on would write what is known to be wrong. On in release.
/// </summary>
public static class Invariant
{
    /// <summary>Stops the process when <paramref name="condition"/> is false.</summary>
    public static void Hold(
        [DoesNotReturnIf(false)] bool condition,
        [CallerArgumentExpression(nameof(condition))] string? expression = null,
        [CallerFilePath] string? file = null,
        [CallerLineNumber] int line = 0)
    {
        if (!condition)
        {
            Broken(expression, file, line);
        }
    }

    [DoesNotReturn]
    private static void Broken(string? expression, string? file, int line) =>
        throw new InvariantException($"invariant broken at {Path.GetFileName(file)}:{line}: {expression}");
}

/// <summary>Caught only at the top of the process, which then stops.</summary>
public sealed class InvariantException(string message) : Exception(message);
