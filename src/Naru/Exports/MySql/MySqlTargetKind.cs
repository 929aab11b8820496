using System.Collections.Immutable;
using System.Globalization;
using Naru.Connections;
using Naru.Models;
using Naru.MySql;

namespace Naru.Exports.MySql;

/// <summary>A table of a MySQL or MariaDB.</summary>
internal sealed record MySqlTargetDefinition : SqlTargetDefinition
{
    public override string Place => IsLocal
        ? $"{Host} {Database}.{Table}"
        : string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}/{Database} {Table}");
}

/// <summary>`kind: mysql`, which MariaDB is, too.</summary>
internal sealed class MySqlTargetKind : ITargetKind
{
    private const int DefaultPort = 3306;
    private const int NameLengthMax = 64;

    public string Name => "mysql";

    public ImmutableArray<ExportMode> Modes { get; } =
        [ExportMode.Append, ExportMode.Upsert, ExportMode.Mirror, ExportMode.Swap];

    public ImmutableArray<string> Keys { get; } =
        ["host", "port", "database", "user", "password", "tls", "tls_authorities", "table"];

    public TargetDefinition Read(ConnectionReader reader)
    {
        string table = reader.Yaml.RequiredText("table", "write the table that rows go to, as in orders") ?? "";
        if (table.Length > NameLengthMax)
        {
            reader.Yaml.Mistake(
                reader.Yaml.Find("table")!,
                $"'table' is '{table}'",
                string.Create(CultureInfo.InvariantCulture, $"write a name of at most {NameLengthMax} characters"));
        }

        return new MySqlTargetDefinition
        {
            Kind = Name,
            Host = reader.Host(),
            Port = reader.Port(DefaultPort),
            Database = reader.Yaml.RequiredText("database", "write the database that the table is in") ?? "",
            User = reader.Yaml.RequiredText("user", "write the user that may write the table") ?? "",
            Password = reader.Secret("password"),
            Tls = reader.Tls(),
            TlsAuthorities = reader.Yaml.Text("tls_authorities") ?? "",
            Table = table,
        };
    }

    public IExportTarget Open(TargetDefinition target, TargetTools tools)
    {
        MySqlTargetDefinition to = (MySqlTargetDefinition)target;
        MySqlAddress address = new()
        {
            Host = to.IsLocal ? "localhost" : to.Host,
            Port = to.Port,
            Socket = to.IsLocal ? to.Host : null,
            Database = to.Database,
            User = to.User,
            Password = to.ReadPassword(tools),
            Tls = to.IsLocal || to.Tls == ConnectionTls.Off ? MySqlTls.Off
                : to.Tls == ConnectionTls.Require ? MySqlTls.Encrypt : MySqlTls.VerifyFull,
            AuthoritiesFile = to.AuthoritiesFile(tools),
            ConnectTimeout = TimeSpan.FromSeconds(15),
        };
        return address.Fault() is { } fault
            ? throw new FillException($"the target cannot be reached: {fault}")
            : new MySqlTarget(to, address, tools);
    }
}
