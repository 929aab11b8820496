namespace Naru.Sim.Disk;

/// <summary>
/// A file's bytes twice: as the page cache shows them, and as the platters hold them. Sectors written since the last
/// sync are dirty. A sector is written whole or torn behind a point; bytes that do not change are never lost by a tear.
/// </summary>
internal sealed class SimulatedInode
{
    public const int SectorBytes = 512;
    private byte[] _cache = [];
    private byte[] _disk = [];
    private ulong[] _dirty = [];
    private int _diskLength;

    public int Length { get; private set; }

    public int Read(Span<byte> buffer, long offset)
    {
        int count = (int)Math.Clamp(Length - offset, 0, buffer.Length);
        if (count > 0)
        {
            _cache.AsSpan((int)offset, count).CopyTo(buffer);
        }

        return count;
    }

    public void Write(ReadOnlySpan<byte> bytes, long offset)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        int start = checked((int)offset);
        int end = start + bytes.Length;
        Grow(end);
        bytes.CopyTo(_cache.AsSpan(start));
        Length = Math.Max(Length, end);
        Mark(start, end);
    }

    public void SetLength(long length)
    {
        int to = checked((int)length);
        Grow(to);
        if (to < Length)
        {
            _cache.AsSpan(to, Length - to).Clear();
        }

        Mark(Math.Min(to, Length), Math.Max(to, Length));
        Length = to;
    }

    /// <summary>Everything in the cache is on the disk.</summary>
    public void Sync()
    {
        for (int sector = 0; sector < _dirty.Length * 64; sector++)
        {
            if (IsDirty(sector))
            {
                Persist(sector, SectorBytes);
            }
        }

        _dirty.AsSpan().Clear();
        _diskLength = Length;
    }

    /// <summary>The kernel wrote some of it by itself.</summary>
    public void WriteBack(Random random)
    {
        int last = LastDirty();
        if (last >= 0)
        {
            int sector = random.Next(last + 1);
            if (IsDirty(sector))
            {
                Persist(sector, SectorBytes);
                _diskLength = Math.Max(_diskLength, Math.Min(Length, (sector + 1) * SectorBytes));
            }
        }
    }

    /// <summary>
    /// A sync failed: some sectors are on the disk, the others are not and yet are clean from now on, so that no later
    /// sync writes them. The cache may go on showing them, or drop them and show what the disk has.
    /// </summary>
    public void FailSync(Random random, FaultCounts counts)
    {
        bool isEvicted = random.Next(2) == 0;
        for (int sector = 0; sector <= LastDirty(); sector++)
        {
            if (!IsDirty(sector))
            {
                continue;
            }

            if (random.Next(2) == 0)
            {
                Persist(sector, SectorBytes);
            }
            else
            {
                counts.Effect("pages marked clean");
                if (isEvicted)
                {
                    Evict(sector);
                }
            }
        }

        _dirty.AsSpan().Clear();
        _diskLength = random.Next(2) == 0 ? Length : _diskLength;
    }

    /// <summary>The power went: the cache becomes what the disk has, by chance, for each dirty sector.</summary>
    public void Cut(Random random, FaultCounts counts)
    {
        int last = LastDirty();
        if (last >= 0 || Length != _diskLength)
        {
            CutSectors(random, counts, last);
            CutLength(random, counts);
            _dirty.AsSpan().Clear();
        }

        Length = _diskLength;
        Grow(Length);
        GrowDisk(Length);
        _cache.AsSpan().Clear();
        _disk.AsSpan(0, Length).CopyTo(_cache);
    }

    private void CutSectors(Random random, FaultCounts counts, int last)
    {
        int whole = random.Next(4);
        int group = random.Next(2) == 0 ? 1 : 8;
        int prefix = random.Next(last + 2);
        int fate = 0;
        for (int sector = 0; sector <= last; sector++)
        {
            if (sector % group == 0)
            {
                fate = random.Next(10);
            }

            if (!IsDirty(sector))
            {
                continue;
            }

            int now = whole switch { 0 => fate, 1 => sector < prefix ? 0 : 9, 2 => 9, _ => 0 };
            if (now < 5)
            {
                counts.Effect("sectors kept");
                Persist(sector, SectorBytes);
            }
            else if (now == 5)
            {
                counts.Effect("sectors torn");
                Persist(sector, random.Next(SectorBytes));
            }
            else if (now == 6 && sector * SectorBytes >= _diskLength)
            {
                counts.Effect("sectors zeroed");
                GrowDisk((sector + 1) * SectorBytes);
                _disk.AsSpan(sector * SectorBytes, SectorBytes).Clear();
            }
            else
            {
                counts.Effect("sectors dropped");
            }
        }
    }

    private void CutLength(Random random, FaultCounts counts)
    {
        if (Length != _diskLength && random.Next(5) is var choice && choice < 4)
        {
            int from = Math.Min(Length, _diskLength);
            int to = Math.Max(Length, _diskLength);
            int length = choice < 3 ? Length : random.Next(from, to + 1);
            if (length < _diskLength)
            {
                _disk.AsSpan(length, Math.Min(_disk.Length, _diskLength) - length).Clear();
            }

            _diskLength = length;
        }
        else if (Length != _diskLength)
        {
            counts.Effect("lengths dropped");
        }

        GrowDisk(_diskLength);
        _disk.AsSpan(_diskLength).Clear();
    }

    private void Persist(int sector, int bytes)
    {
        int start = sector * SectorBytes;
        GrowDisk(start + SectorBytes);
        int count = Math.Min(bytes, _cache.Length - start);
        if (count > 0)
        {
            _cache.AsSpan(start, count).CopyTo(_disk.AsSpan(start));
        }
    }

    private void Evict(int sector)
    {
        int start = sector * SectorBytes;
        int count = Math.Clamp(_cache.Length - start, 0, SectorBytes);
        int known = Math.Clamp(_disk.Length - start, 0, count);
        if (count > 0)
        {
            _cache.AsSpan(start, count).Clear();
        }

        if (known > 0)
        {
            _disk.AsSpan(start, known).CopyTo(_cache.AsSpan(start));
        }
    }

    private bool IsDirty(int sector) => (_dirty[sector >> 6] & (1UL << (sector & 63))) != 0;

    private int LastDirty()
    {
        for (int i = _dirty.Length - 1; i >= 0; i--)
        {
            if (_dirty[i] != 0)
            {
                return (i * 64) + 63 - System.Numerics.BitOperations.LeadingZeroCount(_dirty[i]);
            }
        }

        return -1;
    }

    private void Mark(int start, int end)
    {
        int last = Math.Max(start, end - 1) / SectorBytes;
        if (_dirty.Length <= last >> 6)
        {
            Array.Resize(ref _dirty, (last >> 6) + 1);
        }

        for (int sector = start / SectorBytes; sector <= last; sector++)
        {
            _dirty[sector >> 6] |= 1UL << (sector & 63);
        }
    }

    private void Grow(int length)
    {
        if (_cache.Length < length)
        {
            Array.Resize(ref _cache, Math.Max(Round(length), _cache.Length * 2));
        }
    }

    private void GrowDisk(int length)
    {
        if (_disk.Length < length)
        {
            Array.Resize(ref _disk, Math.Max(Round(length), _disk.Length * 2));
        }
    }

    private static int Round(int length) => (length + SectorBytes - 1) / SectorBytes * SectorBytes;
}
