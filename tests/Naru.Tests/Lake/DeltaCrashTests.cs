using Naru.Core.Files;
using Naru.Lake.Delta;
using static Naru.Tests.Lake.DeltaTestData;

namespace Naru.Tests.Lake;

public class DeltaCrashTests
{
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void A_landing_is_committed_once_whichever_step_fails(bool isCrash, bool takesEffect)
    {
        int steps = CountSteps();
        for (int step = 0; step < steps; step++)
        {
            MemoryFiles files = new() { FailAtStep = step, FailureIsCrash = isCrash, FailureTakesEffect = takesEffect };
            DeltaTable? table = null;
            int failures = 0;
            for (int landing = 1; landing <= 3; landing++)
            {
                bool isDone = false;
                while (!isDone)
                {
                    try
                    {
                        table ??= Open(files);
                        table.Commit(Append(WriteFile(files, table, landing, 0), "a", landing));
                        isDone = true;
                    }
                    catch (StorageException)
                    {
                        failures++;
                        Assert.True(failures <= 2);
                        if (isCrash)
                        {
                            files.Restart();
                            table = null;
                        }
                    }
                }
            }

            foreach (DeltaVersion version in new[] { table!.Current, Open(files).Current })
            {
                Assert.Equal(3, version.Version);
                Assert.Equal([1L, 2, 3], version.Files.Select(file => file.Landing!.Value).Order());
                Assert.Equal(3, version.Txns["a"]);
            }

            Assert.Equal(4, files.List($"{TableFolder}/_delta_log").Count);
        }
    }

    private static int CountSteps()
    {
        MemoryFiles files = new();
        DeltaTable table = Open(files);
        for (int landing = 1; landing <= 3; landing++)
        {
            table.Commit(Append(WriteFile(files, table, landing, 0), "a", landing));
        }

        return files.Steps;
    }
}
