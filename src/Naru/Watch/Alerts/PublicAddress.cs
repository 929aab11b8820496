using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Naru.Watch.Alerts;

/// <summary>
/// Which addresses are on the public internet. A webhook's address comes from files that many may edit, so it must not
/// reach what only this machine can: itself, its network, a cloud's metadata (RFC 6890 and IANA's special registries).
/// </summary>
internal static class PublicAddress
{
    private static readonly (uint Network, int Bits)[] Special4 =
    [
        (0x00000000, 8), (0x0A000000, 8), (0x64400000, 10), (0x7F000000, 8), (0xA9FE0000, 16), (0xAC100000, 12),
        (0xC0000000, 24), (0xC0000200, 24), (0xC0586300, 24), (0xC0A80000, 16), (0xC6120000, 15), (0xC6336400, 24),
        (0xCB007100, 24), (0xE0000000, 4), (0xF0000000, 4),
    ];

    public static bool Is(IPAddress address)
    {
        if (address.AddressFamily == AddressFamily.InterNetwork)
        {
            return IsPublic4(address);
        }

        if (address.AddressFamily != AddressFamily.InterNetworkV6)
        {
            return false;
        }

        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        return Embedded4(bytes) is { } embedded ? IsPublic4(embedded) : IsPublic6(bytes);
    }

    private static bool IsPublic4(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[4];
        address.TryWriteBytes(bytes, out _);
        uint value = BinaryPrimitives.ReadUInt32BigEndian(bytes);
        foreach ((uint network, int bits) in Special4)
        {
            if ((value ^ network) >> (32 - bits) == 0)
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>
    /// The IPv4 address within: mapped and compatible (::/96), NAT64 (64:ff9b::/96), 6to4 (2002::/16).
    /// </summary>
    private static IPAddress? Embedded4(ReadOnlySpan<byte> bytes)
    {
        bool zeros = bytes[..10].IndexOfAnyExcept((byte)0) < 0;
        bool mapped = zeros && ((bytes[10] == 0xFF && bytes[11] == 0xFF) || (bytes[10] == 0 && bytes[11] == 0));
        ReadOnlySpan<byte> nat64 = [0x00, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0];
        if (mapped || bytes.StartsWith(nat64))
        {
            return new IPAddress(bytes[12..]);
        }

        return bytes[0] == 0x20 && bytes[1] == 0x02 ? new IPAddress(bytes[2..6]) : null;
    }

    /// <summary>Global unicast is 2000::/3; within it Teredo, benchmarking and documentation are not.</summary>
    private static bool IsPublic6(ReadOnlySpan<byte> bytes)
    {
        bool unicast = (bytes[0] & 0xE0) == 0x20;
        bool special = bytes[0] == 0x20 && bytes[1] == 0x01
            && ((bytes[2] & 0xFE) == 0 || (bytes[2] == 0x0D && bytes[3] == 0xB8));
        bool documentation = bytes[0] == 0x3F && bytes[1] == 0xFF && (bytes[2] & 0xF0) == 0;
        return unicast && !special && !documentation;
    }
}
