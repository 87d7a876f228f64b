"""Requests to endpoints as bytes: each is answered as it should be, at once,
and costs nobody else anything."""
import re
import socket
import time
import unittest

from harness import HubCase, eventually
from harness.raw import DEADLINE_S, exchange
from harness.raw_webhook_cases import (
    ADYEN_SECRET, SECRET, STANDARD_SECRET, Case, Requests, all_cases, behind_proxy)

ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) ")
# What differs from answer to answer.
OWN = re.compile(rb'(Date|X-Request-Id|Content-Length): [^\r]*|"(request_id|instance)":"[^"]*"')
ENDPOINTS = "/api/v1/webhooks/endpoints"
BATCH = {"kind": "hmac", "sig": "header:x-sig", "each": "json:events", "id": "json:id"}


class RawCase(HubCase):
    def setUp(self) -> None:
        super().setUp()
        github = {"signature_scheme": "github", "secret_key": SECRET}
        for path, settings in {
            "github": github, "listed": github | {"ip_whitelist": ["203.0.113.0/24"]},
            "here": github | {"ip_whitelist": ["127.0.0.1"]}, "off": github | {"is_enabled": False},
            "standard": {"signature_scheme": "standard_webhooks", "secret_key": STANDARD_SECRET},
            "graph": {"signature_scheme": "ms_graph", "secret_key": SECRET},
            "adyen": {"signature_scheme": "adyen_payments", "secret_key": ADYEN_SECRET},
            "batch": {"signature_scheme": BATCH, "secret_key": SECRET},
        }.items():
            self.expect(201, self.api.post(ENDPOINTS, {"endpoint_path": path} | settings))
        self.to = Requests(self.tenant["slug"])

    def statuses(self, request: bytes) -> list[int]:
        return [int(status) for status in ANSWER.findall(exchange(self.hub.port, request))]

    def look(self, case: Case) -> None:
        if case.before:
            self.assertEqual(self.statuses(case.before), [200])
        said = exchange(self.hub.port, case.request)
        self.assertEqual([int(status) for status in ANSWER.findall(said)],
                         [case.status] if case.status else [], said[:400])
        self.assertIn(case.says, said)
        self.assertNotIn(case.lacks, said)


class RawWebhooks(RawCase):
    def test_there_are_enough_cases_with_names_of_their_own(self) -> None:
        cases = all_cases(self.to)
        self.assertGreaterEqual(len(cases), 200)
        self.assertEqual(len({case.name for case in cases}), len(cases))

    def test_each_is_answered_as_it_should_be_and_nothing_is_left_over(self) -> None:
        for case in all_cases(self.to):
            with self.subTest(case.name):
                self.look(case)
        with self.subTest("others are served as before"):
            self.assertEqual(self.statuses(self.to.github()), [200])

        def left() -> list[dict]:
            rows = self.expect(200, self.api.get("/api/v1/webhooks/received?status=PENDING"))["data"]
            return rows or [None]
        eventually(lambda: left() == [None], "all that came is processed", 60)
        failed = self.expect(200, self.api.get("/api/v1/webhooks/received?status=FAILED"))["data"]
        # What is no JSON, too deep, or cannot be decoded is kept and says where and why.
        # The rest is processed.
        known = ("the body is not JSON: JSON, line ", "the record cannot be an event's data: JSON, line ",
                 "the body is no ", "decoded the body has more than ")
        self.assertEqual([row["processing_error"] for row in failed
                          if not row["processing_error"].startswith(known)], [])

    def test_a_refusal_says_nothing_of_its_reason(self) -> None:
        """Of each endpoint, or of what is none."""
        for group, status in {"signature": 401, "standard": 401, "time": 401, "graph": 401, "adyen": 401,
                              "address": 403, "route": 404}.items():
            said = {OWN.sub(b"", exchange(self.hub.port, case.request)): case.name
                    for case in all_cases(self.to)
                    if case.status == status and case.name.startswith(group + ":")
                    and case.name != "route: HEAD"}
            if status == 404:  # what is no address of an endpoint at all
                said = {answer: name for answer, name in said.items()
                        if b"there is no such path" not in answer}
            with self.subTest(group):
                self.assertEqual(len(said), 1, said)

    def test_who_sends_slowly_is_ended_and_delays_nobody(self) -> None:
        head = self.to.github().partition(b"\r\n\r\n")[0]
        with socket.create_connection(("127.0.0.1", self.hub.port), timeout=DEADLINE_S) as slow:
            slow.sendall(head[:40])
            begun = time.monotonic()
            self.assertEqual(self.statuses(self.to.github()), [200])
            self.assertLess(time.monotonic() - begun, 5)
            for byte in head[40:48]:  # that more comes buys no time
                slow.sendall(bytes([byte]))
                time.sleep(1)  # tidy: allow blind-wait this is the sender that is slow
            self.assertEqual(ANSWER.findall(slow.recv(65536)), [b"408"])
            self.assertLess(time.monotonic() - begun, DEADLINE_S)


class BehindProxy(RawCase):
    settings = {"CROSSDOCK_TRUSTED_PROXIES": "127.0.0.1/32"}

    def test_only_what_the_proxy_says_counts(self) -> None:
        for case in behind_proxy(self.to):
            with self.subTest(case.name):
                self.look(case)


if __name__ == "__main__":
    unittest.main()
