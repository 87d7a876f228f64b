"""What an endpoint refuses: counted, the last ones kept masked, and looked into."""
import json
import unittest

from harness import eventually, on_both_engines
from harness.endpoints import ENDPOINTS, SECRET, EndpointCase, github_headers
from harness.raw import exchange

load_tests = on_both_engines


class Refused(EndpointCase):
    def refused(self, endpoint: dict, count: int) -> list[dict]:
        def look() -> list[dict] | None:
            found = self.expect(200, self.api.get(f"{ENDPOINTS}/{endpoint['id']}/refused?limit=250"))["data"]
            return found if len(found) >= count else None
        return eventually(look, f"{count} refused requests")

    def counts(self, endpoint: dict, total: int) -> dict:
        def look() -> dict | None:
            found = self.expect(200, self.api.get(f"{ENDPOINTS}/{endpoint['id']}"))
            return found if found["total_refused"] == total else None
        return eventually(look, f"{total} counted")["refused"]

    def diagnose(self, endpoint: dict, **asked) -> dict:
        return self.expect(200, self.api.post(f"{ENDPOINTS}/{endpoint['id']}/diagnose", asked))

    def test_a_wrong_signature_is_counted_kept_and_diagnosed(self):
        endpoint = self.make_endpoint()
        body = b'{"a": 1}\n'
        headers = github_headers(body[:-1]) | {"Authorization": "Bearer s3cret-of-the-head",
                                               "X-Api-Key": "s3cret-of-the-head"}
        self.expect(401, self.send(endpoint, body, headers, "?access_token=s3cret-of-the-query"))

        kept = self.refused(endpoint, 1)[0]

        self.assertEqual((kept["reason"], kept["method"], kept["body"]),
                         ("signature_differs", "POST", body.decode()))
        self.assertEqual(kept["target"], self.path_of(endpoint) + "?access_token=***")
        shown = dict(kept["headers"])
        self.assertEqual((shown["Authorization"], shown["X-Api-Key"]), ("***", "***"))
        self.assertEqual(shown["X-Hub-Signature-256"], headers["X-Hub-Signature-256"])
        self.assertNotIn("s3cret", json.dumps(kept))
        said = self.diagnose(endpoint, refused_id=kept["id"])
        self.assertEqual((said["passed"], said["result"]), (False, "signature_differs"))
        self.assertIn("without the line end", said["hint"])
        self.assertNotIn(SECRET, json.dumps(said))
        self.assertEqual(self.counts(endpoint, 1), {"signature_differs": 1})

    def test_each_reason_is_told_apart(self):
        endpoint = self.make_endpoint("limits", rate_limit={"requests": 1, "window_seconds": 60})
        body = b"{}"
        self.expect(401, self.send(endpoint, body, {"Content-Type": "application/json"}))
        self.expect(200, self.send(endpoint, body))
        self.expect(503, self.send(endpoint, body))
        self.assertEqual(self.counts(endpoint, 2), {"rate_limited": 1, "signature_missing": 1})
        closed = self.make_endpoint("closed", ip_whitelist=["203.0.113.7"])
        self.expect(403, self.send(closed, body))
        kept = self.refused(closed, 1)[0]
        self.assertEqual((kept["reason"], kept["body"], kept["body_bytes"]),
                         ("address_forbidden", None, None))
        said = self.diagnose(closed, refused_id=kept["id"])
        self.assertEqual((said["passed"], said["result"]), (False, "address_forbidden"))
        self.assertIn("was not read", said["hint"])
        self.assertEqual(self.counts(closed, 1), {"address_forbidden": 1})

    def test_a_handshake_that_fails_is_told_to_the_owner_alone(self):
        endpoint = self.make_endpoint("meta", signature_scheme="meta",
                                      signature_config={"verify_token": "meatyhamhock"})
        query = "?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=wr0ng"
        self.expect_problem(404, "NOT_FOUND", self.hub.api.get(self.path_of(endpoint) + query))

        kept = self.refused(endpoint, 1)[0]

        self.assertEqual((kept["reason"], kept["method"], kept["body"]), ("handshake_refused", "GET", ""))
        self.assertIn("hub.challenge=1158201444&hub.verify_token=***", kept["target"])
        self.assertEqual(self.counts(endpoint, 1), {"handshake_refused": 1})
        self.assertEqual(self.diagnose(endpoint, refused_id=kept["id"])["steps"][0]["name"], "when it came")

    def test_another_method_is_counted(self):
        endpoint = self.make_endpoint()
        path = self.path_of(endpoint)
        for method in ("GET", "PUT", "DELETE"):
            self.assertEqual(self.hub.api.request(method, path).status, 405)
        self.assertEqual(self.counts(endpoint, 3), {"method_not_allowed": 3})
        self.assertEqual({one["method"] for one in self.refused(endpoint, 3)}, {"GET", "PUT", "DELETE"})

    def test_a_body_that_is_too_large_or_does_not_come_is_counted(self):
        endpoint = self.make_endpoint()
        head = f"POST {self.path_of(endpoint)} HTTP/1.1\r\nHost: hub.example\r\n".encode()
        chunk = b"%x\r\n%s\r\n" % (2_000_000, b"x" * 2_000_000)
        said = [exchange(self.hub.port, head + rest) for rest in (
            b"Content-Length: 2000000\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n" + chunk,
            b"Content-Length: 1000\r\n\r\nno more than this")]
        self.assertEqual([answer[:12] for answer in said], [b"HTTP/1.1 413", b"HTTP/1.1 413", b""])

        self.assertEqual(self.counts(endpoint, 3), {"body_incomplete": 1, "body_too_large": 2})
        kept = self.refused(endpoint, 3)
        self.assertEqual({one["body"] for one in kept}, {None})
        said = self.diagnose(endpoint, refused_id=kept[0]["id"])
        self.assertEqual((said["passed"], said["result"]), (False, "body_incomplete"))

    def test_of_a_large_body_the_beginning_is_kept_and_what_was_found(self):
        endpoint = self.make_endpoint()
        self.expect(401, self.send(endpoint, b"x" * 10_000, github_headers(b"other")))
        kept = self.refused(endpoint, 1)[0]
        self.assertEqual((kept["body"], kept["body_bytes"]), ("x" * 4096, 10_000))
        said = self.diagnose(endpoint, refused_id=kept["id"])
        self.assertEqual((said["passed"], said["result"]), (False, "signature_differs"))
        self.assertIn("capture the whole request", said["hint"])

    def test_a_wrong_secret_in_the_body_is_not_kept(self):
        endpoint = self.make_endpoint("token", signature_scheme={"kind": "token", "sig": "json:token"},
                                      secret_key="s3cr/t")
        for body in (b'{"token": "wr0ng"}', b'{"token": "wr0ng'):
            self.expect(401, self.send(endpoint, body, {"Content-Type": "application/json"}))
        kept = self.refused(endpoint, 2)
        self.assertNotIn("wr0ng", json.dumps(kept))
        self.assertEqual({one["body"] for one in kept}, {'{"token": "***"}', "***"})

    def test_a_flood_is_counted_and_fifty_are_kept(self):
        endpoint = self.make_endpoint()
        for _ in range(120):
            self.expect(401, self.send(endpoint, b"{}", {"Content-Type": "application/json"}))
        self.assertEqual(self.counts(endpoint, 120), {"signature_missing": 120})
        self.assertLessEqual(len(self.refused(endpoint, 1)), 50)

    def test_they_are_the_endpoints_alone_and_go_with_it(self):
        endpoint, other = self.make_endpoint("one"), self.make_endpoint("other")
        self.expect(401, self.send(endpoint, b"{}", {"Content-Type": "application/json"}))
        kept = self.refused(endpoint, 1)[0]
        self.assertEqual(self.expect(200, self.api.get(f"{ENDPOINTS}/{other['id']}/refused"))["data"], [])
        self.expect_problem(404, "NOT_FOUND", self.api.post(f"{ENDPOINTS}/{other['id']}/diagnose",
                                                            {"refused_id": kept["id"]}))
        for asked in ({}, {"refused_id": "x"}, {"refused_id": kept["id"], "request": "POST / HTTP/1.1\n\n"}):
            self.expect_problem(422, "VALIDATION_FAILED",
                                self.api.post(f"{ENDPOINTS}/{endpoint['id']}/diagnose", asked))
        self.expect(204, self.api.delete(f"{ENDPOINTS}/{endpoint['id']}"))
        self.expect(404, self.api.get(f"{ENDPOINTS}/{endpoint['id']}/refused"))


if __name__ == "__main__":
    unittest.main()
