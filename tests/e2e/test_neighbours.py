"""What one caller does costs no other: large answers, bodies that do not come,
connections that do nothing."""
import http.client
import json
import os
import pathlib
import re
import select
import socket
import unittest

from harness import HubCase, OwnHubCase, eventually, on_both_engines
from harness.paths import OPENAPI
from harness.raw import exchange

load_tests = on_both_engines

EVENTS = "/api/v1/events"
PAGE_BYTES_MAX = 2 << 20
# A sanitizer keeps what is freed, to find whoever uses it after that: of memory nothing can be asserted then.
IS_SANITIZED = bool(os.environ.get("CROSSDOCK_SANITIZE"))
HEAD = b"POST %s HTTP/1.1\r\nHost: hub.example\r\n%sContent-Length: 1000000\r\n\r\n"


def statuses(said: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", said)]


class Pages(HubCase):
    def test_a_page_ends_where_it_gets_too_large_and_the_next_one_goes_on(self) -> None:
        ids = [self.publish(data={"n": n, "text": "x" * 900_000})["id"] for n in range(7)]

        forward: list[str] = []
        page = self.expect(200, self.api.get(f"{EVENTS}?limit=250"))
        while True:
            self.assertLess(len(json.dumps(page)), PAGE_BYTES_MAX + 10_000)
            forward += [event["id"] for event in page["data"]]
            if not page["page"]["next"]:
                break
            page = self.expect(200, self.api.get(f"{EVENTS}?limit=250&cursor={page['page']['next']}"))
        self.assertEqual(forward, ids[::-1])

        backward = [event["id"] for event in page["data"]]
        while page["page"]["prev"]:
            page = self.expect(200, self.api.get(f"{EVENTS}?limit=250&cursor={page['page']['prev']}"))
            self.assertLessEqual(len(page["data"]), 2)
            backward = [event["id"] for event in page["data"]] + backward
        self.assertEqual(backward, ids[::-1])

    def test_one_event_is_shown_however_large_it_is(self) -> None:
        event = self.publish(data="x" * 1_000_000)
        page = self.expect(200, self.api.get(f"{EVENTS}?limit=1"))
        self.assertEqual([each["id"] for each in page["data"]], [event["id"]])


class Bodies(HubCase):
    def test_none_is_awaited_where_the_head_can_be_refused(self) -> None:
        slug = self.tenant["slug"].encode()
        endpoint = {"signature_scheme": "github", "secret_key": "It's a Secret to Everybody"}
        listed = {"ip_whitelist": ["203.0.113.0/24"]}
        for path, settings in {"off": {"is_enabled": False}, "listed": listed,
                               "graph": listed | {"signature_scheme": "ms_graph"}}.items():
            self.expect(201, self.api.post("/api/v1/webhooks/endpoints",
                                           endpoint | settings | {"endpoint_path": path}))
        cases = {
            "no key": (b"/api/v1/events", b"", 401),
            "a wrong key": (b"/api/v1/events", b"Authorization: Bearer cdk_wrong\r\n", 401),
            "no path": (b"/api/v1/nothing", b"", 404),
            "no method": (b"/livez", b"", 405),
            "no tenant": (b"/webhooks/nobody/off", b"", 404),
            "no endpoint": (b"/webhooks/" + slug + b"/none", b"", 404),
            "one that is off": (b"/webhooks/" + slug + b"/off", b"", 404),
            "an address that may not send": (b"/webhooks/" + slug + b"/listed", b"", 403),
            "what is too long for a handshake from there":
                (b"/webhooks/" + slug + b"/graph?validationToken=x", b"", 403),
        }
        for name, (path, fields, status) in cases.items():
            for more in (b"", b"Expect: 100-continue\r\n"):
                with self.subTest(name, more=more):
                    self.assertEqual(statuses(exchange(self.hub.port, HEAD % (path, fields + more))),
                                     [status])

    def test_a_rate_that_is_used_up_is_told_before_the_body(self) -> None:
        slug = self.tenant["slug"]
        self.expect(201, self.api.post("/api/v1/webhooks/endpoints", {
            "endpoint_path": "limited", "signature_scheme": {"kind": "token", "sig": "header:x-token"},
            "secret_key": "secret-token-1", "rate_limit": {"requests": 1, "window_seconds": 3600}}))
        path = f"/webhooks/{slug}/limited"
        self.expect(200, self.hub.api.post(path, {"n": 1}, headers={"x-token": "secret-token-1"}))

        said = exchange(self.hub.port, HEAD % (path.encode(), b"x-token: secret-token-1\r\n"))

        self.assertEqual(statuses(said), [503])

    def test_a_handshake_is_answered_from_any_address(self) -> None:
        self.expect(201, self.api.post("/api/v1/webhooks/endpoints", {
            "endpoint_path": "graph", "signature_scheme": "ms_graph", "secret_key": "client-state-1",
            "ip_whitelist": ["203.0.113.0/24"], "rate_limit": {"requests": 1, "window_seconds": 3600}}))
        path = f"/webhooks/{self.tenant['slug']}/graph"
        answer = self.hub.api.post(f"{path}?validationToken=abc", raw=b"{}",
                                   headers={"Content-Type": "text/plain"})
        self.assertEqual((answer.status, answer.content), (200, b"abc"))
        self.expect(403, self.hub.api.post(path, raw=b"{}", headers={"Content-Type": "application/json"}))

    def test_a_connection_goes_on_after_a_short_one_that_was_not_wanted(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.hub.port, timeout=10)
        self.addCleanup(connection.close)
        for _ in range(3):
            connection.request("POST", EVENTS, b'{"type": "a", "data": 1}',
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            self.assertEqual((answer.status, answer.read()[:1]), (401, b"{"))
            self.assertIsNone(answer.headers["Connection"])

    def test_that_do_not_end_keep_out_no_other_tenant(self) -> None:
        other = self.hub.api.as_key(self.make_key(self.make_tenant("Other"))["key"])
        key = self.make_key(self.tenant)["key"].encode()
        head = HEAD % (b"/api/v1/events", b"Authorization: Bearer " + key + b"\r\n")
        pid = self.hub.process.pid
        before = resident_bytes(pid)
        stalled = []
        for _ in range(300):  # would hold 300 MB
            stalled.append(socket.create_connection(("127.0.0.1", self.hub.port), timeout=10))
            try:
                stalled[-1].sendall(head + b"x" * 999_999)
            except OSError:
                pass  # it has had to give way already

        self.expect(202, other.post(EVENTS, {"type": "order.created", "data": "x" * 900_000}))
        if not IS_SANITIZED:
            self.assertLess(resident_bytes(pid), before + (200 << 20))
        for each in stalled:
            each.close()
        if not IS_SANITIZED:
            eventually(lambda: resident_bytes(pid) < before + (64 << 20), "the memory goes back", 40)


class Methods(HubCase):
    def test_head_is_answered_as_get_without_the_body(self) -> None:
        paths = json.loads(OPENAPI.read_text())["paths"]
        for path, item in paths.items():
            if "get" not in item or path.endswith("/stream"):
                continue
            with self.subTest(path):
                place = re.sub(r"\{\w+\}", "01890000-0000-7000-8000-000000000000", path)
                get, head = self.api.get(place), self.api.request("HEAD", place)
                self.assertEqual((head.status, head.content), (get.status, b""))
                self.assertEqual(head.headers.get("Content-Type"), get.headers.get("Content-Type"))

    def test_options_says_what_a_path_has(self) -> None:
        paths = json.loads(OPENAPI.read_text())["paths"]
        for path, item in paths.items():
            with self.subTest(path):
                place = re.sub(r"\{\w+\}", "x", path).encode()
                said = exchange(self.hub.port, b"OPTIONS %s HTTP/1.1\r\nHost: a\r\n\r\n" % place)
                self.assertEqual(statuses(said), [204])
                allow = re.search(rb"Allow: ([A-Z, ]+)\r\n", said)[1].decode().split(", ")
                described = {method.upper() for method in item if method != "parameters"}
                self.assertLessEqual(described, set(allow))
        self.assertEqual(statuses(exchange(self.hub.port, b"OPTIONS /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")),
                         [404])


class Connections(OwnHubCase):
    def idle(self, count: int) -> list[socket.socket]:
        found = [socket.create_connection(("127.0.0.1", self.hub.port), timeout=10) for _ in range(count)]
        self.addCleanup(lambda: [each.close() for each in found])
        return found

    def test_that_do_nothing_make_room_for_those_that_do(self) -> None:
        self.assertEqual(self.hub.stop(), 0)
        self.hub.prefix = ("prlimit", "--nofile=256:256")
        self.hub.start()
        self.idle(400)

        for _ in range(20):
            self.expect(200, self.hub.api.get("/livez"))
            self.publish()
        counted = self.hub.api.get("/metrics").content.decode()
        self.assertRegex(counted, r'crossdock_http_connections_ended_total\{reason="pressure"\} [1-9]')
        self.assertIn("raise the hard limit", self.hub.log_file.read_text())

    def test_of_one_address_are_limited(self) -> None:
        self.assertEqual(self.hub.stop(), 0)
        self.hub.settings["CROSSDOCK_CONNECTIONS_PER_ADDRESS"] = "10"
        self.hub.start()
        held = self.idle(11)

        def ended() -> list[socket.socket]:
            return select.select(held, [], [], 0)[0]
        # Which one is first is the kernel's affair.
        eventually(lambda: len(ended()) == 1, "one of them has ended")
        self.assertEqual(ended()[0].recv(1), b"")
        for each in held:
            each.close()
        eventually(lambda: answers(self.hub.port), "there is room again")
        counted = eventually(lambda: metrics(self.hub.port), "and for a look at the counters")
        self.assertRegex(counted, r'crossdock_http_connections_ended_total\{reason="address"\} [1-9]')

    def test_the_soft_limit_of_files_is_raised_and_that_is_told(self) -> None:
        self.assertEqual(self.hub.stop(), 0)
        self.hub.prefix = ("prlimit", "--nofile=200:4096")
        self.hub.start()

        limits = pathlib.Path(f"/proc/{self.hub.process.pid}/limits").read_text(encoding="ascii")
        self.assertRegex(limits, r"Max open files +4096 +4096")
        self.assertRegex(self.hub.log_file.read_text(), r"open files.*soft_limit_before=200.*limit=4096")


class Port(OwnHubCase):
    def test_is_taken_by_one_program_alone(self) -> None:
        second = self.make_hub()
        second.port = self.hub.port

        ended = second.run_to_its_end()

        self.assertEqual((ended.returncode, ended.stdout), (1, ""))
        self.assertIn(f"127.0.0.1:{self.hub.port}", ended.stderr)
        self.assertIn("another program listens there", ended.stderr)
        self.assertIn("--listen", ended.stderr)
        for _ in range(8):  # all threads of the first one
            self.expect(200, self.hub.api.get("/readyz"))

    def test_is_free_at_once_for_the_next_start(self) -> None:
        for end in (self.hub.kill, self.hub.stop):
            open_ones = [socket.create_connection(("127.0.0.1", self.hub.port), timeout=10) for _ in range(5)]
            for each in open_ones:
                each.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
                self.assertEqual(statuses(each.recv(65536)), [200])
            end()
            self.hub.start()
            self.expect(200, self.hub.api.get("/livez"))
            for each in open_ones:
                each.close()


def resident_bytes(pid: int) -> int:
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * 4096


def answers(port: int) -> bool:
    try:
        return statuses(exchange(port,
                                 b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")) == [200]
    except OSError:
        return False


def metrics(port: int) -> str:
    try:
        return exchange(port, b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").decode()
    except OSError:
        return ""


if __name__ == "__main__":
    unittest.main()
