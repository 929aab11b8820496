using System.Net;
using Naru.Access;
using Naru.Core.Files;
using Naru.Sim;

namespace Naru.Tests.Access;

/// <summary>Passwords, the patience with wrong ones, and the lines of `access/users.yaml`.</summary>
public class UserTests
{
    [Fact]
    public void A_hash_is_that_of_the_standard_and_nobodys_fits_nothing()
    {
        // PBKDF2-HMAC-SHA256 of "password" with "salt", one round: draft-josefsson-scrypt-kdf and others.
        const string Known = "pbkdf2-sha256$1$c2FsdA==$Eg+2z/z4syxD5yJSVsT4N6hlSMkszDVICAWYfLcL4Xs=";
        Assert.True(PasswordHash.Verify("password", Known));
        Assert.False(PasswordHash.Verify("passwore", Known));
        Assert.False(PasswordHash.Verify("", PasswordHash.Nobody));
        string made = PasswordHash.Make("오늘의 비밀");
        Assert.StartsWith("pbkdf2-sha256$600000$", made, StringComparison.Ordinal);
        Assert.True(PasswordHash.Verify("오늘의 비밀", made));
        string[] generated = [.. Enumerable.Range(0, 100).Select(static _ => PasswordHash.Generate())];
        Assert.Equal(100, generated.Distinct().Count());
        Assert.All(generated, static text => Assert.Matches("^[a-z2-9]{5}(-[a-z2-9]{5}){3}$", text));
    }

    [Fact]
    public void Waits_double_for_the_pair_and_end_with_time_or_success()
    {
        ManualTimeProvider time = new();
        SignInGuard guard = new(time);
        IPAddress here = IPAddress.Parse("192.0.2.1");
        List<double> waits = [];
        for (int i = 0; i < 18; i++)
        {
            guard.Failed("kim", here);
            waits.Add(guard.WaitOf("kim", here).TotalSeconds);
        }

        Assert.Equal([0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900], waits);
        Assert.Equal(TimeSpan.Zero, guard.WaitOf("lee", here));
        Assert.Equal(TimeSpan.Zero, guard.WaitOf("kim", IPAddress.Parse("192.0.2.2")));
        time.Advance(TimeSpan.FromMinutes(16));
        Assert.Equal(TimeSpan.Zero, guard.WaitOf("kim", here));
        guard.Failed("kim", here);
        Assert.Equal(TimeSpan.Zero, guard.WaitOf("kim", here));
    }

    [Fact]
    public void Many_names_from_one_address_and_many_addresses_for_one_name_wait_as_well()
    {
        SignInGuard guard = new(new ManualTimeProvider());
        IPAddress here = IPAddress.Parse("192.0.2.1");
        for (int i = 0; i < 40; i++)
        {
            guard.Failed($"user{i}", here);
        }

        Assert.True(guard.WaitOf("another", here) > TimeSpan.Zero);
        for (int i = 0; i < 110; i++)
        {
            guard.Failed("kim", IPAddress.Parse($"198.51.100.{i}"));
        }

        Assert.True(guard.WaitOf("kim", IPAddress.Parse("198.51.100.200")) > TimeSpan.Zero);
    }

    [Fact]
    public void A_users_line_is_added_and_taken_away_and_no_other_is_touched()
    {
        UserDefinition kim = new() { Name = "kim", Roles = ["analyst", "seller"], File = "" };
        UserDefinition lee = new()
        {
            Name = "lee@shop.kr",
            Roles = ["analyst"],
            From = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero),
            Until = new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero),
            Description = "says \"hello\"",
            File = "",
        };
        string one = UserFile.With(null, kim)!;
        string two = UserFile.With(one, lee)!;
        Assert.Equal(
            """
            # `naru user add` writes here; edit it as you like.
            users:
              kim: {roles: [analyst, seller]}
              "lee@shop.kr": {roles: [analyst], from: 2026-01-01, until: 2027-01-01, description: "says \"hello\""}

            """,
            two);
        Assert.Equal(one, UserFile.Without(two, "lee@shop.kr"));
        Assert.Equal(two.Replace("  kim: {roles: [analyst, seller]}\n", "", StringComparison.Ordinal),
            UserFile.Without(two, "kim"));
        Assert.Null(UserFile.Without(two, "park"));
        const string Block = "users:\n    a:\n      roles: [x]\n    # of b\n    b: {roles: [x]}\n";
        Assert.Equal("users:\n    # of b\n    b: {roles: [x]}\n", UserFile.Without(Block, "a"));
        Assert.Equal(Block + "    kim: {roles: [analyst, seller]}\n", UserFile.With(Block, kim));
        Assert.Null(UserFile.With("users: {a: {roles: [x]}}\n", kim));
        Assert.Null(UserFile.With("users:\n  a: {roles: [x]}\nroles:\n  x: {read: [y.*]}\n", kim));
    }

    [Fact]
    public void Lost_passwords_refuse_the_start_and_a_restored_file_is_taken_up()
    {
        string folder = Directory.CreateTempSubdirectory("naru-users-").FullName;
        try
        {
            PosixFileSystem files = new();
            UserStore users = Open();
            string password = users.Generate("kim", "test");
            byte[] kept = File.ReadAllBytes($"{folder}/users.json");
            Assert.True(PasswordHash.Verify(password, Open().Find("kim")!.Hash));
            Assert.True(users.Remove("kim", "test"));
            Assert.Null(users.Find("kim"));
            File.WriteAllBytes($"{folder}/users.json", kept);
            Assert.True(users.Reload());
            Assert.NotNull(users.Find("kim"));
            Assert.False(users.Reload());
            File.Delete($"{folder}/users.json");
            Assert.Throws<StorageException>(Open);

            UserStore Open() => UserStore.Open(
                files, folder, TimeProvider.System, AuditTrail.Open(files, folder, TimeProvider.System));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
