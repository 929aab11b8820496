using System.Reflection;
using System.Runtime.CompilerServices;
using Naru.Core;
using Naru.Definitions;
using Naru.Lake.Columns;

namespace Naru.Tests.Tidy;

public class TypeTests
{
    private static readonly Type[] Types =
    [
        .. new[] { typeof(Invariant), typeof(Column), typeof(LogDefinition) }
            .SelectMany(static type => type.Assembly.GetTypes())
            .Where(static type => !IsGenerated(type)),
    ];

    [Fact]
    public void Classes_are_sealed_static_or_abstract()
    {
        Type[] classes = [.. Types.Where(static type => type.IsClass && !type.IsSubclassOf(typeof(Delegate)))];
        string[] open =
        [
            .. classes.Where(static type => !type.IsSealed && !type.IsAbstract).Select(static type => type.FullName!),
        ];
        Assert.True(open.Length * 100 <= 3 * classes.Length, $"more than 3% are open: {string.Join(", ", open)}");
    }

    [Fact]
    public void The_program_itself_has_no_public_types()
    {
        // The compiler's own Program of the top-level statements has no namespace.
        string[] found =
        [
            .. Types
                .Where(static type => type.Assembly == typeof(LogDefinition).Assembly)
                .Where(static type => type.IsPublic && type.Namespace is not null)
                .Select(static type => type.FullName!),
        ];
        Assert.True(found.Length == 0, $"nothing uses the program; make these internal: {string.Join(", ", found)}");
    }

    private static bool IsGenerated(Type type) =>
        type.IsDefined(typeof(CompilerGeneratedAttribute))
        || type.IsDefined(typeof(System.CodeDom.Compiler.GeneratedCodeAttribute))
        || type.Name.Contains('<')
        || (type.DeclaringType is not null && IsGenerated(type.DeclaringType));
}
