using System.Collections.Immutable;
using System.Net;
using System.Text;
using Naru.Access;
using Naru.Core.Files;
using Naru.Lake.Catalog;

namespace Naru.Tests.Access;

public sealed class KeyStoreTests : IDisposable
{
    private static readonly IPAddress Far = IPAddress.Parse("203.0.113.7");

    private readonly string _folder = Directory.CreateTempSubdirectory("naru-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private KeyStore Open() => KeyStore.Open(new PosixFileSystem(), _folder, TimeProvider.System);

    private static KeyRights Write(params string[] patterns) => new() { Write = [.. patterns] };

    [Fact]
    public void Loopback_may_everything_until_the_first_key_is_made()
    {
        KeyStore keys = Open();
        Assert.Same(Principal.Open, keys.Authenticate(null, IPAddress.Loopback));
        Assert.Same(Principal.Open, keys.Authenticate(null, IPAddress.IPv6Loopback));
        Assert.Null(keys.Authenticate(null, Far));
        Assert.Null(keys.Authenticate(null, null));
        NewKey key = keys.Add("shop", Write("*"), "local");
        Assert.Null(keys.Authenticate(null, IPAddress.Loopback));
        keys.Revoke(key.About.Id, "local");
        Assert.Null(keys.Authenticate(null, IPAddress.Loopback));
        Assert.Null(Open().Authenticate(null, IPAddress.Loopback));
    }

    [Fact]
    public void A_key_opens_what_its_patterns_name_as_bearer_and_as_password()
    {
        KeyStore keys = Open();
        KeyRights rights = new()
        {
            Write = ["kr_shop.*"], Read = ["kr_shop.page_view", "naru.*"], Secure = ["kr_shop.page_view"],
        };
        string key = keys.Add("shop-web", rights, "local").Key;
        string basic = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes("anyone:" + key));
        foreach (string header in new[] { "Bearer " + key, "bearer " + key, basic, "Bearer " + key })
        {
            Principal? principal = keys.Authenticate(header, Far);
            Assert.NotNull(principal);
            Assert.Equal("shop-web", principal.Name);
            Assert.True(principal.MayWrite("kr_shop.order"));
            Assert.False(principal.MayWrite("kr_shopping.order"));
            Assert.True(principal.MayRead(new TableName("kr_shop", "page_view", ColumnGroup.Secure)));
            Assert.False(principal.MayRead(new TableName("kr_shop", "order")));
            Assert.True(principal.MayRead(new TableName("naru", "logs")));
            Assert.False(principal.Administer);
        }
    }

    [Fact]
    public void Wrong_unknown_revoked_and_malformed_keys_are_all_refused_alike()
    {
        KeyStore keys = Open();
        NewKey key = keys.Add("shop", Write("*"), "local");
        NewKey ended = keys.Add("shop", Write("*"), "local");
        Assert.NotNull(keys.Authenticate("Bearer " + ended.Key, Far));
        keys.Revoke(ended.About.Id, "local");
        string last = key.Key[^1] == 'a' ? "b" : "a";
        string[] bad =
        [
            "Bearer " + ended.Key, "Bearer " + key.Key[..^1] + last, "Bearer " + key.Key + "a",
            "Bearer nk_aaaaaaaaaa_" + new string('a', 52),
            "Bearer",
            "Bearer ",
            "Bearer nk_",
            "Bearer nk__",
            "Bearer nk_a_",
            "Bearer " + new string('x', 5000),
            "Basic",
            "Basic !!!",
            "Basic " + Convert.ToBase64String("nocolon"u8), "Basic " + new string('é', 300),
            "Digest " + key.Key, key.Key,
            "Bearer nk_local_x", "Bearer nk_\ud800_\ud800",
        ];
        Assert.All(bad, header => Assert.Null(keys.Authenticate(header, IPAddress.Loopback)));
        Assert.NotNull(keys.Authenticate("Bearer " + key.Key, Far));
    }

