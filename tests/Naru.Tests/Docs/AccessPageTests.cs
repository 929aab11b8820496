using Naru.Tests.Tidy;

namespace Naru.Tests.Docs;

/// <summary>docs/access.md shows the roles of the sample, which `naru check` holds against its logs.</summary>
public sealed class AccessPageTests
{
    [Fact]
    public void The_page_shows_the_samples_roles() => Assert.Contains(
        Repository.Read("samples/shop/access/roles.yaml"),
        Repository.Read("docs/access.md"),
        StringComparison.Ordinal);
}
