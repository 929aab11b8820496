using System.Collections.Immutable;
using System.Text.Json.Serialization;
using Naru.Stream.Landing;
using Naru.Stream.Tiers;

namespace Naru.Stream;

/// <summary>Source-generated JSON of what the stream persists.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(LandingRecord))]
[JsonSerializable(typeof(ImmutableArray<Expiry>))]
[JsonSerializable(typeof(ImmutableArray<TierPin>))]
internal sealed partial class StreamJson : JsonSerializerContext;
