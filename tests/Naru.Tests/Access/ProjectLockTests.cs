using Naru.Configuration;
using Naru.Core.Files;
using Naru.Server;

namespace Naru.Tests.Access;

public class ProjectLockTests
{
    [Fact]
    public void One_holder_at_a_time_and_its_address_can_be_read_meanwhile()
    {
        string root = Directory.CreateTempSubdirectory("naru-test-").FullName;
        ProjectPaths paths = new(root);
        PosixFileSystem files = new();
        using (ProjectLock held = ProjectLock.TryTake(paths, files)!)
        {
            Assert.Null(ProjectLock.TryTake(paths, files));
            Assert.Null(ProjectLock.RunningServer(paths, files));
            held.Announce("http://127.0.0.1:1");
            Assert.Equal("http://127.0.0.1:1", ProjectLock.RunningServer(paths, files));
        }

        Assert.Null(ProjectLock.RunningServer(paths, files));
        using ProjectLock? free = ProjectLock.TryTake(paths, files);
        Assert.NotNull(free);
        Directory.Delete(root, recursive: true);
    }
}
