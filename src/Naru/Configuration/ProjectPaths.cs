namespace Naru.Configuration;

/// <summary>Where things are in a project's folder. Everything under <see cref="Data"/> is made by Naru.</summary>
internal sealed record ProjectPaths(string Root)
{
    public string SettingsFile => $"{Root}/naru.yaml";

    public string Logs => $"{Root}/logs";

    public string Aggregates => $"{Root}/aggregates";

    public string Models => $"{Root}/models";

    public string Exports => $"{Root}/exports";

    /// <summary>Databases of others that tables are taken from.</summary>
    public string Sources => $"{Root}/sources";

    /// <summary>Tables over files that others own.</summary>
    public string Tables => $"{Root}/tables";

    public string Alerts => $"{Root}/alerts";

    /// <summary>Saved queries.</summary>
    public string Queries => $"{Root}/queries";

    public string Dashboards => $"{Root}/dashboards";

    /// <summary>Roles and users.</summary>
    public string Access => $"{Root}/access";

    public string Data => $"{Root}/data";

    public string Topics => $"{Data}/topics";

    public string Lake => $"{Data}/lake";

    public string Tail => $"{Data}/tail";

    public string Landings => $"{Data}/landings";

    public string Dedup => $"{Data}/dedup";

    public string Definitions => $"{Data}/definitions";

    /// <summary>Every version of saved queries and dashboards.</summary>
    public string Archive => $"{Data}/archive";

    /// <summary>Partial results of open windows.</summary>
    public string AggregateStates => $"{Data}/aggregates";

    /// <summary>What exports know of what their targets hold.</summary>
    public string SentExports => $"{Data}/exports";

    public string State => $"{Data}/state";

    /// <summary>The records of what is scheduled, where `state.store` is embedded.</summary>
    public string StateJournal => $"{State}/store.journal";

    /// <summary>Held locked by the one process that has them open.</summary>
    public string StateLock => $"{Data}/state.lock";

    /// <summary>Copies of cold files that are in a bucket.</summary>
    public string Cache => $"{Data}/cache";

    /// <summary>Scratch of SQL workers; emptied at start.</summary>
    public string Spill => $"{Data}/spill";

    /// <summary>Hard links of what a backup copies; there while one is made.</summary>
    public string Frozen => $"{Data}/frozen";

    /// <summary>
    /// Held locked by the one process that has the project open for writing; its text says where it listens.
    /// </summary>
    public string LockFile => $"{Data}/lock";
}
