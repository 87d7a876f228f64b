"""What is open to everybody: probes, metrics, the OpenAPI document, the pages that explain problems."""
import json
import re
import unittest

from harness import HubCase, on_both_engines
from harness.contract import CONTRACT
from harness.paths import OPENAPI
from harness.receiver import answer

load_tests = on_both_engines

SAMPLE = re.compile(r'^[a-zA-Z_:][a-zA-Z0-9_:]*(\{[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*"'
                    r'(,[a-zA-Z_][a-zA-Z0-9_]*="([^"\\]|\\.)*")*,?\})? (\S+)( \d+)?$')


class Documents(HubCase):
    def metrics(self) -> dict[str, float]:
        """Each series with its value."""
        text = self.hub.api.get("/metrics").content.decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if line and not line.startswith("#")}

    def test_probes_say_that_all_is_well(self):
        for path in ("/livez", "/healthz", "/readyz"):
            self.assertEqual(self.expect(200, self.hub.api.get(path)), {"status": "ok"}, path)

    def test_the_document_served_is_the_one_in_the_source(self):
        for path in ("/openapi.json", "/api/v1/openapi.json"):
            reply = self.hub.api.get(path)
            self.assertEqual(reply.content, OPENAPI.read_bytes(), path)
            self.assertEqual(json.loads(reply.content)["openapi"], "3.1.0")

    def test_every_kind_of_problem_has_a_page(self):
        codes = CONTRACT.document["components"]["schemas"]["ProblemCode"]["enum"]
        for code in codes:
            with self.subTest(code=code):
                page = self.hub.api.get("/problems/" + code.lower().replace("_", "-"))
                self.assertEqual(page.status, 200)
                self.assertIn(code, page.content.decode())
                self.assertIn("default-src 'none'", page.headers["Content-Security-Policy"])
        self.expect_problem(404, "NOT_FOUND", self.hub.api.get("/problems/nothing"))

    def test_the_type_of_a_problem_leads_to_its_page(self):
        for reply in (
            self.hub.api.get("/nowhere"),
            self.hub.api.get("/api/v1/events"),
            self.api.post("/api/v1/events"),
        ):
            page = self.hub.api.get(reply.json["type"])
            self.assertEqual(page.status, 200)
            self.assertIn(reply.code, page.content.decode())

    def test_head_is_answered_like_get_without_a_body(self):
        reply = self.api.request("HEAD", "/api/v1/events")

        self.assertEqual((reply.status, reply.content), (200, b""))
        self.assertGreater(int(reply.headers["Content-Length"]), 0)

    def test_metrics_are_in_the_format_of_prometheus(self):
        reply = self.hub.api.get("/metrics")

        self.assertEqual(reply.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
        text = reply.content.decode()
        self.assertTrue(text.endswith("\n"))
        for line in text.splitlines():
            if line and not line.startswith("#"):
                self.assertRegex(line, SAMPLE)

    def test_metrics_count_requests_and_attempts(self):
        def counted(*parts: str) -> float:
            return sum(
                value for series, value in self.metrics().items() if all(part in series for part in parts)
            )
        before = {part: counted(part) for part in ('outcome="delivered"', 'outcome="failed"')}
        published = ("request_duration_seconds_count", '"POST"', '"/api/v1/events"')
        requests = counted(*published)

        good = self.subscribe(self.make_receiver())
        bad = self.subscribe(self.make_receiver(answer(500)), max_retries=0)
        self.publish()
        self.wait_for_status(good, "DELIVERED")
        self.wait_for_status(bad, "FAILED")

        self.assertEqual(counted('outcome="delivered"') - before['outcome="delivered"'], 1)
        self.assertEqual(counted('outcome="failed"') - before['outcome="failed"'], 1)
        self.assertEqual(counted(*published) - requests, 1)
        self.assertEqual(counted("crossdock_uncaught_total"), 0)

    def test_metrics_name_no_tenant_and_no_id(self):
        self.publish()
        self.expect(404, self.api.get(f"/api/v1/events/{self.tenant['id']}"))

        text = self.hub.api.get("/metrics").content.decode()
        self.assertNotIn(self.tenant["id"], text)
        self.assertNotIn(self.tenant["slug"], text)


if __name__ == "__main__":
    unittest.main()
