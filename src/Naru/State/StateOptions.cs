using Naru.Configuration;
using Naru.Core;

namespace Naru.State;

/// <summary>Which store.</summary>
internal enum StateStoreKind
{
    Embedded,
    Postgresql,
}

[SettingSection("state", "Where the records of what is scheduled are kept.")]
internal sealed record StateOptions : ICheckedOptions
{
    [Setting("`embedded`: in the project's folder, for one server; `postgresql`: for several that share them")]
    public StateStoreKind Store { get; init; }

    [Setting("the PostgreSQL, as `env:NAME` or `file:PATH` that holds `Host=…;Database=…;Username=…;Password=…`")]
    public string Connection { get; init; } = "";

    [Setting("time that one statement on PostgreSQL may take", Min = "1s", Max = "10m")]
    public TimeSpan StatementTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public IEnumerable<(string Property, string Message, string Hint)> Check()
    {
        if (Connection.Length > 0 && SecretReference.Fault(Connection) is { } fault)
        {
            yield return (nameof(Connection), fault, "keep the password out of files: write env:NAME or file:PATH");
        }

        if (Store == StateStoreKind.Postgresql && Connection.Length == 0)
        {
            yield return (nameof(Connection), "PostgreSQL needs a connection", "name it in state.connection");
        }
    }
}
