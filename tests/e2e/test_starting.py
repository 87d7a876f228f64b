"""Starting, and refusing to: keys, data directories, first keys."""
import signal
import socket
import unittest

from harness import Api, Hub, OwnHubCase, on_both_engines
from harness.case import path_of
from harness.hub import BOOTSTRAP_KEY, ENCRYPTION_KEY

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
            self.assertIn("key", said)
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


if __name__ == "__main__":
    unittest.main()
