using System.Collections.Immutable;
using System.Text;
using Naru.Aggregates;
using Naru.Configuration;
using Naru.Core.Files;
using Naru.Definitions;
using Naru.Yaml;

namespace Naru.Tests.Aggregates;

/// <summary>Files of `aggregates/`: Cases/right with their plans, Cases/wrong with what is told.</summary>
public class AggregateCaseTests
{
    [Fact]
    public void Right_files_compile_to_these_plans()
    {
        MistakeList mistakes = new();
        ImmutableArray<AggregatePlan> plans = Read("right", mistakes);
        Assert.Empty(mistakes.Sorted());
        Golden.Check(Golden.Folder("Cases/right.txt"), string.Concat(plans.Select(PlanText.Of)));
    }

    [Fact]
    public void Every_mistake_is_told_with_its_place_and_mend()
    {
        MistakeList mistakes = new();
        ImmutableArray<AggregatePlan> plans = Read("wrong", mistakes);
        Assert.Empty(plans);
        string told = string.Concat(mistakes.Sorted().Select(static mistake => mistake + "\n"));
        Golden.Check(Golden.Folder("Cases/wrong.txt"), told);
    }

    [Fact]
    public void Every_wrong_file_is_told()
    {
        MistakeList mistakes = new();
        Read("wrong", mistakes);
        string folder = Golden.Folder("Cases/wrong");
        string[] files = [.. Directory.GetFiles(folder).Select(static path => Path.GetFileName(path))];
        Assert.Empty(files.Except(mistakes.Sorted().Select(static mistake => mistake.File["aggregates/".Length..])));
    }

    internal static KnownLogs Logs()
    {
        ProjectFolder project = new(new PosixFileSystem(), new ProjectPaths(Golden.Folder("Cases")));
        ProjectContent content = project.Read(ImmutableDictionary<string, string>.Empty, new MistakeList());
        return new KnownLogs([.. content.Logs.Select(static file => file.Log)], []);
    }

    internal static ImmutableArray<AggregatePlan> Read(string folder, MistakeList mistakes) =>
        AggregateFolder.Read(new PosixFileSystem(), Golden.Folder($"Cases/{folder}"), Logs(), mistakes);
}

/// <summary>A plan as text, for review.</summary>
internal static class PlanText
{
    public static string Of(AggregatePlan plan)
    {
        StringBuilder text = new();
        text.Append($"== {plan.Name}: {plan.Window}\n");
        text.Append($"   {plan.Description} | {plan.Owner} | {plan.Lateness} {plan.Disorder} {plan.Live}\n");
        foreach (AggregateSource source in plan.Sources)
        {
            string columns = string.Join(", ", source.Columns.Select(static column =>
                $"{column.Name} {column.Type.Sql}{(column.IsSensitive ? " sensitive" : "")}"));
            text.Append($"   from {source.Log} ({columns}){(source.IsDirect ? " direct" : "")}\n");
            text.Append($"        {source.Sql}\n");
        }

        text.AppendJoin("", plan.Keys.Select(static key => $"   key {key.Name} {key.Type.Sql}\n"));
        text.AppendJoin("", plan.Arguments.Select(static value => $"   argument {value.Name} {value.Type.Sql}\n"));
        text.AppendJoin("", plan.Measures.Select(static (measure, i) =>
            $"   m{i} {measure.Function}({measure.Argument}, {measure.SecondArgument}) {measure.Type.Sql}\n"));
        text.AppendJoin("", plan.Outputs.Select(static output =>
            $"   {output.Name} {output.Type.Sql} = {output.Sql}{(output.Base >= 0 ? $" [{output.Base}]" : "")}\n"));
        text.Append(plan.Having is null ? "" : $"   having {plan.Having}\n");
        return text.ToString();
    }
}
