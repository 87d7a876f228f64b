"""Starting, and refusing to: keys, data directories, first keys."""
import pathlib
import signal
import socket
import subprocess
import unittest

from harness import Api, Hub, OwnHubCase, eventually, on_both_engines
from harness.case import path_of
from harness.hub import BOOTSTRAP_KEY, ENCRYPTION_KEY, START_S
from harness.paths import SERVER

load_tests = on_both_engines

OTHER_KEY = "k1:" + "QUFB" * 10 + "QUE="


class Starting(OwnHubCase):
    def refusal(self, hub: Hub) -> str:
        """What a server says that does not start."""
        ended = hub.run_to_its_end()
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertEqual(ended.stdout, "")
        return ended.stderr

    def test_a_second_server_on_the_same_data_directory_is_refused(self):
        second = self.make_hub(data=self.hub.data)

        said = self.refusal(second)
        self.assertIn("another Crossdock uses the data directory", said)
        self.assertIn(str(self.hub.data), said)
        self.expect(200, self.hub.api.get("/readyz"))

    def test_a_port_that_is_taken_is_refused_and_the_store_is_free_for_the_next_start(self):
        hub = self.make_hub()
        free = hub.port
        with socket.create_server(("127.0.0.1", 0)) as taken:
            hub.port = taken.getsockname()[1]
            said = self.refusal(hub)
        self.assertIn(f"127.0.0.1:{hub.port}", said)
        self.assertIn("--listen", said)
        hub.port = free
        hub.start()
        self.expect(200, hub.api.get("/readyz"))

    def test_without_an_encryption_key_it_says_how_to_make_one(self):
        hub = self.make_hub(settings={"INTEGRATION_ENCRYPTION_KEY": None})

        said = self.refusal(hub)
        self.assertIn("INTEGRATION_ENCRYPTION_KEY", said)
        self.assertIn("crossdock keys generate", said)

    def test_a_malformed_encryption_key_is_refused_without_being_shown(self):
        hub = self.make_hub(settings={"INTEGRATION_ENCRYPTION_KEY": "k1:c2hvcnQ="})

        said = self.refusal(hub)
        self.assertIn("32", said)
        self.assertNotIn("c2hvcnQ=", said)

    def test_another_encryption_key_than_the_one_of_the_store_is_refused(self):
        self.subscribe(self.make_receiver())
        self.assertEqual(self.hub.stop(), 0)

        for key in (OTHER_KEY, OTHER_KEY.replace("k1:", "k2:")):
            self.hub.settings["INTEGRATION_ENCRYPTION_KEY"] = key
            said = self.refusal(self.hub)
            self.assertIn("INTEGRATION_ENCRYPTION_KEY", said)
            self.assertNotIn(key.partition(":")[2], said)
        self.hub.settings["INTEGRATION_ENCRYPTION_KEY"] = ENCRYPTION_KEY
        self.hub.start()

    def test_a_new_key_before_the_old_one_rotates_it(self):
        receiver = self.make_receiver()
        old = self.subscribe(receiver)
        self.assertEqual(self.hub.stop(), 0)
        new_key = OTHER_KEY.replace("k1:", "k2:")
        self.hub.settings["INTEGRATION_ENCRYPTION_KEY"] = f"{new_key},{ENCRYPTION_KEY}"
        self.hub.start()

        new = self.subscribe(receiver)
        self.publish()
        for subscription in (old, new):
            self.wait_for_status(subscription, "DELIVERED")

    def test_the_bootstrap_key_counts_on_an_empty_store_only(self):
        self.assertEqual(self.hub.stop(), 0)
        other = "cdk_anotheranotheranotheranother"
        self.hub.settings["CROSSDOCK_BOOTSTRAP_KEY"] = other
        self.hub.start()

        self.assertEqual(Api(self.hub.port, other).get("/api/v1/tenants").status, 401)
        self.assertEqual(Api(self.hub.port, BOOTSTRAP_KEY).get("/api/v1/tenants").status, 200)
        told = "CROSSDOCK_BOOTSTRAP_KEY is no key of this store"
        self.assertEqual(self.hub.log_tail().count(told), 1)
        self.hub.settings["CROSSDOCK_BOOTSTRAP_KEY"] = BOOTSTRAP_KEY
        self.hub.restart()
        self.assertEqual(self.hub.log_tail().count(told), 1, "the first one is a key of it")

    def test_a_bootstrap_key_that_was_revoked_is_told(self):
        key = self.expect(200, self.hub.platform.get("/api/v1/api-keys"))["data"][0]
        self.expect(204, self.hub.platform.delete(f"/api/v1/api-keys/{key['id']}"))
        self.hub.restart()

        self.assertIn("CROSSDOCK_BOOTSTRAP_KEY was revoked", self.hub.log_tail())

    def run_command(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([SERVER, *words, "--data", str(self.hub.data)], env=self.hub.environment,
                              text=True, capture_output=True, timeout=START_S, check=False)

    def test_an_administrators_key_can_be_made_on_the_machine(self):
        if self.engine == "sqlite":
            refused = self.run_command("keys", "admin")
            self.assertEqual(refused.returncode, 1)
            self.assertIn("stop the hub", refused.stderr)
            self.assertEqual(self.hub.stop(), 0)
        made = self.run_command("keys", "admin", "--name", "rescue")
        of_tenant = self.run_command("keys", "admin", "--tenant", self.tenant["slug"])
        nobodys = self.run_command("keys", "admin", "--tenant", "nobody")
        if self.engine == "sqlite":
            self.hub.start()

        self.assertEqual((made.returncode, of_tenant.returncode), (0, 0), made.stderr + of_tenant.stderr)
        self.assertEqual(nobodys.returncode, 1)
        self.assertRegex(made.stdout, r"^cdk_[0-9A-Za-z]{38}\n$")
        platform, tenants = (self.hub.api.as_key(each.stdout.strip()) for each in (made, of_tenant))
        self.expect(200, platform.get(f"/api/v1/tenants/{self.tenant['id']}"))
        self.expect(200, tenants.get("/api/v1/events"))
        self.expect_problem(403, "FORBIDDEN", tenants.get("/api/v1/tenants"))
        entry = self.expect(200, platform.get("/api/v1/audit-log"))["data"][0]
        self.assertEqual((entry["action"], entry["actor_label"]), ("api_key.created", "crossdock keys admin"))
        self.assertNotIn(made.stdout.strip(), str(entry))

    def test_an_administrators_key_is_made_in_no_store_that_is_not_there(self):
        refused = subprocess.run([SERVER, "keys", "admin", "--data", str(self.hub.data / "elsewhere")],
                                 text=True,
                                 env=self.hub.environment | {"CROSSDOCK_DATABASE_URL": ""},
                                 capture_output=True, timeout=START_S, check=False)

        self.assertEqual(refused.returncode, 1)
        self.assertIn("there is no store in", refused.stderr)
        self.assertFalse((self.hub.data / "elsewhere").exists())

    def test_start_reload_and_stop_are_lines_of_the_log(self):
        self.assertRegex(self.hub.log_tail(), rf"(?m) info started .*url=http://127.0.0.1:{self.hub.port} ")
        self.hub.signal(signal.SIGHUP)
        eventually(lambda: "nothing to read again" in self.hub.log_tail(), "the line of the reload")

        self.assertEqual(self.hub.stop(), 0)
        self.assertRegex(self.hub.log_tail(), r"(?m) info draining.*(\n.*)* info stopped$")

    def test_a_first_start_that_fails_makes_no_key_that_nobody_has_seen(self):
        hub = self.make_hub(flags=("--dev",), settings={"CROSSDOCK_BOOTSTRAP_KEY": None})
        free = hub.port
        with socket.create_server(("127.0.0.1", 0)) as taken:
            hub.port = taken.getsockname()[1]
            self.refusal(hub)
        hub.port = free
        hub.start()
        self.assertIn("admin key (shown once): cdk_", hub.process.stdout.readline())

    def test_a_start_on_a_store_without_any_key_is_told(self):
        hub = self.make_hub(settings={"CROSSDOCK_BOOTSTRAP_KEY": None}).start()

        self.assertIn("this store has no API key", hub.log_tail())

    def test_in_development_a_demo_tenant_and_keys_are_made_once(self):
        hub = self.make_hub(flags=("--dev",), settings={"INTEGRATION_ENCRYPTION_KEY": None,
                                                        "CROSSDOCK_BOOTSTRAP_KEY": None,
                                                        "CROSSDOCK_EGRESS_ALLOW": None})
        hub.start()
        shown = hub.process.stdout.readline()
        self.assertIn("shown once", shown)
        self.api = hub.api.as_key(shown.split()[-1])
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.publish()
        receiver.wait_for(1)

        hub.restart()
        self.assertEqual(self.expect(200, self.api.get(path_of(subscription)))["id"], subscription["id"])
        hub.signal(signal.SIGTERM)
        self.assertEqual(hub.process.stdout.read(), "")
        self.assertEqual((hub.data / "encryption.key").stat().st_mode & 0o777, 0o600)
        self.assertEqual(hub.data.stat().st_mode & 0o777, 0o700)


class Files(OwnHubCase):
    """What lies in the data directory and is not what it should be."""

    def setUp(self) -> None:
        if self.engine != "sqlite":
            self.skipTest("PostgreSQL keeps its own files")
        super().setUp()

    def log_of_today(self) -> pathlib.Path:
        return max(self.hub.data.glob("logs/*.db"))

    def test_a_log_file_that_cannot_be_read_is_set_aside_and_told_and_stops_nobody(self):
        for content in (b"This is no database, it is a letter. " * 300, b"\0" * 10_000):
            with self.subTest(content=content[:4]):
                self.assertEqual(self.hub.stop(), 0)
                log = self.log_of_today()
                for part in log.parent.glob(log.name + "-*"):
                    part.unlink()
                log.write_bytes(content)
                self.hub.start()

                aside = list(log.parent.glob(log.name + ".corrupt-*"))
                self.assertEqual([path.read_bytes() for path in aside], [content])
                self.assertIn(f"set_aside_as={aside[0]}", self.hub.log_tail())
                aside[0].unlink()
                receiver = self.make_receiver()
                subscription = self.subscribe(receiver)
                self.publish()
                delivery = self.wait_for_status(subscription, "DELIVERED")[0]
                attempts = f"/api/v1/webhooks/deliveries/{delivery['id']}/attempts"
                eventually(lambda: self.api.get(attempts).json["data"][0]["request_headers"], "the wire log")
                self.act(subscription, "disable")

    def test_an_empty_store_file_is_refused_and_left_alone(self):
        self.assertEqual(self.hub.stop(), 0)
        store = self.hub.data / "core.db"
        kept = store.read_bytes()
        store.write_bytes(b"")

        refused = self.hub.run_to_its_end()
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"{store} is empty (0 bytes)", refused.stderr)
        self.assertIn("backup", refused.stderr)
        self.assertEqual(store.read_bytes(), b"")
        store.write_bytes(kept)
        self.hub.start()

    def test_a_store_file_that_is_gone_from_beside_its_log_is_refused(self):
        self.publish()
        self.hub.kill()
        store = self.hub.data / "core.db"
        self.assertGreater((self.hub.data / "core.db-wal").stat().st_size, 0)
        aside = store.rename(self.hub.data / "elsewhere")

        refused = self.hub.run_to_its_end()
        self.assertEqual(refused.returncode, 1)
        self.assertIn(f"{store} is gone", refused.stderr)
        aside.rename(store)
        self.hub.start()
        self.assertEqual(len(self.expect(200, self.api.get("/api/v1/events"))["data"]), 1)


if __name__ == "__main__":
    unittest.main()