    [Fact]
    public void Keys_survive_a_restart_and_the_file_never_holds_a_secret()
    {
        KeyStore keys = Open();
        NewKey key = keys.Add("shop", Write("kr_shop.*"), "local");
        NewKey other = keys.Add("shop", Write("*"), "local");
        keys.Revoke(other.About.Id, "local");
        KeyStore again = Open();
        Assert.NotNull(again.Authenticate("Bearer " + key.Key, Far));
        Assert.Null(again.Authenticate("Bearer " + other.Key, Far));
        string secret = key.Key.Split('_')[2];
        foreach (string file in Directory.GetFiles(_folder))
        {
            Assert.DoesNotContain(secret, File.ReadAllText(file), StringComparison.Ordinal);
            if (!OperatingSystem.IsWindows())
            {
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));
            }
        }
    }

    [Fact]
    public void Two_keys_of_one_source_overlap_while_they_are_exchanged()
    {
        KeyStore keys = Open();
        NewKey first = keys.Add("shop", Write("*"), "local");
        NewKey second = keys.Add("shop", Write("*"), "local");
        Assert.Equal("shop", keys.Authenticate("Bearer " + first.Key, Far)!.Name);
        Assert.Equal("shop", keys.Authenticate("Bearer " + second.Key, Far)!.Name);
        keys.Revoke(first.About.Id, "local");
        Assert.Null(keys.Authenticate("Bearer " + first.Key, Far));
        Assert.NotNull(keys.Authenticate("Bearer " + second.Key, Far));
    }

    [Fact]
    public void A_header_seen_before_costs_no_allocation()
    {
        KeyStore keys = Open();
        string header = "Bearer " + keys.Add("shop", Write("*"), "local").Key;
        for (int i = 0; i < 100; i++)
        {
            keys.Authenticate(header, Far);
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            keys.Authenticate(header, Far);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void The_local_key_works_from_loopback_only_and_until_the_next_start()
    {
        KeyStore keys = Open();
        keys.Add("shop", Write("*"), "local");
        keys.MakeLocalKey();
        string header = "Bearer " + KeyStore.ReadLocalKey(new PosixFileSystem(), _folder);
        Assert.True(keys.Authenticate(header, IPAddress.Loopback)!.Administer);
        Assert.Null(keys.Authenticate(header, Far));
        Assert.Null(keys.Authenticate(header[..^1], IPAddress.Loopback));
        keys.MakeLocalKey();
        Assert.Null(keys.Authenticate(header, IPAddress.Loopback));
    }

    [Fact]
    public void Lost_or_damaged_keys_stop_the_start_instead_of_opening_the_project()
    {
        Open().Add("shop", Write("*"), "local");
        string path = Path.Combine(_folder, "keys.json");
        byte[] bytes = File.ReadAllBytes(path);
        File.Delete(path);
        Assert.Contains("is gone", Assert.Throws<StorageException>(Open).Message, StringComparison.Ordinal);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);
        Assert.Equal(StorageFault.Corrupt, Assert.Throws<StorageException>(Open).Fault);
    }

    [Fact]
    public void A_restored_file_is_taken_up_while_running()
    {
        KeyStore keys = Open();
        NewKey key = keys.Add("shop", Write("*"), "local");
        string path = Path.Combine(_folder, "keys.json");
        byte[] before = File.ReadAllBytes(path);
        keys.Revoke(key.About.Id, "local");
        Assert.False(keys.Reload());
        File.WriteAllBytes(path, before);
        Assert.True(keys.Reload());
        Assert.NotNull(keys.Authenticate("Bearer " + key.Key, Far));
    }

    [Fact]
    public void The_hour_of_last_use_is_kept()
    {
        KeyStore keys = Open();
        NewKey key = keys.Add("shop", Write("*"), "local");
        Assert.Null(keys.List().Single().LastUsedAt);
        keys.Authenticate("Bearer " + key.Key, Far);
        keys.SaveUsed();
        DateTimeOffset used = Open().List().Single().LastUsedAt!.Value;
        Assert.Equal((0, 0), (used.Minute, used.Second));
        Assert.InRange(TimeProvider.System.GetUtcNow() - used, TimeSpan.Zero, TimeSpan.FromMinutes(61));
    }

    [Fact]
    public void Every_change_of_keys_is_in_the_audit_trail_and_a_changed_byte_shows()
    {
        KeyStore keys = Open();
        NewKey key = keys.Add("shop", Write("kr_shop.*"), "admin-laptop");
        Open().Revoke(key.About.Id, "local");
        PosixFileSystem files = new();
        IReadOnlyList<AuditEntry> entries = AuditTrail.Read(files, _folder);
        Assert.Equal(
            ["key.add by admin-laptop", "key.revoke by local"],
            entries.Select(static entry => $"{entry.What} by {entry.Who}"));
        Assert.Equal("kr_shop.*", entries[0].Detail["write"]);
        string path = Path.Combine(_folder, "audit.jsonl");
        byte[] bytes = File.ReadAllBytes(path);
        for (int i = 0; i < bytes.Length - 1; i++)
        {
            byte[] flipped = [.. bytes];
            flipped[i] ^= 1;
            File.WriteAllBytes(path, flipped);
            Assert.Throws<StorageException>(() => AuditTrail.Read(files, _folder));
        }

        File.WriteAllBytes(path, [.. bytes.SkipWhile(static b => b != '\n').Skip(1)]);
        Assert.Throws<StorageException>(() => AuditTrail.Read(files, _folder));
        File.WriteAllBytes(path, [.. bytes, .. "{\"number\":3,"u8]);
        AuditTrail torn = AuditTrail.Open(files, _folder, TimeProvider.System);
        torn.Append("local", "key.add", ImmutableSortedDictionary<string, string>.Empty);
        Assert.Equal(3, AuditTrail.Read(files, _folder).Count);
    }

    [Fact]
    public void What_a_key_may_be_called_and_allowed_is_told_all_at_once()
    {
        KeyRights rights = new() { Write = ["kr_shop", "KR.*", "*.order"], Read = ["a.b.c"] };
        Assert.Equal(5, KeyRules.Check("Shop Web", rights).Count);
        Assert.Empty(KeyRules.Check("shop-web.2", new KeyRights { Read = ["*", "kr_shop.*", "kr_shop.order"] }));
        Assert.Single(KeyRules.Check("shop", new KeyRights()));
        Assert.Single(KeyRules.Check("local", new KeyRights { Administer = true }));
    }
}
