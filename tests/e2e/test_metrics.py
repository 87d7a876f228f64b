"""What the program tells of itself: metrics and where they are served, and lines of the log."""
import re
import socket
import unittest

from harness import Hub, HubCase, OwnHubCase, eventually, on_both_engines
from harness.api import Api
from harness.hub import Port
from harness.paths import PROJECT
from harness.receiver import answer

load_tests = on_both_engines

MANY = 200


def values(text: str) -> dict[str, float]:
    """Each series with its value."""
    rows = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {series: float(value) for series, value in rows}


class Metrics(HubCase):
    def metrics(self) -> dict[str, float]:
        return values(self.expect_text(self.hub.api.get("/metrics")))

    def expect_text(self, reply) -> str:
        self.assertEqual(reply.status, 200)
        return reply.content.decode()

    def test_the_process_and_its_build_are_told(self):
        told = self.metrics()
        build = [series for series in told if series.startswith("crossdock_build_info{")]
        self.assertRegex(build[0], r'version="\d+\.\d+\.\d+"')
        self.assertEqual(told[build[0]], 1)
        for name in ("process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
                     "process_max_fds", "process_start_time_seconds", "process_threads"):
            self.assertGreater(told[name], 0, name)

    def test_each_counter_that_the_documentation_names_is_there_from_the_start(self):
        hub = Hub().start()
        self.addCleanup(hub.remove)
        told = self.expect_text(hub.api.get("/metrics"))

        text = (PROJECT / "docs" / "operations.md").read_text()
        for name in sorted(set(re.findall(r"crossdock_[a-z_]+_total", text))):
            self.assertRegex(told, rf"(?m)^{name}[{{ ]")

    def test_events_are_counted(self):
        before = self.metrics().get("crossdock_events_total", 0)
        for _ in range(3):
            self.publish()

        self.assertEqual(self.metrics()["crossdock_events_total"], before + 3)

    def test_what_waits_is_told_and_for_how_long(self):
        receiver = self.make_receiver()
        subscription = self.subscribe(receiver)
        self.act(subscription, "pause")
        for _ in range(4):
            self.publish()
        series = 'crossdock_backlog_tasks{kind="deliver",state="paused"}'
        eventually(lambda: self.metrics().get(series) == 4, "the backlog of a paused subscription", 60)

        self.act(subscription, "resume")
        receiver.wait_for(4)
        eventually(lambda: self.metrics()[series] == 0, "no backlog", 60)

    def test_failed_deliveries_are_lines_of_the_log_and_no_flood_of_them(self):
        receiver = self.make_receiver(answer(500))
        subscription = self.subscribe(receiver, retry_enabled=False)
        self.publish()
        self.wait_for_status(subscription, "FAILED", 1)
        line = eventually(lambda: re.search(rf".*a delivery failed for good.*{subscription['id']}.*",
                                            self.hub.log_tail(200_000)), "the line")[0]
        for said in ("warn", "status=500", "error_class=", "event_type=order.created", "attempt=1"):
            self.assertIn(said, line)

        self.expect(202, self.api.post("/api/v1/events/batch", {"events": [
            {"type": "order.created", "data": n} for n in range(MANY)]}))
        self.wait_for_status(subscription, "FAILED", MANY + 1)
        failed = f"a delivery failed for good  tenant_id={self.tenant['id']}"
        lines = self.hub.log_tail(2_000_000).count(failed)
        self.assertLess(lines, MANY, "each thread writes ten a second")


class Listener(OwnHubCase):
    def make_hub(self, **options) -> Hub:
        self.port = Port()
        self.addCleanup(self.port.release)
        return super().make_hub(settings={"CROSSDOCK_METRICS_LISTEN": f"127.0.0.1:{self.port.number}"},
                                **options)

    def test_metrics_can_have_a_listener_of_their_own(self):
        own = Api(self.port.number)
        told = own.get("/metrics")
        self.assertEqual(told.status, 200)
        self.assertIn("process_cpu_seconds_total", values(told.content.decode()))
        for path in ("/livez", "/readyz"):
            self.expect(200, own.get(path))
            self.expect(200, self.hub.api.get(path))

        self.expect_problem(404, "NOT_FOUND", self.hub.api.get("/metrics"))
        for method, path in (("GET", "/api/v1/events"), ("POST", "/api/v1/tenants"),
                             ("GET", "/openapi.json")):
            self.expect_problem(404, "NOT_FOUND", own.request(method, path))
        self.assertEqual(self.hub.stop(), 0)
        self.hub.start()

    def test_where_its_port_is_taken_the_program_says_so_and_ends(self):
        self.assertEqual(self.hub.stop(), 0)
        with socket.create_server(("127.0.0.1", self.port.number)):
            ended = self.hub.run_to_its_end()
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn(f"cannot bind 127.0.0.1:{self.port.number}", ended.stderr)
        self.assertIn("CROSSDOCK_METRICS_LISTEN", ended.stderr)
        self.hub.start()


if __name__ == "__main__":
    unittest.main()
