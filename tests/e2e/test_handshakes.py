"""Handshakes as outside systems make them, byte for byte over a socket: each is answered as its sender
expects, and nothing of it is kept."""
import base64
import functools
import hmac
import http.client
import io
import json
import pathlib
import re
import socket
import subprocess
import tempfile
import time
import unittest
from dataclasses import dataclass, field
from typing import Callable
from urllib.parse import quote, quote_plus

from harness import HubCase, on_both_engines
from harness.api import Reply
from harness.contract import CONTRACT

load_tests = on_both_engines

ENDPOINTS = "/api/v1/webhooks/endpoints"
RECEIVED = "/api/v1/webhooks/received"
HOST = "hooks.example.com"
DEADLINE_S = 15
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
OTHER = "another secret"

# The key of RFC 8032 §7.1, test 1.
DISCORD_SEED = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
DISCORD_PUBLIC = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"


def request(line: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    length = {"Content-Length": str(len(body))} if line.startswith("POST") else {}
    fields = {"Host": HOST} | headers | length
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{line} HTTP/1.1\r\n{head}\r\n".encode() + body


def hmac_of(content: bytes, secret: str = SECRET, algorithm: str = "sha256") -> bytes:
    return hmac.digest(secret.encode(), content, algorithm)


def seconds_ago(age: int = 0) -> str:
    return str(int(time.time()) - age)


# --- what each sender sends; the documents that are meant are those of the sender

def signed_v0(path: str, prefix: str, headers: dict[str, str], body: bytes, secret: str, age: int,
              without: str) -> bytes:
    """As Slack and Zoom sign: their headers have other names only."""
    stamp = seconds_ago(age)
    signature = "v0=" + hmac_of(f"v0:{stamp}:".encode() + body, secret).hex()
    fields = headers | {f"{prefix}Signature": signature, f"{prefix}Request-Timestamp": stamp}
    fields.pop(prefix + without, None)
    return request(f"POST {path}", fields, body)


SLACK_CHALLENGE = "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"
SLACK_BODY = (f'{{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"{SLACK_CHALLENGE}",'
              '"type":"url_verification"}').encode()


def slack(path: str, secret: str = SECRET, age: int = 0, without: str = "",
          body: bytes = SLACK_BODY) -> bytes:
    """docs.slack.dev, url_verification."""
    headers = {"User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
               "Accept-Encoding": "gzip,deflate", "Accept": "*/*", "Content-Type": "application/json"}
    return signed_v0(path, "X-Slack-", headers, body, secret, age, without)


ZOOM_TOKEN = "qgg8vlvZRS6UYooatFL8Aw"
ZOOM_BODY = (f'{{"payload":{{"plainToken":"{ZOOM_TOKEN}"}},"event_ts":1654503849680,'
             '"event":"endpoint.url_validation"}').encode()


def zoom(path: str, secret: str = SECRET, age: int = 0, without: str = "") -> bytes:
    """developers.zoom.us, Validate your webhook endpoint."""
    headers = {"user-agent": "Zoom Marketplace/1.0a", "authorization": "Wk9PTV9BVVRIT1JJWkFUSU9O",
               "clientid": "4kEnkDXUSjqnYyXrMDCYBw", "content-type": "application/json; charset=utf-8",
               "connection": "close"}
    return signed_v0(path, "x-zm-", headers, ZOOM_BODY, secret, age, without)


def zoom_answer(secret: str = SECRET) -> bytes:
    encrypted = hmac_of(ZOOM_TOKEN.encode(), secret).hex()
    return f'{{"plainToken":"{ZOOM_TOKEN}","encryptedToken":"{encrypted}"}}'.encode()


GRAPH_TOKEN = ("Validation: Testing client application reachability for subscription Request-Id: "
               "522a8e7e-096a-494c-aaf1-ac0dcfca45b7 <a+b> & 100 %")


def graph(path: str, token: str = GRAPH_TOKEN) -> bytes:
    """learn.microsoft.com, Receive change notifications through webhooks, notificationUrl validation."""
    return request(f"POST {path}?validationToken={quote_plus(token)}",
                   {"Content-Type": "text/plain; charset=utf-8",
                    "Request-Id": "522a8e7e-096a-494c-aaf1-ac0dcfca45b7"})


OKTA_CHALLENGE = "Me_rShK8JHsTnbyYrWXCEoMGbM_zsZ6k0hLPZ_Pg"


def okta(path: str, challenge: str = OKTA_CHALLENGE) -> bytes:
    """support.okta.com, Unable to verify event hook: a request of the one-time verification."""
    return request(f"GET {path}", {"User-Agent": "Okta-Integrations", "Accept": "application/json",
                                   "X-Okta-Request-Id": "XOZfPkReFFZ10KWyGkzAMwAAADA",
                                   "X-Okta-Verification-Challenge": challenge, "x-any-key": "my-header-value",
                                   "Authorization": "my-shared-secret"})


DROPBOX_CHALLENGE = "1JzN0Pu-eFeyXsZcNPMmGf6HfTKE5Ohi4SUa_NRXDT0"


def dropbox(path: str, challenge: str = DROPBOX_CHALLENGE) -> bytes:
    """dropbox.com/developers/reference/webhooks, Verification."""
    return request(f"GET {path}?challenge={quote(challenge)}",
                   {"User-Agent": "DropboxWebhooks/1.0", "Accept": "*/*", "Accept-Encoding": "gzip,deflate"})


META_CONFIG = {"verify_token": "meatyhamhock"}
META_CHALLENGE = "1158201444"


def meta(path: str, token: str = "meatyhamhock", query: str = "") -> bytes:
    """developers.facebook.com, Webhooks, Verification requests."""
    query = query or f"hub.mode=subscribe&hub.challenge={META_CHALLENGE}&hub.verify_token={quote(token)}"
    return request(f"GET {path}?{query}",
                   {"User-Agent": "facebookplatform/1.0 (+http://developers.facebook.com)",
                    "Accept": "*/*", "Accept-Encoding": "deflate, gzip"})


X_TOKEN = "MGUwNzI3YzMtZjhmZi00OTBmLTk0ZjktZmEyN2I5OTQzNzA1"


def x(path: str, token: str = X_TOKEN) -> bytes:
    """docs.x.com, Webhooks, Challenge-Response Checks."""
    return request(f"GET {path}?crc_token={quote(token)}&nonce=MTY0Mzk4NDI1MzY1NA", {"Accept": "*/*"})


def x_answer(secret: str = SECRET) -> bytes:
    response = base64.b64encode(hmac_of(X_TOKEN.encode(), secret)).decode()
    return f'{{"response_token":"sha256={response}"}}'.encode()


@functools.cache
def ed25519(message: bytes) -> bytes:
    """By the command of OpenSSL: Python brings no Ed25519."""
    der = bytes.fromhex("302e020100300506032b657004220420" + DISCORD_SEED)  # PKCS #8 (RFC 8410)
    with tempfile.TemporaryDirectory() as directory:
        key = pathlib.Path(directory, "key.der")
        content = pathlib.Path(directory, "content")
        key.write_bytes(der)
        content.write_bytes(message)
        command = ["openssl", "pkeyutl", "-sign", "-rawin", "-keyform", "DER", "-inkey", key, "-in", content]
        return subprocess.run(command, check=True, capture_output=True).stdout


DISCORD_PING = (b'{"app_permissions":"562949953601536","application_id":"1096115014837522463",'
                b'"authorizing_integration_owners":{},"entitlements":[],"id":"1096115379804893284",'
                b'"token":"aW50ZXJhY3Rpb246MTA5","type":1,'
                b'"user":{"id":"53908232506183680","username":"mason"},"version":1}')


def discord(path: str, signed: bytes = DISCORD_PING, without: str = "") -> bytes:
    """docs.discord.com, Interactions, Preparing for interactions. It sends a wrong signature now and then to
    see that it is refused."""
    headers = {"User-Agent": "Discord-Interactions/1.0 (+https://discord.com)",
               "Content-Type": "application/json",
               "X-Signature-Ed25519": ed25519(b"1675462453" + signed).hex(),
               "X-Signature-Timestamp": "1675462453", "Accept-Encoding": "gzip"}
    headers.pop(without, None)
    return request(f"POST {path}", headers, DISCORD_PING)


def trello(path: str, query: str = "") -> bytes:
    """developer.atlassian.com, Trello, Webhooks, Creating a webhook."""
    return request(f"HEAD {path}{query}", {"Accept": "*/*"})


@dataclass(frozen=True, slots=True)
class Handshake:
    preset: str
    send: Callable[[str], bytes]
    content_type: str
    answer: bytes
    secret: str = SECRET
    config: dict[str, str] = field(default_factory=dict)


HANDSHAKES = [
    Handshake("slack", slack, "text/plain", SLACK_CHALLENGE.encode()),
    Handshake("zoom", zoom, "application/json", zoom_answer()),
    Handshake("ms_graph", graph, "text/plain", GRAPH_TOKEN.encode()),
    Handshake("okta", okta, "application/json", f'{{"verification":"{OKTA_CHALLENGE}"}}'.encode()),
    Handshake("dropbox", dropbox, "text/plain", DROPBOX_CHALLENGE.encode()),
    Handshake("meta", meta, "text/plain", META_CHALLENGE.encode(), config=META_CONFIG),
    Handshake("twitter_x", x, "application/json", x_answer()),
    Handshake("discord", discord, "application/json", b'{"type":1}', secret=DISCORD_PUBLIC),
]


class HandshakeCase(HubCase):
    settings = {"CROSSDOCK_PUBLIC_URL": f"https://{HOST}"}

    def make_endpoint(self, preset: str, **settings) -> dict:
        wanted = {"endpoint_path": preset, "signature_scheme": preset, "secret_key": SECRET} | settings
        return self.expect(201, self.api.post(ENDPOINTS, wanted))

    def endpoint_of(self, one: Handshake, **settings) -> dict:
        return self.make_endpoint(one.preset, secret_key=one.secret, signature_config=one.config, **settings)

    def path_of(self, endpoint: dict) -> str:
        return f"/webhooks/{self.tenant['slug']}/{endpoint['endpoint_path']}"

    def rotate(self, endpoint: dict, secret: str, overlap: int = 3600) -> None:
        self.expect(200, self.api.post(f"{ENDPOINTS}/{endpoint['id']}/rotate-secret",
                                       {"secret_key": secret, "overlap_seconds": overlap}))

    def exchange(self, sent: bytes, piece: int = 65536) -> Reply:
        """The answer to these bytes, sent in pieces of so many. It must be all that comes."""
        with socket.create_connection(("127.0.0.1", self.hub.port), timeout=DEADLINE_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for at in range(0, len(sent), piece):
                connection.sendall(sent[at:at + piece])
            connection.shutdown(socket.SHUT_WR)
            came = b""
            while more := connection.recv(65536):
                came += more
        head, end, body = came.partition(b"\r\n\r\n")
        self.assertTrue(end, came)
        line, _, fields = head.partition(b"\r\n")
        status = re.fullmatch(rb"HTTP/1\.1 (\d{3}) [ -~]+", line)
        self.assertTrue(status, line)
        headers = http.client.parse_headers(io.BytesIO(fields + b"\r\n\r\n"))
        method, target, _ = sent.split(b"\r\n")[0].decode().split(" ")
        if method != "HEAD":
            self.assertEqual(headers["Content-Length"], str(len(body)), came)
        reply = Reply(int(status[1]), headers, body)
        CONTRACT.check(method, target, reply.status, headers, body)
        return reply

    def expect_answer(self, one: Handshake, reply: Reply) -> None:
        self.assertEqual((reply.status, reply.headers["Content-Type"], reply.content),
                         (200, one.content_type, one.answer))

    def expect_refused(self, reply: Reply, *never: str, statuses: tuple[int, ...] = (401,)) -> None:
        """Nothing of what was asked for stands in the answer."""
        self.assertIn(reply.status, statuses, reply.content)
        for text in never:
            self.assertNotIn(text, reply.content.decode() + str(reply.headers))

    def received(self) -> list[dict]:
        return self.expect(200, self.api.get(RECEIVED))["data"]

    def expect_nothing_received(self) -> None:
        self.assertEqual(self.received(), [], "a handshake is no event")


class EachHandshake(HandshakeCase):
    def test_is_answered_as_its_sender_expects(self):
        for one in HANDSHAKES:
            with self.subTest(one.preset):
                path = self.path_of(self.endpoint_of(one))
                self.expect_answer(one, self.exchange(one.send(path)))
                # They ask again, some each day; a network may bring byte after byte.
                self.expect_answer(one, self.exchange(one.send(path), piece=1))
        self.expect_nothing_received()

    def test_is_not_answered_where_there_is_no_endpoint(self):
        for one in HANDSHAKES:
            with self.subTest(one.preset):
                off = self.path_of(self.endpoint_of(one, is_enabled=False))
                for path in (off, off + "x"):
                    reply = self.exchange(one.send(path))
                    self.expect_problem(404, "NOT_FOUND", reply)
                    self.expect_refused(reply, one.answer.decode(), statuses=(404,))

    def test_sets_no_cookie_and_is_nothing_that_a_browser_would_run(self):
        for one in HANDSHAKES:
            with self.subTest(one.preset):
                headers = self.exchange(one.send(self.path_of(self.endpoint_of(one)))).headers
                self.assertNotIn("Set-Cookie", headers)
                self.assertNotIn("Content-Encoding", headers)
                self.assertNotIn("Transfer-Encoding", headers)
                self.assertEqual(set(headers.get_all("X-Content-Type-Options")), {"nosniff"})
                self.assertIn("sandbox", headers["Content-Security-Policy"])

    def test_has_each_header_once(self):
        """RFC 9110 §5.3: a header of which there may not be several is sent once."""
        for one in HANDSHAKES:
            with self.subTest(one.preset):
                headers = self.exchange(one.send(self.path_of(self.endpoint_of(one)))).headers
                names = [name.lower() for name in headers.keys()]
                self.assertEqual([name for name in set(names) if names.count(name) > 1], [])

    def test_head_has_no_body(self):
        for one in HANDSHAKES:
            with self.subTest(one.preset):
                asked = one.send(self.path_of(self.endpoint_of(one)))
                head = b"HEAD" + asked[asked.index(b" "):asked.index(b"\r\n\r\n")] + b"\r\n\r\n"
                reply = self.exchange(re.sub(rb"(?i)\r\ncontent-length: \d+", b"", head))
                self.assertEqual(reply.content, b"")
                self.assertIn(reply.status, (200, 404, 405))
        self.expect_nothing_received()


class Signed(HandshakeCase):
    """Handshakes that are answered only to who knows the secret."""

    def test_slack_and_zoom_are_refused_without_a_right_signature(self):
        never = (SLACK_CHALLENGE, "encryptedToken", ZOOM_TOKEN, hmac_of(ZOOM_TOKEN.encode()).hex())
        for send, preset, asked in ((slack, "slack", b"3eZbrw1a"), (zoom, "zoom", b"qgg8vlvZ")):
            path = self.path_of(self.make_endpoint(preset))
            good = send(path)
            for name, sent in {
                "another secret": send(path, OTHER),
                "too old": send(path, age=400),
                "of the future": send(path, age=-400),
                "no signature": send(path, without="Signature"),
                "no timestamp": send(path, without="Request-Timestamp"),
                "another body": good.replace(asked, asked[:-1] + b"_"),
                "another version": good.replace(b": v0=", b": v1="),
            }.items():
                with self.subTest(preset, wrong=name):
                    self.assertNotEqual(sent, good)
                    reply = self.exchange(sent)
                    self.expect_problem(401, "SIGNATURE_REFUSED", reply)
                    self.expect_refused(reply, *never, asked[:-1].decode())
        self.expect_nothing_received()

    def test_zoom_is_answered_with_the_secret_that_it_signed_with(self):
        endpoint = self.make_endpoint("zoom")
        path = self.path_of(endpoint)
        self.rotate(endpoint, OTHER)
        for secret in (SECRET, OTHER):
            reply = self.exchange(zoom(path, secret))
            self.assertEqual((reply.status, reply.content), (200, zoom_answer(secret)))

    def test_discord_is_refused_without_a_right_signature(self):
        path = self.path_of(self.make_endpoint("discord", secret_key=DISCORD_PUBLIC))
        good = discord(path)
        for name, sent in {
            "of another body": discord(path, b'{"type":1}'),
            "no signature": discord(path, without="X-Signature-Ed25519"),
            "no timestamp": discord(path, without="X-Signature-Timestamp"),
            "another time": good.replace(b"X-Signature-Timestamp: 1675462453",
                                         b"X-Signature-Timestamp: 1675462454"),
            "zeros": re.sub(rb"Ed25519: [0-9a-f]{128}", b"Ed25519: " + b"0" * 128, good),
            "no digits": re.sub(rb"Ed25519: [0-9a-f]{128}", b"Ed25519: " + b"z" * 128, good),
        }.items():
            with self.subTest(name):
                reply = self.exchange(sent)
                self.expect_problem(401, "SIGNATURE_REFUSED", reply)
                self.expect_refused(reply, '"type":1')
        self.expect_nothing_received()

    def test_what_follows_a_signed_handshake_is_kept(self):
        path = self.path_of(self.make_endpoint("slack"))
        self.assertEqual(self.exchange(slack(path)).status, 200)
        event = b'{"type":"event_callback","event_id":"Ev08MFMKH6","event":{"type":"message"}}'
        self.assertEqual(self.exchange(slack(path, body=event)).status, 200)
        self.assertEqual([each["external_id"] for each in self.received()], ["Ev08MFMKH6"])


class Unsigned(HandshakeCase):
    """Handshakes that anybody may ask for."""

    def test_graph_gets_any_token_as_plain_text(self):
        path = self.path_of(self.make_endpoint("ms_graph"))
        for token in ("a", "a b+c", "é \u2028 \U0001f600", "<script>alert(1)</script>",
                      "a\r\nSet-Cookie: b=c", '{"a":1}', "x" * 4000):
            with self.subTest(token[:30]):
                reply = self.exchange(graph(path, token))
                self.assertEqual((reply.status, reply.headers["Content-Type"], reply.content),
                                 (200, "text/plain", token.encode()))
                self.assertNotIn("Set-Cookie", reply.headers)
        self.expect_nothing_received()

    def test_graph_without_a_token_is_an_ordinary_request(self):
        path = self.path_of(self.make_endpoint("ms_graph"))
        self.expect_refused(self.exchange(request(f"POST {path}?validationToken=",
                                                  {"Content-Type": "text/plain"})))
        self.expect_nothing_received()
        body = json.dumps({"value": [{"id": "lsgTZMr9KwAAA", "clientState": SECRET,
                                      "changeType": "created"}]}).encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        self.assertEqual(self.exchange(request(f"POST {path}", headers, body)).status, 200)
        self.assertEqual([each["external_id"] for each in self.received()], ["lsgTZMr9KwAAA"])

    def test_okta_gets_what_it_sent_as_json(self):
        path = self.path_of(self.make_endpoint("okta"))
        for challenge in ("a", 'a "quoted" \\ one', "my verification challenge string", "{}"):
            with self.subTest(challenge):
                reply = self.exchange(okta(path, challenge))
                self.assertEqual((reply.status, reply.headers["Content-Type"]), (200, "application/json"))
                self.assertEqual(reply.content,
                                 json.dumps({"verification": challenge}, separators=(",", ":")).encode())
        self.expect_refused(self.exchange(okta(path, "")), "verification", statuses=(404,))
        self.expect_nothing_received()

    def test_dropbox_gets_nothing_without_a_challenge(self):
        path = self.path_of(self.make_endpoint("dropbox"))
        for target in (path, f"{path}?challenge=", f"{path}?other=1"):
            with self.subTest(target):
                self.expect_problem(404, "NOT_FOUND",
                                    self.exchange(request(f"GET {target}", {"Accept": "*/*"})))

    def test_meta_is_not_answered_for_another_verify_token(self):
        path = self.path_of(self.make_endpoint("meta", signature_config=META_CONFIG))
        challenge = f"hub.challenge={META_CHALLENGE}"
        for name, query in {
            "another": f"hub.mode=subscribe&{challenge}&hub.verify_token=other",
            "other letters": f"hub.mode=subscribe&{challenge}&hub.verify_token=MeatyHamHock",
            "its beginning": f"hub.mode=subscribe&{challenge}&hub.verify_token=meaty",
            "empty": f"hub.mode=subscribe&{challenge}&hub.verify_token=",
            "none": f"hub.mode=subscribe&{challenge}",
            "a wrong one before":
                f"hub.mode=subscribe&{challenge}&hub.verify_token=x&hub.verify_token=meatyhamhock",
            "another mode": f"hub.mode=unsubscribe&{challenge}&hub.verify_token=meatyhamhock",
            "no mode": f"{challenge}&hub.verify_token=meatyhamhock",
        }.items():
            with self.subTest(name):
                reply = self.exchange(meta(path, query=query))
                self.expect_refused(reply, META_CHALLENGE, "meatyhamhock", statuses=(401, 404))
        self.expect_nothing_received()

    def test_meta_may_be_given_any_text_as_its_verify_token(self):
        for n, token in enumerate(("meatyhamhock", "a verify token", "s3cret!", "näh & 100 % + x")):
            with self.subTest(token):
                config = {"verify_token": token}
                path = self.path_of(self.make_endpoint("meta", endpoint_path=f"meta{n}",
                                                       signature_config=config))
                reply = self.exchange(meta(path, token))
                self.assertEqual((reply.status, reply.content), (200, META_CHALLENGE.encode()))

    def test_x_is_answered_with_the_newest_secret(self):
        endpoint = self.make_endpoint("twitter_x")
        path = self.path_of(endpoint)
        self.rotate(endpoint, OTHER)
        reply = self.exchange(x(path))
        self.assertEqual((reply.status, reply.content), (200, x_answer(OTHER)))

    def test_trello_gets_200_for_head_and_no_body(self):
        endpoint = self.make_endpoint("trello")
        path = self.path_of(endpoint)
        for query in ("", "?memberID=14&mainModel=true"):
            reply = self.exchange(trello(path, query))
            self.assertEqual((reply.status, reply.content), (200, b""))
            self.assertNotIn("Set-Cookie", reply.headers)
            self.assertEqual(self.exchange(trello(path, query), piece=1).status, 200)
        self.expect_nothing_received()
        off = self.make_endpoint("trello", endpoint_path="off", is_enabled=False)
        self.assertEqual(self.exchange(trello(self.path_of(off))).status, 404)

        body = b'{"action":{"id":"51f9424bcd6e040f3c002412","type":"updateCard"},"model":{"id":"4d5ea62fd7"}}'
        signature = base64.b64encode(hmac_of(body + endpoint["url"].encode(), algorithm="sha1")).decode()
        headers = {"Content-Type": "application/json", "X-Trello-Webhook": signature}
        self.assertEqual(self.exchange(request(f"POST {path}", headers, body)).status, 200)
        self.assertEqual([each["external_id"] for each in self.received()], ["51f9424bcd6e040f3c002412"])


if __name__ == "__main__":
    unittest.main()
