"""A name that leads inside: the guard looks at the address that is really connected to.

A module of its own, because a machine without such a name skips it, and ctest tells of whole modules.
"""
import ipaddress
import pathlib
import socket
import unittest

from harness import HubCase, on_both_engines
from harness.case import path_of

load_tests = on_both_engines


def name_of_this_machine() -> str | None:
    """A name that leads back here without saying so: the guard must look at the address, not at the name."""
    hosts = pathlib.Path("/etc/hosts").read_text()
    names = [name for line in hosts.splitlines() for name in line.split("#")[0].split()[1:]]
    for name in [socket.gethostname(), *names]:
        if name == "localhost" or name.endswith(".localhost"):
            continue
        try:
            addresses = {entry[4][0] for entry in socket.getaddrinfo(name, 80)}
        except OSError:
            continue
        if all(not ipaddress.ip_address(address.split("%")[0]).is_global for address in addresses):
            return name
    return None


class Egress(HubCase):
    settings = {"CROSSDOCK_EGRESS_ALLOW": ""}

    def test_a_name_that_leads_to_a_private_address_is_blocked_when_it_is_sent_to(self):
        name = name_of_this_machine()
        if name is None:
            self.skipTest(
                "no name of this machine resolves to a private address: SSRF_BLOCKED at delivery UNTESTED"
            )
        receiver = self.make_receiver()
        url = f"http://{name}:{receiver.port}/hook"
        wanted = {"name": "inside", "url": url, "event_types": ["*"], "max_retries": 0}
        subscription = self.expect(201, self.api.post("/api/v1/webhooks/subscriptions", wanted))

        self.publish()

        delivery = self.wait_for_status(subscription, "FAILED")[0]
        self.assertEqual(delivery["error_class"], "SSRF_BLOCKED")
        self.assertIsNone(delivery["response_status"])
        test = self.expect(200, self.api.post(f"{path_of(subscription)}/test"))
        self.assertEqual((test["status"], test["error_class"]), ("FAILED", "SSRF_BLOCKED"))
        self.assertEqual(receiver.requests, [])


if __name__ == "__main__":
    unittest.main()
