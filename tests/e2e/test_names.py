"""Names that do not resolve, resolve late, or lead inside, asked of a name server that lies on purpose.

A module of its own, because a machine that lets nobody have port 53 or a mount namespace skips it, and ctest
tells of whole modules.
"""
import pathlib
import tempfile
import unittest
from urllib.parse import urlsplit

from harness import Hub, HubCase, on_both_engines
from harness.names import NXDOMAIN, REFUSED, SERVFAIL, SILENT, CannotAsk, NameServer, asking

load_tests = on_both_engines

TIMEOUT_S = 1
ZONE = {
    "well.example.com": ("127.0.0.1",),
    "unknown.example.com": NXDOMAIN,
    "broken.example.com": SERVFAIL,
    "refused.example.com": REFUSED,
    "empty.example.com": (),
    "silent.example.com": SILENT,
    "silent2.example.com": SILENT,
    "private.example.com": ("10.0.0.1",),
    "metadata.example.com": ("169.254.169.254",),
    "mapped.example.com": ("::ffff:10.0.0.1",),
    "mapped-metadata.example.com": ("::ffff:169.254.169.254",),
    "translated.example.com": ("64:ff9b::a00:1",),
    "local.example.com": ("fd00:ec2::254",),
    "nowhere.example.com": ("0.0.0.0",),
    "many.example.com": tuple(f"10.1.{n}.1" for n in range(20)),
}
UNRESOLVED = ("unknown", "broken", "refused", "empty", "silent")
INSIDE = ("private", "metadata", "mapped", "mapped-metadata", "translated", "local", "nowhere", "many")


class Names(HubCase):
    @classmethod
    def setUpClass(cls) -> None:
        directory = tempfile.TemporaryDirectory(prefix="crossdock-e2e-names-")
        cls.addClassCleanup(directory.cleanup)
        try:
            cls.names = NameServer(ZONE)
            cls.addClassCleanup(cls.names.close)
            prefix = asking(cls.names, pathlib.Path(directory.name))
        except CannotAsk as reason:
            raise unittest.SkipTest(f"no name server of our own here ({reason}): answers of DNS are UNTESTED")
        cls.hub = Hub(cls.engine, {"CROSSDOCK_EGRESS_ALLOW": "127.0.0.1"}, prefix=prefix)
        cls.addClassCleanup(cls.hub.remove)
        cls.hub.start()

    def subscribe_name(self, name: str, port: int = 80, **settings) -> dict:
        wanted = {"name": name, "url": f"http://{name}.example.com:{port}/", "event_types": [f"to.{name}"],
                  "max_retries": 0, "timeout_seconds": TIMEOUT_S} | settings
        return self.expect(201, self.api.post("/api/v1/webhooks/subscriptions", wanted))

    def send_to_all(self, names: tuple[str, ...]) -> dict[str, dict]:
        """The one delivery to each name, when it has failed."""
        subscriptions = {name: self.subscribe_name(name) for name in names}
        for name in names:
            self.publish(type=f"to.{name}")
        return {name: self.wait_for_status(subscription, "FAILED")[0]
                for name, subscription in subscriptions.items()}

    def test_a_name_without_an_address_is_a_failure_of_dns(self):
        for name, delivery in self.send_to_all(UNRESOLVED).items():
            with self.subTest(name=name):
                self.assertEqual((delivery["error_class"], delivery["response_status"]), ("DNS", None))
                self.assertIn(f"{name}.example.com", self.names.asked)

    def test_a_name_that_leads_inside_is_blocked_by_the_address(self):
        for name, delivery in self.send_to_all(INSIDE).items():
            with self.subTest(name=name):
                self.assertEqual((delivery["error_class"], delivery["response_status"]),
                                 ("SSRF_BLOCKED", None))

    def test_names_that_nobody_answers_for_delay_no_others(self):
        receiver = self.make_receiver()
        well = self.subscribe_name("well", urlsplit(receiver.url).port)
        silent = self.subscribe_name("silent2", timeout_seconds=20)
        for n in range(20):
            self.publish(type="to.silent2", data=n)
        for n in range(20):
            self.publish(type="to.well", data=n)

        self.wait_for_status(well, "DELIVERED", 20)
        self.assertEqual(self.deliveries(silent, "?status=DELIVERED,FAILED"), [])


if __name__ == "__main__":
    unittest.main()
