using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Naru.Core;
using Naru.Core.Files;

namespace Naru.Backup;

/// <summary>
/// AES-256-GCM over chunks, so that a file of any size is read and checked with flat memory. Each file has its own key,
/// derived (HKDF-SHA256) from the key file's 32 bytes, the file's random salt and its name: neither chunks nor files
/// can be swapped, and the last chunk says that it is the last, so that none can be cut off.
/// <code>
///   0   8  magic "NARUENC1"
///   8  16  salt
///  24   …  chunks: up to 1 MiB of ciphertext, then its tag of 16 bytes; at least one chunk
/// </code>
/// A chunk's nonce: one byte that is 1 in the last chunk, three zeros, the chunk's number as u64 big endian.
/// </summary>
internal sealed class BackupCipher(byte[] key)
{
    public const int KeyBytes = 32;
    private const int ChunkBytes = 1 << 20;
    private const int TagBytes = 16;
    private const int SaltBytes = 16;
    private const int HeaderBytes = 24;
    private const int NonceBytes = 12;

    private readonly byte[] _nameKey =
        HKDF.DeriveKey(HashAlgorithmName.SHA256, key, KeyBytes, info: "naru backup names"u8.ToArray());

    private static ReadOnlySpan<byte> Magic => "NARUENC1"u8;

    /// <summary>
    /// The key in a file of 64 hexadecimal digits. Throws <see cref="StorageException"/> with the mend when there is
    /// none.
    /// </summary>
    public static BackupCipher ReadKeyFile(IFileSystem files, string path)
    {
        string text = Encoding.UTF8.GetString(WholeFile.Read(files, path, 4096)
            ?? throw new StorageException(
                StorageFault.NotFound, $"there is no key file \"{path}\": `naru backup key {path}` makes one")).Trim();
        return text.Length == 2 * KeyBytes && text.All(char.IsAsciiHexDigit)
            ? new BackupCipher(Convert.FromHexString(text))
            : throw new StorageException(
                StorageFault.Corrupt,
                $"\"{path}\" is no key file: it holds no 64 hexadecimal digits; `naru backup key FILE` makes one");
    }

    /// <summary>Makes a key file that only its owner may read; never replaces one.</summary>
    public static void MakeKeyFile(IFileSystem files, string path)
    {
        string full = Path.GetFullPath(path);
        using (IFile file = files.Open(full, FileOpen.CreateNew))
        {
            files.MakePrivate(full);
            string text = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(KeyBytes)) + "\n";
            file.Write(Encoding.UTF8.GetBytes(text), 0);
            file.SyncData();
        }

        files.SyncDirectory(Path.GetDirectoryName(full)!);
    }

    public static long LengthOf(long bytes) =>
        HeaderBytes + bytes + (TagBytes * Math.Max(1, (bytes + ChunkBytes - 1) / ChunkBytes));

    /// <summary>A name that says nothing of the content to those without the key.</summary>
    public string NameOf(string sha256) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(_nameKey, Encoding.UTF8.GetBytes(sha256)));

    /// <summary>Writes the encrypted form of the first bytes of a file.</summary>
    public void Encrypt(IFile from, long bytes, IFile to, string name)
    {
        byte[] header = new byte[HeaderBytes];
        Magic.CopyTo(header);
        RandomNumberGenerator.Fill(header.AsSpan(Magic.Length));
        to.Write(header, 0);
        using AesGcm aes = FileCipher(header, name);
        byte[] plain = new byte[(int)Math.Min(ChunkBytes, bytes)];
        byte[] chunk = new byte[plain.Length + TagBytes];
        Span<byte> nonce = stackalloc byte[NonceBytes];
        long at = 0;
        long position = HeaderBytes;
        for (long number = 0; number == 0 || at < bytes; number++)
        {
            int count = (int)Math.Min(plain.Length, bytes - at);
            int read = from.Read(plain.AsSpan(0, count), at);
            Invariant.Hold(read == count);
            at += count;
            Nonce(nonce, number, last: at == bytes);
            aes.Encrypt(nonce, plain.AsSpan(0, count), chunk.AsSpan(0, count), chunk.AsSpan(count, TagBytes));
            to.Write(chunk.AsSpan(0, count + TagBytes), position);
            position += count + TagBytes;
        }

        Invariant.Hold(position == LengthOf(bytes));
    }

    /// <summary>Gives the plain bytes piece by piece; throws when any is not what was written with this key.</summary>
    public void Decrypt(IFile from, string name, Action<ReadOnlyMemory<byte>> take)
    {
        byte[] header = new byte[HeaderBytes];
        if (from.Read(header, 0) < HeaderBytes || !header.AsSpan().StartsWith(Magic))
        {
            throw Damaged(from);
        }

        using AesGcm aes = FileCipher(header, name);
        byte[] chunk = new byte[ChunkBytes + TagBytes];
        byte[] plain = new byte[ChunkBytes];
        byte[] nonce = new byte[NonceBytes];
        long length = from.Length;
        long position = HeaderBytes;
        for (long number = 0; number == 0 || position < length; number++)
        {
            int read = from.Read(chunk, position);
            position += read;
            int count = read - TagBytes;
            if (count < 0)
            {
                throw Damaged(from);
            }

            Nonce(nonce, number, last: position == length);
            try
            {
                aes.Decrypt(nonce, chunk.AsSpan(0, count), chunk.AsSpan(count, TagBytes), plain.AsSpan(0, count));
            }
            catch (AuthenticationTagMismatchException)
            {
                throw Damaged(from);
            }

            take(plain.AsMemory(0, count));
        }
    }

    private static void Nonce(Span<byte> nonce, long number, bool last)
    {
        nonce.Clear();
        nonce[0] = last ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt64BigEndian(nonce[4..], number);
    }

    private static StorageException Damaged(IFile file) =>
        new(StorageFault.Corrupt, $"\"{file.Path}\" cannot be decrypted: another key wrote it, or it is damaged");

    private AesGcm FileCipher(byte[] header, string name)
    {
        byte[] fileKey = HKDF.DeriveKey(
            HashAlgorithmName.SHA256, key, KeyBytes, header[^SaltBytes..],
            Encoding.UTF8.GetBytes($"naru backup {name}"));
        return new AesGcm(fileKey, TagBytes);
    }
}
