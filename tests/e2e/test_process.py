"""The life of the process: starting, refusing to, draining, dying, and going on where it was."""
import concurrent.futures
import http.client
import signal
import threading
import time
import unittest

from harness import Api, Hub, HubCase, Receiver, eventually, on_both_engines
from harness.case import path_of
from harness.hub import BOOTSTRAP_KEY, ENCRYPTION_KEY
from harness.receiver import hang, slow

load_tests = on_both_engines

EVENTS = "/api/v1/events"
OTHER_KEY = "k1:" + "QUFB" * 10 + "QUE="


class OwnHubCase(HubCase):
    """Each test ends and starts the hub as it likes."""

    @classmethod
    def setUpClass(cls) -> None:
        """There is no hub for the class."""

    def setUp(self) -> None:
        self.hub = self.make_hub()
        self.hub.start()
        super().setUp()

    def make_hub(self, **options) -> Hub:
        hub = Hub(self.engine, **options)
        self.addCleanup(hub.remove)
        return hub


class Draining(OwnHubCase):
    def test_what_was_acknowledged_while_it_drained_is_there_afterwards(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        stopping = threading.Event()
        acknowledged: list[str] = []

        def publish(number: int) -> None:
            while not stopping.is_set():
                try:
                    acknowledged.append(self.publish(data=number)["id"])
                except (OSError, http.client.HTTPException):
                    return  # it does not listen any more, or closed before it answered: nothing was promised

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            clients = [pool.submit(publish, number) for number in range(4)]
            receiver.wait_for(20)
            self.hub.signal(signal.SIGTERM)
            status = self.hub.wait()
            stopping.set()
            for client in clients:
                client.result()

        self.assertEqual(status, 0, self.hub.log_tail())
        self.hub.start()
        for identifier in acknowledged:
            self.expect(200, self.api.get(f"{EVENTS}/{identifier}"))
        eventually(lambda: not self.deliveries(subscription, "?status=PENDING,RETRYING"), "all is delivered")
        arrived = {request.header("webhook-id") for request in receiver.requests}
        self.assertLessEqual(set(acknowledged), arrived)

    def test_deliveries_under_way_end_before_the_process_does(self):
        receiver = self.make_receiver(slow(1.5))
        subscription = self.subscribe(receiver)
        self.publish()
        receiver.wait_for(1)

        self.assertEqual(self.hub.stop(), 0)

        self.hub.start()
        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        self.assertEqual(delivery["attempt_number"], 1)
        self.assertEqual(len(receiver.requests), 1)

    def test_requests_under_way_are_answered(self):
        receiver = self.make_receiver(slow(1.5))
        subscription = self.subscribe(receiver)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            test = pool.submit(self.api.post, f"{path_of(subscription)}/test")
            receiver.wait_for(1)
            self.hub.signal(signal.SIGTERM)
            self.assertEqual(self.expect(200, test.result())["status"], "DELIVERED")
        self.assertEqual(self.hub.wait(), 0)

    def test_an_idle_connection_does_not_delay_the_end(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.hub.port)
        connection.request("GET", "/livez")
        connection.getresponse().read()

        begun = time.monotonic()
        self.assertEqual(self.hub.stop(), 0)
        self.assertLess(time.monotonic() - begun, 10)  # far below the 75 s that a kept connection may idle
        connection.close()

    def test_a_second_signal_ends_it_at_once(self):
        receiver = self.make_receiver(hang)
        subscription = self.subscribe(receiver, timeout_seconds=60)
        self.publish()
        receiver.wait_for(1)
        self.hub.signal(signal.SIGTERM)
        eventually(lambda: "draining" in self.hub.log_tail(), "it drains")

        self.hub.signal(signal.SIGTERM)
        self.assertEqual(self.hub.wait(within=10), 128 + signal.SIGTERM)

        receiver.default = slow(0)
        self.hub.start()
        self.wait_for_status(subscription, "DELIVERED")


class Restarting(OwnHubCase):
    def test_what_was_waiting_is_delivered_after_a_restart(self):
        receiver = Receiver()
        receiver.close()
        subscription = self.subscribe(receiver, retry_intervals=[1], max_retries=20)
        published = {self.publish(data=n)["id"] for n in range(5)}
        self.wait_for_status(subscription, "RETRYING", 5)

        self.assertEqual(self.hub.stop(), 0)
        alive = Receiver(port=receiver.port)
        self.addCleanup(alive.close)
        self.hub.start()

        self.wait_for_status(subscription, "DELIVERED", 5)
        self.assertEqual({request.header("webhook-id") for request in alive.requests}, published)

    def test_what_was_held_is_still_held_after_a_restart(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.act(subscription, "pause")
        self.publish()
        self.hub.restart()

        self.wait_for_status(subscription, "HELD")
        self.assertEqual(receiver.requests, [])
        self.act(subscription, "resume")
        self.wait_for_status(subscription, "DELIVERED")

    def test_an_attempt_that_a_crash_cut_off_is_unknown_and_made_again(self):
        receiver = self.make_receiver()
        receiver.script(hang)
        subscription = self.subscribe(receiver, timeout_seconds=60)
        self.publish()
        receiver.wait_for(1)

        self.hub.kill()
        self.hub.start()

        delivery = self.wait_for_status(subscription, "DELIVERED")[0]
        path = f"/api/v1/webhooks/deliveries/{delivery['id']}/attempts"
        attempts = self.expect(200, self.api.get(path))["data"]
        self.assertEqual([each["outcome"] for each in attempts], ["UNKNOWN", "DELIVERED"])
        self.assertEqual([each["attempt_number"] for each in attempts], [1, 2])
        self.assertEqual(len({request.header("webhook-id") for request in receiver.requests}), 1)

    def test_everything_is_as_it_was_after_a_restart(self):
        subscription = self.subscribe(self.make_receiver(), auth_type="BASIC",
                                      auth_config={"username": "u", "password": "p"})
        paths = [path_of(subscription), "/api/v1/webhooks/subscriptions", "/api/v1/audit-log"]
        before = [self.expect(200, self.api.get(path)) for path in paths]

        self.hub.restart()

        self.assertEqual([self.expect(200, self.api.get(path)) for path in paths], before)
        self.assertEqual(self.expect(200, self.hub.platform.get(f"/api/v1/tenants/{self.tenant['slug']}")), self.tenant)


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
