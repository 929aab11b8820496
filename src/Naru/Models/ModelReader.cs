using Naru.Access;

namespace Naru.Models;

/// <summary>
/// Who models read as: every table, but no secure or raw group. What is sensitive would lie open in a model's table.
/// </summary>
internal static class ModelReader
{
    /// <param name="model">Its name, which the history of queries and the trail show.</param>
    /// <param name="ticket">Whose budget its queries use up.</param>
    public static Principal Of(string model, string? ticket) => new()
    {
        Name = $"model {model}",
        Kind = PrincipalKind.Open,
        Read = ["*"],
        Administer = true,
        Ticket = ticket,
    };
}
