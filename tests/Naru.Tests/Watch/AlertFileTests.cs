using Naru.Core.Files;
using Naru.Watch.Alerts;
using Naru.Yaml;

namespace Naru.Tests.Watch;

public class AlertFileTests
{
    [Fact]
    public void Every_mistake_is_told_with_its_place_and_mend()
    {
        MistakeList mistakes = new();
        AlertFolder.Read(
            new PosixFileSystem(), Golden.Folder("Cases"), ["kr_shop.order", "kr_shop.page_view"], mistakes);
        string told = string.Concat(mistakes.Sorted().Select(static mistake => mistake + "\n"));
        Golden.Check(Golden.Folder("expected.txt"), told);
    }

    [Fact]
    public void The_right_ones_are_read()
    {
        Assert.Equal(
            ["disk_bytes", "disk_share", "lag", "query", "rejects", "silence"],
            AlertFolder.Read(new PosixFileSystem(), Golden.Folder("Cases"), ["kr_shop.order"], new MistakeList())
                .Select(static alert => alert.Name));
    }
}
