using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Naru.Configuration;
using Naru.Connections;
using Naru.Models;

namespace Naru.Exports.Http;

/// <summary>A service that takes batches of rows.</summary>
internal sealed record HttpTargetDefinition : TargetDefinition
{
    /// <summary>An address, or a reference to one that is secret.</summary>
    public required string Url { get; init; }

    /// <summary>A reference to what batches are signed with; empty for none.</summary>
    public string Secret { get; init; } = "";

    /// <summary>A reference to a bearer token; empty for none.</summary>
    public string Token { get; init; } = "";

    /// <summary>Lines of JSON, not one object.</summary>
    public bool Lines { get; init; }

    public int BatchRows { get; init; }

    public TimeSpan Timeout { get; init; }

    public int Tries { get; init; }

    /// <summary>Of an address, without what may be secret in it.</summary>
    public override string Place => Uri.TryCreate(Url, UriKind.Absolute, out Uri? uri) && IsAddress(Url)
        ? uri.GetComponents(UriComponents.SchemeAndServer | UriComponents.Path, UriFormat.UriEscaped) : Url;

    public override string Fingerprint => $"{Kind} {Url}";

    public static bool IsAddress(string url) =>
        url.StartsWith("http://", StringComparison.Ordinal) || url.StartsWith("https://", StringComparison.Ordinal);
}

/// <summary>`kind: http`.</summary>
internal sealed class HttpTargetKind : ITargetKind
{
    public string Name => "http";

    public ImmutableArray<ExportMode> Modes { get; } = [ExportMode.Append, ExportMode.Upsert, ExportMode.Mirror];

    public ImmutableArray<string> Keys { get; } =
        ["url", "secret", "token", "format", "batch_rows", "timeout", "tries"];

    public TargetDefinition Read(ConnectionReader reader)
    {
        string url = reader.Yaml.RequiredText("url", "write the address that batches are posted to") ?? "";
        if (HttpTargetDefinition.IsAddress(url))
        {
            if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.UserInfo.Length > 0 || uri.Query.Length > 0)
            {
                reader.Yaml.Mistake(
                    reader.Yaml.Find("url")!,
                    "'url' is no plain address",
                    "an address with a user or a query in it goes to env:NAME or file:PATH");
            }
        }
        else if (url.Length > 0)
        {
            url = reader.Secret("url");
        }

        return new HttpTargetDefinition
        {
            Kind = Name,
            Url = url,
            Secret = reader.Secret("secret"),
            Token = reader.Secret("token"),
            Lines = reader.Yaml.Word("format", "json", "ndjson") == "ndjson",
            BatchRows = (int)reader.Number("batch_rows", 1, 100_000, 1_000),
            Timeout = reader.Duration("timeout", TimeSpan.FromMinutes(10)) ?? TimeSpan.FromSeconds(30),
            Tries = (int)reader.Number("tries", 1, 20, 6),
        };
    }

    public IExportTarget Open(TargetDefinition target, TargetTools tools)
    {
        HttpTargetDefinition to = (HttpTargetDefinition)target;
        string address = HttpTargetDefinition.IsAddress(to.Url) ? to.Url : Reveal(to.Url, "address", tools);
        if (!Uri.TryCreate(address, UriKind.Absolute, out Uri? uri) || uri.Scheme is not ("http" or "https"))
        {
            throw new FillException("the target's address is no http or https address");
        }

        string? token = to.Token.Length == 0 ? null : Reveal(to.Token, "token", tools);
        byte[]? secret = to.Secret.Length == 0 ? null : Encoding.UTF8.GetBytes(Reveal(to.Secret, "secret", tools));
        return new HttpTarget(to, new HttpSecrets(uri, token, secret), tools);
    }

    private static string Reveal(string reference, string what, TargetTools tools) =>
        SecretReference.Read(reference, tools.Files, tools.Root, out string problem)
            ?? throw new FillException(string.Create(
                CultureInfo.InvariantCulture, $"the {what} of the target is not known: {problem}"));
}

/// <summary>What is not to be shown.</summary>
internal sealed class HttpSecrets(Uri address, string? token, byte[]? secret)
{
    public Uri Address => address;

    public string? Token => token;

    public byte[]? Secret => secret;
}
