"""Ending on a signal: what is under way comes to its end, and nothing that was acknowledged is lost."""
import concurrent.futures
import http.client
import signal
import threading
import unittest

from harness import OwnHubCase, eventually, on_both_engines
from harness.case import path_of
from harness.hub import LEASE_S
from harness.receiver import answer, hang, slow

load_tests = on_both_engines

EVENTS = "/api/v1/events"


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

        self.hub.signal(signal.SIGTERM)
        self.assertEqual(self.hub.wait(within=10), 0)  # far below the 75 s that a kept connection may idle
        connection.close()

    def test_it_says_that_it_is_not_ready_before_it_stops_to_listen(self):
        self.assertEqual(self.hub.stop(), 0)
        self.hub.settings["CROSSDOCK_DRAIN_DELAY_SECONDS"] = "300"
        self.hub.start()
        self.expect(200, self.hub.api.get("/readyz"))
        self.expect(201, self.api.post("/api/v1/webhooks/endpoints", {
            "endpoint_path": "open", "signature_scheme": "unsigned", "unsigned": True}))

        self.hub.signal(signal.SIGTERM)
        eventually(lambda: self.hub.api.get("/readyz").status == 503, "it is not ready any more")
        self.expect(200, self.hub.api.get("/livez"))
        self.publish()
        self.expect(200, self.hub.api.post(f"/webhooks/{self.tenant['slug']}/open", {"id": 1}))
        self.hub.signal(signal.SIGTERM)
        self.assertEqual(self.hub.wait(within=10), 128 + signal.SIGTERM)

    def test_after_the_delay_it_drains(self):
        self.assertEqual(self.hub.stop(), 0)
        self.hub.settings["CROSSDOCK_DRAIN_DELAY_SECONDS"] = "1"
        self.hub.start()

        self.assertEqual(self.hub.stop(), 0)

    def test_a_second_signal_ends_it_at_once(self):
        receiver = self.make_receiver(hang)
        subscription = self.subscribe(receiver, timeout_seconds=60)
        self.publish()
        receiver.wait_for(1)
        self.hub.signal(signal.SIGTERM)
        eventually(lambda: "draining" in self.hub.log_tail(), "it drains")

        self.hub.signal(signal.SIGTERM)
        self.assertEqual(self.hub.wait(within=10), 128 + signal.SIGTERM)

        receiver.default = answer()
        self.hub.start()
        self.wait_for_status(subscription, "DELIVERED", within=LEASE_S)


if __name__ == "__main__":
    unittest.main()
