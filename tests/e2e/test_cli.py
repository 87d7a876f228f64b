"""The commands and settings: what they print, where values come from, and how mistakes are told."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest

from harness import Hub
from harness.identity import Identity
from harness.paths import PROJECT, SERVER

KEY = "k1:MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
TIMEOUT_S = 30


class CommandCase(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="crossdock-e2e-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)

    def run_command(self, *arguments: str, **settings: str) -> subprocess.CompletedProcess:
        """In an empty directory, with these settings as the only ones of the environment."""
        inherited = {name: value for name, value in os.environ.items()
                     if not name.startswith(("CROSSDOCK_", "WEBHOOK_", "INTEGRATION_", "LOG_"))}
        return subprocess.run([SERVER, *arguments], env=inherited | settings, cwd=self.directory, text=True,
                              capture_output=True, timeout=TIMEOUT_S, check=False)

    def succeed(self, *arguments: str, **settings: str) -> str:
        ended = self.run_command(*arguments, **settings)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def fail_with(self, status: int, *arguments: str, **settings: str) -> str:
        ended = self.run_command(*arguments, **settings)
        self.assertEqual(ended.returncode, status, ended.stdout + ended.stderr)
        return ended.stderr


class CommandLine(CommandCase):
    def test_help_and_version(self):
        self.assertRegex(self.succeed("--version"), r"^crossdock \d+\.\d+\.\d+\n$")
        for words in (["--help"], ["serve", "--help"], ["config", "show", "--help"]):
            self.assertIn("Usage", self.succeed(*words))

    def test_help_tells_the_exit_status(self):
        for words in (["--help"], ["listen", "--help"], ["trigger", "--help"],
                      ["deliveries", "list", "--help"],
                      ["signature", "verify", "--help"], ["signature", "sign", "--help"]):
            with self.subTest(words=words):
                self.assertRegex(self.succeed(*words), r"Exit status: 0 .*, 1 .*, 2 wrong usage")

    def test_a_mistyped_word_gets_the_one_that_is_near(self):
        for words, meant in ((["serv"], "'serve'"), (["lsiten"], "'listen'"),
                             (["keys", "genrate"], "'generate'"), (["deliveries", "lst"], "'list'"),
                             (["signature", "verfy"], "'verify'"),
                             (["serve", "--lisen", "x"], "--listen"),
                             (["trigger", "a", "--tenat=b"], "--tenant")):
            with self.subTest(words=words):
                self.assertIn(f"did you mean {meant}?", self.fail_with(2, *words))
        self.assertNotIn("did you mean", self.fail_with(2, "nonsense"))
        self.assertIn("crossdock --help", self.fail_with(2, "nonsense"))

    def test_output_that_cannot_be_written_is_an_error(self):
        reader, writer = os.pipe()
        os.close(reader)
        full = os.open("/dev/full", os.O_WRONLY)
        for name, output in (("a closed pipe", writer), ("a full disk", full)):
            for words in (["keys", "generate"], ["config", "show"], ["signature", "list"], ["--help"]):
                with self.subTest(output=name, words=words):
                    ended = subprocess.run([SERVER, *words], stdout=output, stderr=subprocess.PIPE, text=True,
                                           cwd=self.directory, timeout=TIMEOUT_S, check=False)
                    self.assertEqual(ended.returncode, 1, ended.stderr)
                    self.assertIn("cannot write the output", ended.stderr)
        os.close(writer)
        os.close(full)

    def test_what_is_not_understood_ends_with_2(self):
        for words in (
            [],
            ["nonsense"],
            ["serve", "--bogus"],
            ["serve", "--data"],
            ["config"],
            ["migrate", "sideways"],
            ["receive", "--status", "many"],
        ):
            with self.subTest(words=words):
                self.assertNotEqual(self.fail_with(2, *words), "")

    def test_a_generated_key_is_new_each_time_and_can_be_used(self):
        first, second = self.succeed("keys", "generate").strip(), self.succeed("keys", "generate").strip()
        self.assertNotEqual(first, second)
        self.assertRegex(first, r"^k1:[A-Za-z0-9+/]{43}=$")
        self.assertTrue(self.succeed("keys", "generate", "--name", "k2025").startswith("k2025:"))
        self.assertIn(
            "pass  encryption key",
            self.succeed(
                "doctor", INTEGRATION_ENCRYPTION_KEY=f"{first},k2{second[2:]}", CROSSDOCK_LISTEN="127.0.0.1:0"
            ),
        )
        self.fail_with(1, "keys", "generate", "--name", "a:b")

    def test_migrations_can_be_applied_and_looked_at(self):
        status = self.succeed("migrate", "status", "--data", "d")
        self.assertIn("missing", status)
        self.assertNotIn("applied", status)

        self.assertRegex(self.succeed("migrate", "--data", "d"), r"^[1-9]\d* migrations applied\n$")
        self.assertEqual(self.succeed("migrate", "up", "--data", "d"), "0 migrations applied\n")
        self.assertNotIn("missing", self.succeed("migrate", "status", "--data", "d"))


class Settings(CommandCase):
    def shown(self, *arguments: str, **settings: str) -> dict[str, tuple[str, str]]:
        """Each setting with its origin and value."""
        lines = self.succeed("config", "show", *arguments, **settings).splitlines()
        rows = [re.fullmatch(r"(\S+) +(\S+) +(.*)", line) for line in lines]
        return {row[1]: (row[2], row[3]) for row in rows}

    def write(self, text: str, name: str = "crossdock.toml") -> None:
        (self.directory / name).write_text(text)

    def test_each_value_is_shown_with_its_origin(self):
        self.write(
            'listen = "127.0.0.1:1"\nwebhook_workers = 2\nlog_level = "warn"\nlog_response_bodies = false\n'
        )
        shown = self.shown("--listen", "127.0.0.1:3", CROSSDOCK_LISTEN="127.0.0.1:2", WEBHOOK_WORKERS="3")

        self.assertEqual(shown["CROSSDOCK_LISTEN"], ("flag", "127.0.0.1:3"))
        self.assertEqual(shown["WEBHOOK_WORKERS"], ("environment", "3"))
        self.assertEqual(shown["CROSSDOCK_LOG_LEVEL"], ("crossdock.toml", "warn"))
        self.assertEqual(shown["LOG_RESPONSE_BODIES"], ("crossdock.toml", "false"))
        self.assertEqual(shown["WEBHOOK_TIMEOUT_SECONDS"], ("default", "30"))
        self.assertEqual(shown["CROSSDOCK_PUBLIC_URL"], ("default", "-"))

    def test_each_stands_in_the_documentation_with_its_default(self):
        text = (PROJECT / "docs" / "operations.md").read_text()
        table = dict(re.findall(r"(?m)^\| `([A-Z_]+)` \| `?([^|`]*?)`? ?\| ",
                                text.split("## Keys of the API")[0]))

        self.assertEqual({name: default.strip() or "-" for name, default in table.items()},
                         {name: value for name, (_, value) in self.shown().items()})

    def test_secrets_are_not_shown(self):
        secrets = {"INTEGRATION_ENCRYPTION_KEY": KEY, "CROSSDOCK_BOOTSTRAP_KEY": "cdk_verysecretverysecret",
                   "CROSSDOCK_DATABASE_URL": "postgresql://user:hidden@db/x"}
        shown = self.shown(**secrets)

        self.assertEqual({shown[name] for name in secrets}, {("environment", "***")})

    def test_a_file_can_be_named(self):
        self.write('webhook_max_retries = 7\n', "other.toml")
        self.assertEqual(self.shown("--config", "other.toml")["WEBHOOK_MAX_RETRIES"], ("crossdock.toml", "7"))
        self.assertIn("missing.toml", self.fail_with(1, "config", "show", "--config", "missing.toml"))

    def test_mistakes_in_the_file_are_named(self):
        for text, said in (
            ("lissten = 1\n", "lissten"),
            ("listen = \n", "line 1"),
            ("listen = [1]\n", "listen"),
        ):
            with self.subTest(text=text):
                self.write(text)
                self.assertIn(said, self.fail_with(1, "config", "show"))

    def test_values_that_cannot_be_are_named_with_their_origin(self):
        for name, value in (("WEBHOOK_TIMEOUT_SECONDS", "0"), ("WEBHOOK_MAX_RETRIES", "many"),
                            ("CROSSDOCK_LISTEN", "8080"), ("CROSSDOCK_LISTEN", "127.0.0.1:99999"),
                            ("CROSSDOCK_LISTEN", "example.com:8080"), ("CROSSDOCK_LISTEN", ":8080"),
                            ("CROSSDOCK_LOG_LEVEL", "loud"), ("CROSSDOCK_LOG_FORMAT", "xml"),
                            ("CROSSDOCK_EGRESS_ALLOW", "10.0.0.1/8"), ("CROSSDOCK_MAX_BODY_BYTES", "1g"),
                            ("CROSSDOCK_BOOTSTRAP_KEY", "short"), ("CROSSDOCK_TLS_KEY", "key.pem"),
                            ("CROSSDOCK_METRICS_LISTEN", "9090"),
                            ("CROSSDOCK_METRICS_LISTEN", "127.0.0.1:8080"),
                            ("CROSSDOCK_DRAIN_DELAY_SECONDS", "-1"), ("LOG_RESPONSE_BODIES", "perhaps")):
            for command in (["serve"], ["config", "show"]):
                with self.subTest(name=name, value=value, command=command):
                    said = self.fail_with(1, *command, **{name: value})
                    self.assertIn(f"{name} (from environment)", said)

    def test_an_address_that_is_not_ours_is_refused(self):
        said = self.fail_with(1, "serve", "--listen", "192.0.2.1:8080", INTEGRATION_ENCRYPTION_KEY=KEY)
        self.assertIn("192.0.2.1:8080", said)
        self.assertIn("--listen", said)

    def test_a_database_url_that_cannot_be_read_is_refused_without_its_password(self):
        said = self.fail_with(1, "serve", INTEGRATION_ENCRYPTION_KEY=KEY,
                              CROSSDOCK_DATABASE_URL="postgresql://user:hidden@[::1/x")
        self.assertIn("database URL", said)
        self.assertNotIn("hidden", said)

    def test_a_data_directory_that_cannot_be_made_is_refused(self):
        self.write("", "file")
        said = self.fail_with(1, "serve", "--data", "file/data", INTEGRATION_ENCRYPTION_KEY=KEY)
        self.assertIn("file/data", said)


class Doctor(CommandCase):
    """It finds what serve refuses, and changes nothing."""

    def examine(self, **settings: str) -> tuple[int, str]:
        """Exit status and report; neither the directory nor anything in it is another afterwards."""
        before = self.everything()
        usual = {"INTEGRATION_ENCRYPTION_KEY": KEY, "CROSSDOCK_LISTEN": "127.0.0.1:0"}
        ended = self.run_command("doctor", **(usual | settings))
        self.assertEqual(self.everything(), before)
        return ended.returncode, ended.stdout

    def everything(self) -> dict[str, tuple]:
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_mode,
                            path.read_bytes() if path.is_file() else b"")
                for path in [self.directory, *self.directory.rglob("*")]}

    def run_hub_for_a_while(self, end: signal.Signals = signal.SIGTERM, **settings: str) -> None:
        """Fills the default data directory: a tenant with a subscription, whose secret is encrypted."""
        hub = Hub(data=self.directory / "crossdock-data",
                  settings={"INTEGRATION_ENCRYPTION_KEY": KEY} | settings).start()
        self.addCleanup(hub.remove)
        hub.platform.post("/api/v1/tenants", {"name": "Acme", "slug": "acme"})
        made = hub.platform_in("acme").post("/api/v1/webhooks/subscriptions", {
            "name": "s", "url": "https://receiver.example/", "event_types": ["*"]})
        self.assertEqual(made.status, 201)
        hub.signal(end)
        hub.wait()

    def test_a_healthy_machine_passes(self):
        status, report = self.examine()

        self.assertEqual(status, 0, report)
        for part in (
            "configuration",
            "data directory",
            "disk space",
            "disk sync",
            "store",
            "encryption key",
            "listen",
        ):
            self.assertRegex(report, rf"(?m)^(pass|WARN)  {part} ")
        self.assertIn("the first start makes it", report)

    def test_a_store_is_read_as_it_lies_after_an_orderly_end_and_after_a_crash(self):
        for end in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(end=end):
                self.run_hub_for_a_while(end)
                status, report = self.examine()
                self.assertEqual(status, 0, report)
                self.assertRegex(report, r"(?m)^pass  store +reachable, schema up to date$")
                self.assertRegex(report, r"(?m)^pass  secrets ")
                shutil.rmtree(self.directory / "crossdock-data")

    def test_each_fault_is_named_with_what_to_do(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            status, report = self.examine(CROSSDOCK_LISTEN=address, INTEGRATION_ENCRYPTION_KEY="")
            metrics = self.examine(CROSSDOCK_METRICS_LISTEN=address)
        self.assertEqual(status, 1)
        self.assertRegex(metrics[1],
                         rf"(?m)^FAIL  metrics listen .*{re.escape(address)}.*CROSSDOCK_METRICS_LISTEN")
        self.assertRegex(report, r"(?m)^FAIL  encryption key .*crossdock keys generate")
        self.assertRegex(report,
                         rf"(?m)^FAIL  listen .*{re.escape(address)}.*choose another address with --listen")

    def test_a_key_that_does_not_open_the_store_fails_and_is_not_shown(self):
        self.run_hub_for_a_while()
        for key in ("k1:" + "QUFB" * 10 + "QUE=", "k2:" + "QUFB" * 10 + "QUE="):
            with self.subTest(key=key):
                status, report = self.examine(INTEGRATION_ENCRYPTION_KEY=key)
                self.assertEqual(status, 1)
                self.assertRegex(report, r"(?m)^FAIL  secrets .*INTEGRATION_ENCRYPTION_KEY")
                self.assertNotIn("QUFB", report)

    def test_certificates_that_cannot_be_used_fail(self):
        hub, other = Identity("hub"), Identity("other")
        for name, text in (("cert.pem", hub.certificate), ("key.pem", hub.key), ("other.pem", other.key),
                           ("garbage.pem", "no certificate")):
            (self.directory / name).write_text(text)
        pair = {"CROSSDOCK_TLS_CERTIFICATE": "cert.pem", "CROSSDOCK_TLS_KEY": "key.pem"}
        self.assertEqual(self.examine(CROSSDOCK_CA_FILE="cert.pem", **pair)[0], 0)

        for settings, said in ((pair | {"CROSSDOCK_TLS_KEY": "other.pem"}, "other.pem"),
                               (pair | {"CROSSDOCK_TLS_CERTIFICATE": "gone.pem"}, "gone.pem"),
                               ({"CROSSDOCK_CA_FILE": "garbage.pem"}, "garbage.pem")):
            with self.subTest(settings=settings):
                status, report = self.examine(**settings)
                self.assertEqual(status, 1)
                self.assertRegex(report, rf"(?m)^FAIL  (certificate|authorities) .*{re.escape(said)}")
                self.assertIn(said,
                              self.fail_with(1, "serve", "--data", "unused", INTEGRATION_ENCRYPTION_KEY=KEY,
                                             CROSSDOCK_LISTEN="127.0.0.1:0", **settings))

    def test_a_store_that_cannot_be_used_fails(self):
        data = self.directory / "crossdock-data"
        data.mkdir()
        for content, said in ((b"", "0 bytes"),
                              (b"This is no database, it is a letter. " * 200, "no file of SQLite's")):
            with self.subTest(said=said):
                (data / "core.db").write_bytes(content)
                status, report = self.examine()
                self.assertEqual(status, 1)
                self.assertRegex(report, rf"(?m)^FAIL  store .*{said}")

    def test_a_data_directory_that_somebody_uses_or_nobody_may_write_fails(self):
        hub = Hub(data=self.directory / "crossdock-data").start()
        self.addCleanup(hub.remove)
        ended = self.run_command("doctor", "--listen", "127.0.0.1:0", INTEGRATION_ENCRYPTION_KEY=KEY)
        self.assertEqual(ended.returncode, 1)
        self.assertRegex(ended.stdout, r"(?m)^FAIL  data directory .*another Crossdock")
        (self.directory / "file").write_text("")
        self.assertEqual(self.run_command("doctor", "--data", "file/data",
                                          INTEGRATION_ENCRYPTION_KEY=KEY).returncode, 1)

    def test_a_bootstrap_key_that_opens_nothing_is_told(self):
        self.run_hub_for_a_while()
        status, report = self.examine(CROSSDOCK_BOOTSTRAP_KEY="cdk_anotheranotheranotheranother")

        self.assertEqual(status, 0, report)
        self.assertRegex(report, r"(?m)^WARN  bootstrap key .*crossdock keys admin")

    def test_a_store_that_cannot_be_reached_fails(self):
        url = f"postgresql://postgres@/x?host={self.directory}"
        status, report = self.examine(CROSSDOCK_DATABASE_URL=url)
        self.assertEqual(status, 1)
        self.assertRegex(report, r"(?m)^FAIL  store ")
        status, report = self.examine(CROSSDOCK_LOG_DATABASE_URL=url)
        self.assertEqual(status, 1)
        self.assertRegex(report, r"(?m)^FAIL  log store ")

    def test_a_wrong_setting_fails(self):
        status, report = self.examine(WEBHOOK_WORKERS="none")
        self.assertEqual(status, 1)
        self.assertIn("WEBHOOK_WORKERS", report)


if __name__ == "__main__":
    unittest.main()
