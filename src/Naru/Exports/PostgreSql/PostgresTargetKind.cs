using System.Collections.Immutable;
using System.Globalization;
using Naru.Connections;
using Npgsql;

namespace Naru.Exports.PostgreSql;

/// <summary>A table of a PostgreSQL.</summary>
internal sealed record PostgresTargetDefinition : SqlTargetDefinition
{
    public required string Schema { get; init; }

    public override string Place => string.Create(
        CultureInfo.InvariantCulture, $"{Host}:{Port}/{Database} {Schema}.{Table}");
}

/// <summary>`kind: postgresql`.</summary>
internal sealed class PostgresTargetKind : ITargetKind
{
    private const int DefaultPort = 5432;

    public string Name => "postgresql";

    public ImmutableArray<ExportMode> Modes { get; } =
        [ExportMode.Append, ExportMode.Upsert, ExportMode.Mirror, ExportMode.Swap];

    public ImmutableArray<string> Keys { get; } =
        ["host", "port", "database", "user", "password", "tls", "tls_authorities", "table"];

    public TargetDefinition Read(ConnectionReader reader)
    {
        string table = reader.Yaml.RequiredText("table", "write the table that rows go to, as in public.orders") ?? "";
        string[] parts = table.Split('.');
        if (parts.Length > 2 || (table.Length > 0 && parts.Any(static part => part.Length is 0 or > 63)))
        {
            reader.Yaml.Mistake(
                reader.Yaml.Find("table")!, $"'table' is '{table}'", "write a schema and a name: public.orders");
        }

        return new PostgresTargetDefinition
        {
            Kind = Name,
            Host = reader.Host(),
            Port = reader.Port(DefaultPort),
            Database = reader.Yaml.RequiredText("database", "write the database that the table is in") ?? "",
            User = reader.Yaml.RequiredText("user", "write the user that may write the table") ?? "",
            Password = reader.Secret("password"),
            Tls = reader.Tls(),
            TlsAuthorities = reader.Yaml.Text("tls_authorities") ?? "",
            Schema = parts.Length == 2 ? parts[0] : "public",
            Table = parts[^1],
        };
    }

    public IExportTarget Open(TargetDefinition target, TargetTools tools)
    {
        PostgresTargetDefinition to = (PostgresTargetDefinition)target;
        NpgsqlConnectionStringBuilder settings = new()
        {
            Host = to.Host,
            Port = to.Port,
            Database = to.Database,
            Username = to.User,
            ApplicationName = "naru export",
            Pooling = false,
            Timeout = 15,

            // The attempt as a whole has a deadline; the server notices a client that is gone.
            CommandTimeout = 0,
            KeepAlive = 30,
            IncludeErrorDetail = true,
            SslMode = to.Tls switch
            {
                ConnectionTls.Off => SslMode.Disable,
                ConnectionTls.Require => SslMode.Require,
                _ => SslMode.VerifyFull,
            },
        };
        if (to.IsLocal)
        {
            // A socket of this machine.
            settings.SslMode = SslMode.Disable;
        }

        if (to.AuthoritiesFile(tools) is { } authorities)
        {
            settings.RootCertificate = authorities;
        }

        settings.Password = to.ReadPassword(tools);
        return new PostgresTarget(to, settings.ConnectionString, tools);
    }
}
