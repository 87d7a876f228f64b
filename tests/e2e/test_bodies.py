"""Bodies as senders write them: compressed, in parts, with secrets inside;
and what events are made of them."""
import gzip
import json
import unittest
import zlib

from harness import on_both_engines
from harness.endpoints import ENDPOINTS, EndpointCase, github_headers

load_tests = on_both_engines


class Bodies(EndpointCase):
    def token_endpoint(self, path: str, place: str, **scheme) -> dict:
        return self.make_endpoint(path, signature_scheme={"kind": "token", "sig": place} | scheme,
                                  secret_key="s3cr/t")

    def test_a_secret_in_the_body_is_never_kept_however_it_is_written(self):
        cases = {
            "json": ("json:token", "application/json", rb'{"token": "s3cr\/t", "n": 1}'),
            "escaped": ("json:token", "application/json", rb'{"token": "\u0073\u0033cr\u002ft", "n": 1}'),
            "form": ("form:token", "application/x-www-form-urlencoded", b"token=s3cr%2Ft&n=1"),
            "xml": ("xml:a/token", "application/xml", b"<a><token>&#115;3cr/t</token><n>1</n></a>"),
            "parts": ("form:token", "multipart/form-data; boundary=X",
                      b'--X\r\nContent-Disposition: form-data; name="token"\r\n\r\ns3cr/t\r\n--X--'),
        }
        for name, (place, media_type, body) in cases.items():
            with self.subTest(name):
                endpoint = self.token_endpoint(name, place)
                id = self.expect(200, self.send(endpoint, body, {"Content-Type": media_type}))["id"]
                found = self.wait_processed(id)
                self.assertIn("***", found["body"])
                event = self.expect(200, self.api.get(f"/api/v1/events/{found['event_id']}"))
                for kept in (json.dumps(found), json.dumps(event)):
                    for form in ("s3cr", "3cr", "\\u0073", "%2Ft"):
                        self.assertNotIn(form, kept)

    def test_secrets_of_a_batch_are_kept_in_no_element(self):
        endpoint = self.token_endpoint("batch", "json:state", each="json:value", id="json:id")
        body = rb'{"value": [{"id": "a", "state": "s3cr\/t"}, {"id": "b", "state": "s3cr/t"}]}'
        for id in self.expect(200, self.send(endpoint, body, {"Content-Type": "application/json"}))["ids"]:
            found = self.wait_processed(id)
            self.assertNotIn("s3cr", json.dumps(found))
            self.assertEqual(found["record"]["state"], "***")

    def test_a_verified_body_is_decoded(self):
        endpoint = self.make_endpoint(paths={"event_type": "json:type"})
        for coding, packed in (("gzip", gzip.compress), ("deflate", zlib.compress),
                               ("deflate, GZIP", lambda text: gzip.compress(zlib.compress(text)))):
            with self.subTest(coding):
                body = packed(b'{"type": "made"}')
                answer = self.send(endpoint, body, github_headers(body, **{"Content-Encoding": coding}))
                found = self.wait_processed(self.expect(200, answer)["id"])
                self.assertEqual((found["body"], found["event_type"]), ('{"type": "made"}', "made"))

    def test_what_cannot_be_decoded_is_kept_and_fails_with_its_reason(self):
        endpoint = self.make_endpoint()
        for body, problem in ((gzip.compress(bytes(2 << 20)), "decoded the body has more than"),
                              (gzip.compress(b"{}")[:-4], "the body is no gzip: it is cut off at byte")):
            answer = self.send(endpoint, body, github_headers(body, **{"Content-Encoding": "gzip"}))
            found = self.wait_processed(self.expect(200, answer)["id"], "FAILED")
            self.assertTrue(found["processing_error"].startswith(problem), found["processing_error"])
            self.assertEqual(found["body_encoding"], "base64")

    def test_what_is_meant_as_json_and_is_none_fails_with_its_position(self):
        endpoint = self.make_endpoint()
        body = b'{"a": 1,\n "b": }'
        found = self.wait_processed(self.expect(200, self.send(endpoint, body))["id"], "FAILED")
        self.assertIn("JSON, line 2, column 7", found["processing_error"])
        body = b'\xef\xbb\xbf{"a": "\\ud83d", "b": 1, "b": 2}'
        found = self.wait_processed(self.expect(200, self.send(endpoint, body))["id"])
        self.assertEqual(found["record"], {"a": "\ufffd", "b": 2})

    def test_a_deletion_is_about_what_was_before(self):
        endpoint = self.make_endpoint(paths={"event_type": ["header:x-type", "json:type"],
                                             "table": "json:table",
                                             "record": "json:record", "old_record": "json:old_record",
                                             "record_id": "json:record.id"})
        self.assertEqual(endpoint["paths"]["event_type"], ["header:x-type", "json:type"])
        body = b'{"type": "DELETE", "table": "orders", "record": null, "old_record": {"id": 7, "total": 1}}'
        found = self.wait_processed(self.expect(200, self.send(endpoint, body))["id"])
        event = self.expect(200, self.api.get(f"/api/v1/events/{found['event_id']}"))
        self.assertEqual((event["type"], event["subject"], event["data"], event["changes"]),
                         ("github.orders.delete", "orders/7", {"id": 7, "total": 1}, None))

    def test_changes_of_callers_have_a_shape(self):
        refused = self.api.post("/api/v1/events", {"type": "a", "data": 1, "changes": {
            "good": {"old": None}, "a/b": 1, "empty": {}, "more": {"old": 1, "now": 2}}})
        problem = self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual([error["pointer"] for error in problem["errors"]],
                         ["#/changes/a~1b", "#/changes/empty", "#/changes/more"])

    def test_places_of_a_list_are_checked(self):
        refused = self.api.post(ENDPOINTS, {"endpoint_path": "x", "signature_scheme": "github",
                                            "paths": {"event_type": ["json:a", "nowhere"], "table": []}})
        problem = self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertIn("#/paths/table", [error["pointer"] for error in problem["errors"]])
        refused = self.api.post(ENDPOINTS, {"endpoint_path": "x", "signature_scheme": "github",
                                            "paths": {"event_type": ["json:a", "nowhere"]}})
        problem = self.expect_problem(422, "VALIDATION_FAILED", refused)
        self.assertEqual([error["pointer"] for error in problem["errors"]], ["#/paths/event_type/1"])


if __name__ == "__main__":
    unittest.main()
