"""Requests to endpoints as bytes, most of them wrong, and what each is answered.

Endpoints are named by their paths: github and standard (presets), listed (one that only 203.0.113.0/24 may
send to), here (one that only this machine may), off, graph and adyen (batches whose elements prove who
sends), batch (one that a header proves).
"""
import base64
import gzip
import hashlib
import hmac
import json
import time
import uuid
from typing import NamedTuple

SECRET = "It's a Secret to Everybody"
STANDARD_SECRET = "whsec_" + base64.b64encode(b"standard webhooks, 32 bytes long").decode()
ADYEN_SECRET = "44782DEF547AAA06C910C43932B1EB0C71FC68D9D0C057550C48EC2ACF6BA056"
LIMIT = 1 << 20
CLOSE = b"Connection: close\r\n"
BODY = b'{"n": 1}'


class Case(NamedTuple):
    """A status of 0 stands for an end of the connection without an answer. before is sent first and answered
    200."""
    name: str
    request: bytes
    status: int
    says: bytes = b""  # in the answer
    lacks: bytes = b"\0"
    before: bytes = b""


def lines(**fields: str | bytes) -> bytes:
    return b"".join(name.replace("_", "-").encode() + b": " +
                    (value if isinstance(value, bytes) else value.encode()) + b"\r\n"
                    for name, value in fields.items())


def hexadecimal(body: bytes, secret: str = SECRET, digest: str = "sha256") -> str:
    return hmac.new(secret.encode(), body, digest).hexdigest()


def chunked(body: bytes, trailers: bytes = b"", extension: bytes = b"") -> bytes:
    return b"%x%s\r\n%s\r\n0\r\n%s\r\n" % (len(body), extension, body, trailers)


class Requests:
    """To the endpoints of one tenant."""

    def __init__(self, slug: str) -> None:
        self.slug = slug

    def post(self, endpoint: str, fields: bytes, body: bytes, *, length: bytes | None = None,
             target: bytes = b"", line: bytes = b"POST %s HTTP/1.1") -> bytes:
        to = target or f"/webhooks/{self.slug}/{endpoint}".encode()
        size = b"Content-Length: %d\r\n" % len(body) if length is None else length
        return line % to + b"\r\nHost: hub.example\r\n" + size + CLOSE + fields + b"\r\n" + body

    def github(self, body: bytes = BODY, *, endpoint: str = "github", sent: bytes | None = None,
               more: bytes = b"", identifier: str = "", **options) -> bytes:
        """Signed as it should be; sent is what goes over the wire instead of the body."""
        fields = lines(X_GitHub_Delivery=identifier or str(uuid.uuid4())) + more
        fields += lines(X_Hub_Signature_256="sha256=" + hexadecimal(body))
        return self.post(endpoint, fields, body if sent is None else sent, **options)

    def signed(self, *signatures: str | bytes, body: bytes = BODY) -> bytes:
        """To github, with these signatures, a header each."""
        return self.post("github", b"".join(lines(X_Hub_Signature_256=each) for each in signatures), body)

    def standard(self, *, at: str = "", identifier: str = "", body: bytes = BODY, form: str = "{}",
                 key: bytes = b"", leave: str = "", sent: bytes | None = None) -> bytes:
        """form holds a place for the signature, or for what is made of it by leave."""
        at = at or str(int(time.time()))
        identifier = identifier or "msg_" + uuid.uuid4().hex
        key = key or base64.b64decode(STANDARD_SECRET.removeprefix("whsec_"))
        mac = hmac.digest(key, f"{identifier}.{at}.".encode() + body, hashlib.sha256)
        signature = form.replace("{}", "v1," + base64.b64encode(mac).decode())
        signature = signature.replace("{hex}", "v1," + mac.hex())
        fields = {"webhook-id": identifier, "webhook-timestamp": at, "webhook-signature": signature}
        return self.post("standard", lines(**{k: v for k, v in fields.items() if k != leave}),
                         body if sent is None else sent)

    def batch(self, body: bytes) -> bytes:
        return self.post("batch", lines(X_Sig=hexadecimal(body)), body)

    def graph(self, *states: object) -> bytes:
        value = [{"id": uuid.uuid4().hex, "clientState": state} for state in states]
        return self.post("graph", b"", json.dumps({"value": value}).encode())

    def adyen(self, value: int = 1000, form: str = "base64") -> bytes:
        reference = uuid.uuid4().hex
        text = f"{reference}::Shop:order-1:1000:EUR:AUTHORISATION:true"
        mac = hmac.digest(bytes.fromhex(ADYEN_SECRET), text.encode(), hashlib.sha256)
        item = {"pspReference": reference, "merchantAccountCode": "Shop", "merchantReference": "order-1",
                "amount": {"value": value, "currency": "EUR"}, "eventCode": "AUTHORISATION",
                "success": "true", "additionalData": {
                    "hmacSignature": base64.b64encode(mac).decode() if form == "base64" else mac.hex()}}
        return self.post("adyen", b"",
                         json.dumps({"notificationItems": [{"NotificationRequestItem": item}]}).encode())


def framing(to: Requests) -> list[Case]:
    coding = b"Transfer-Encoding: chunked\r\n"
    both = coding + b"Content-Length: 8\r\n"
    return [
        Case("framing: chunked", to.github(sent=chunked(BODY), length=coding), 200),
        Case("framing: an extension", to.github(sent=chunked(BODY, extension=b";a=b"), length=coding), 200),
        Case("framing: a line feed in an extension",
             to.github(sent=chunked(BODY, extension=b';a="\n"'), length=coding), 400),
        Case("framing: one byte in each chunk",
             to.github(sent=b"".join(b"1\r\n%c\r\n" % byte for byte in BODY) + b"0\r\n\r\n", length=coding),
             200),
        Case("framing: both lengths", to.github(sent=chunked(BODY), length=both), 400),
        Case("framing: two lengths", to.github(length=b"Content-Length: 8\r\nContent-Length: 9\r\n"), 400),
        Case("framing: a coding before chunked",
             to.github(sent=chunked(BODY), length=b"Transfer-Encoding: gzip, chunked\r\n"), 400),
        Case("framing: a chunk that is longer than it says",
             to.github(sent=b"7\r\n" + BODY + b"\r\n0\r\n\r\n", length=coding), 400),
        Case("framing: a trailer with the name of a header takes no header away",
             to.github(sent=chunked(BODY, b"Host: other\r\n"), length=coding), 200),
        Case("framing: a signature in a trailer",
             to.post("github", b"", chunked(BODY, lines(X_Hub_Signature_256="sha256=" + hexadecimal(BODY))),
                     length=coding), 401),
        Case("framing: the right signature in a trailer, a wrong one in the header",
             to.post("github", lines(X_Hub_Signature_256="sha256=" + "0" * 64),
                     chunked(BODY, lines(X_Hub_Signature_256="sha256=" + hexadecimal(BODY))), length=coding),
             401),
        Case("framing: an address in a trailer",
             to.github(endpoint="listed", sent=chunked(BODY, b"X-Forwarded-For: 203.0.113.9\r\n"),
                       length=coding), 403)]


def sizes(to: Requests) -> list[Case]:
    coding = b"Transfer-Encoding: chunked\r\n"
    full = b"x" * LIMIT
    return [
        Case("size: as much as may be", to.github(full), 200),
        Case("size: a byte more", to.github(full + b"x"), 413),
        Case("size: says too much, sends nothing",
             to.github(sent=b"", length=b"Content-Length: 99999999\r\n"), 413),
        Case("size: a byte more in chunks", to.github(sent=chunked(full + b"x"), length=coding), 413),
        Case("size: as much as may be in chunks", to.github(full, sent=chunked(full), length=coding), 200),
        Case("size: asks before it sends too much",
             to.github(sent=b"", length=b"Content-Length: 1048577\r\nExpect: 100-continue\r\n"), 413),
        Case("size: asks and sends at once", to.github(more=b"Expect: 100-continue\r\n"), 200),
        Case("size: says less than it signed", to.github(length=b"Content-Length: 7\r\n"), 401),
        Case("size: says more than it sends", to.github(length=b"Content-Length: 9\r\n"), 0),
        Case("size: says nothing of it", to.github(length=b""), 401),
        Case("size: no body", to.github(b""), 200),
        Case("size: 100 headers and more", to.github(more=b"X-A: b\r\n" * 100), 431),
        Case("size: a header of 40,000 bytes", to.github(more=b"X-A: " + b"b" * 40000 + b"\r\n"), 431)]


def compressed(to: Requests) -> list[Case]:
    """Nothing is unpacked: what is signed and kept are the bytes that came."""
    bomb = gzip.compress(gzip.compress(bytes(100 << 20), 9), 9)
    plain = gzip.compress(BODY)
    named = {"gzip": plain, "gzip, gzip": bomb, "deflate": b"\x78\x9c\xff", "br": b"\x8b\xff",
             "zstd": b"\x28\xb5\x2f\xfd", "identity": BODY + b" ", "nothing-known": b"?"}
    cases = [Case(f"compressed: {name}", to.github(body, more=lines(Content_Encoding=name)), 200)
             for name, body in named.items()]
    return cases + [
        Case("compressed: cut off", to.github(plain[:-6], more=lines(Content_Encoding="gzip")), 200),
        Case("compressed: signed before", to.github(sent=plain, more=lines(Content_Encoding="gzip")), 401),
        Case("compressed: a batch", to.batch(gzip.compress(b'{"events": []}')), 422)]


def documents(to: Requests) -> list[Case]:
    """Where nothing is looked for in the body it may be anything; of a batch it must be JSON."""
    wrong = {"deeper than any": b"[" * 100000, "deep": b"[" * 65 + b"]" * 65, "a BOM": b"\xef\xbb\xbf{}",
             "invalid UTF-8": b'"\xff"', "a lone surrogate": b'"\\ud800"', "NaN": b"NaN",
             "a comment": b"{} // no", "more behind": b"{} {}", "a key twice": b'{"a": 1, "a": 2}',
             "nothing but a NUL": b"\0", "quotes": b'"', "an unfinished list": b'{"events": [',
             "too many members": b'{"events": [' + b"1," * 100001 + b"1]}"}
    strange = {"a number beyond all": b'{"events": [1e400]}',
               "a long number": b'{"events": [' + b"9" * 100000 + b"]}",
               "prototypes": b'{"events": [{"__proto__": {"id": 1}, "constructor": 1}]}',
               "no object": b'{"events": [null]}', "one twice": b'{"events": [{"id": 1}, {"id": 1}]}'}
    cases = [Case(f"JSON: {name}", to.github(body), 200) for name, body in (wrong | strange).items()]
    cases += [Case(f"JSON of a batch: {name}", to.batch(body), 422) for name, body in wrong.items()]
    cases += [Case(f"JSON of a batch: {name}", to.batch(body), 200, b'"ids":["')
              for name, body in strange.items()]
    unsigned = b'{"value": [{"clientState": "x", "clientState": "x"}]}'
    return cases + [
        Case("JSON of a batch: no list", to.batch(b'{"events": {}}'), 422),
        Case("JSON of a batch: no such member", to.batch(b"{}"), 422),
        Case("JSON of a batch: an empty list", to.batch(b'{"events": []}'), 200,
             b'{"ids":[],"duplicates":0}'),
        Case("JSON of a batch: as many as may be", to.batch(json.dumps({"events": [0] * 1000}).encode()),
             200),
        Case("JSON of a batch: one more", to.batch(json.dumps({"events": [0] * 1001}).encode()), 413),
        Case("graph: each proves it", to.graph(SECRET, SECRET), 200, b'"ids":["'),
        Case("graph: the last one does not", to.graph(SECRET, "x"), 401),
        Case("graph: none does", to.graph(None), 401), Case("graph: by a number", to.graph(1), 401),
        Case("graph: by a list", to.graph([SECRET]), 401), Case("graph: an empty list", to.graph(), 401),
        Case("graph: a key twice", to.post("graph", b"", unsigned), 401),
        Case("graph: no JSON", to.post("graph", b"", b"["), 401),
        Case("graph: the secret in the query",
             to.post("graph", b"", b"",
                     target=f"/webhooks/{to.slug}/graph?clientState={SECRET[:4]}".encode()), 401),
        Case("graph: a handshake",
             to.post("graph", b"", b"",
                     target=f"/webhooks/{to.slug}/graph?validationToken=a%3Cb%0d%0aX:c".encode()),
             200, b"\r\n\r\na<b\r\nX:c"),
        Case("adyen: as it should be", to.adyen(), 200, b"[accepted]"),
        Case("adyen: another amount", to.adyen(1001), 401),
        Case("adyen: hexadecimal", to.adyen(form="hex"), 401),
        Case("adyen: no items", to.post("adyen", b"", b'{"notificationItems": []}'), 401),
        Case("adyen: an item of another form", to.post("adyen", b"", b'{"notificationItems": [{}]}'), 401)]


def signatures(to: Requests) -> list[Case]:
    good = hexadecimal(BODY)
    right = "sha256=" + good
    encoded = base64.b64encode(bytes.fromhex(good)).decode()
    wrong = {"empty": "", "a prefix alone": "sha256=", "no prefix": good, "another prefix": "sha1=" + good,
             "the prefix in capitals": "SHA256=" + good, "base64": "sha256=" + encoded,
             "a digit short": right[:-1], "a byte short": right[:-2], "a byte long": right + "00",
             "twice as long": right + good, "half of it": right[:39],
             "the last byte": right[:-2] + f"{int(right[-2:], 16) ^ 1:02x}",
             "the first byte": f"sha256={int(good[:2], 16) ^ 1:02x}" + good[2:],
             "no hexadecimal": right[:-1] + "g", "prefixed by 0x": "sha256=0x" + good,
             "a blank inside": right[:20] + " " + right[20:], "a list": right + "," + right,
             "quoted": f'"{right}"', "of another secret": "sha256=" + hexadecimal(BODY, "another"),
             "of no secret": "sha256=" + hexadecimal(BODY, ""),
             "of another body": "sha256=" + hexadecimal(BODY + b" "),
             "SHA-1": "sha256=" + hexadecimal(BODY, digest="sha1"),
             "SHA-512": "sha256=" + hexadecimal(BODY, digest="sha512"), "beyond ASCII": "sha256=ä" + good,
             "all zeros": "sha256=" + "0" * 64, "30,000 bytes": "sha256=" + "0" * 30000}
    cases = [Case(f"signature: {name}", to.signed(value), 401) for name, value in wrong.items()]
    changed = bytes([BODY[0] ^ 1]) + BODY[1:]
    return cases + [
        Case("signature: none", to.signed(), 401),
        Case("signature: twice the same", to.signed(right, right), 401),
        Case("signature: a wrong one before", to.signed("sha256=" + "0" * 64, right), 401),
        Case("signature: a wrong one behind", to.signed(right, "sha256=" + "0" * 64), 401),
        Case("signature: capitals", to.signed("sha256=" + good.upper()), 200),
        Case("signature: blanks around", to.signed(f"  {right} \t"), 200),
        Case("signature: a bit of the body", to.github(sent=changed), 401),
        Case("signature: a NUL in it", to.signed(right[:20] + "\0" + right[21:]), 400),
        Case("signature: folded", to.signed("sha256=\r\n " + good), 400),
        Case("signature: in the query",
             to.post("github", b"", BODY,
                     target=f"/webhooks/{to.slug}/github?x-hub-signature-256={right}".encode()), 401),
        Case("signature: by another name", to.post("github", lines(X_Hub_Signature=right), BODY), 401),
        Case("signature: an underscore in its name",
             to.post("github", b"X_Hub_Signature_256: " + right.encode() + b"\r\n", BODY), 401)]


def standard(to: Requests) -> list[Case]:
    now = int(time.time())
    many = "v1,AAAA "
    times = {"400 s old": str(now - 400), "in 400 s": str(now + 400), "0": "0", "negative": str(-now),
             "milliseconds": str(now * 1000), "a fraction": f"{now}.0", "signed": f"+{now}",
             "hexadecimal": hex(now), "a date": "2026-11-22T16:48:00Z", "letters": "now",
             "beyond 64 bits": "9" * 30, "the most": "9223372036854775807", "two": f"{now}, {now}"}
    cases = [Case(f"time: {name}", to.standard(at=value), 401) for name, value in times.items()]
    cases += [Case(f"standard: without {name}", to.standard(leave=name), 401)
              for name in ("webhook-id", "webhook-timestamp", "webhook-signature")]
    forms = {"hexadecimal": "{hex}", "another version": "v2{}", "only v1a": "v1a,AAAA", "in quotes": '"{}"',
             "a comma for the blank": "v1,AAAA,{}", "more behind it": "{}AAAA", "the 17th": many * 16 + "{}",
             "hundreds": many * 500, "a prefix alone": "v1,"}
    cases += [Case(f"standard: {name}", to.standard(form=form), 401) for name, form in forms.items()]
    return cases + [
        Case("time: 200 s old", to.standard(at=str(now - 200)), 200),
        Case("time: in 200 s", to.standard(at=str(now + 200)), 200),
        Case("standard: as it should be", to.standard(), 200),
        Case("standard: the 16th", to.standard(form=many * 15 + "{}"), 200),
        Case("standard: 10,000", to.standard(form=many * 10000 + "{}"), 431),
        Case("standard: beside another version", to.standard(form="v1a,AAAA {}"), 200),
        Case("standard: an id with a point", to.standard(identifier="msg." + uuid.uuid4().hex), 200),
        Case("standard: the secret as text", to.standard(key=STANDARD_SECRET.encode()), 401),
        Case("standard: another secret", to.standard(key=b"k" * 32), 401),
        Case("standard: another body", to.standard(sent=b'{"n": 2}'), 401)]


def repeated(to: Requests) -> list[Case]:
    ids = [str(uuid.uuid4()) for _ in range(5)]
    old = str(int(time.time()) - 400)
    many = to.batch(json.dumps({"events": [{"id": ids[3]}, {"id": ids[4]}]}).encode())
    same = to.standard(identifier=ids[2])
    return [
        Case("repeated: the same", to.github(identifier=ids[0]), 200, b'"duplicate":true',
             before=to.github(identifier=ids[0])),
        Case("repeated: the id, with another body", to.github(b'{"n": 2}', identifier=ids[1]), 200,
             b'"conflict":true', before=to.github(identifier=ids[1])),
        Case("repeated: the body, with another id", to.github(), 200, lacks=b"duplicate", before=to.github()),
        Case("repeated: all bytes", same, 200, b'"duplicate":true', before=same),
        Case("repeated: the id, not signed", to.standard(identifier=ids[2], sent=b"{}"), 401, before=same),
        Case("repeated: the id, long ago", to.standard(identifier=ids[2], at=old), 401, before=same),
        Case("repeated: a batch", many, 200, b'"duplicates":2', before=many)]


def addresses(to: Requests) -> list[Case]:
    inside = "203.0.113.9"
    spoofed = {"X-Forwarded-For": inside, "X_Forwarded_For": inside, "X-Real-IP": inside,
               "Forwarded": f"for={inside}", "True-Client-IP": inside, "X-Client-IP": inside,
               "CF-Connecting-IP": inside, "Via": f"1.1 {inside}"}
    cases = [Case(f"address: {name}", to.github(endpoint="listed", more=f"{name}: {value}\r\n".encode()), 403)
             for name, value in spoofed.items()]
    hops = {"the first of two": f"{inside}, 127.0.0.1", "the last of two": f"127.0.0.1, {inside}",
            "as IPv6": f"::ffff:{inside}", "with a port": f"{inside}:80", "with a zone": "fe80::1%lo",
            "a range": "203.0.113.0/24", "no address": "localhost", "empty": ""}
    cases += [Case(f"address: {name}", to.github(endpoint="listed", more=lines(X_Forwarded_For=value)), 403)
              for name, value in hops.items()]
    proxy = f"PROXY TCP4 {inside} 127.0.0.1 4000 80\r\n".encode()
    return cases + [
        Case("address: one that may not", to.github(endpoint="listed"), 403),
        Case("address: one that may not, and signs wrong", to.github(endpoint="listed", sent=b"x"), 403),
        Case("address: two headers", to.github(endpoint="listed", more=lines(X_Forwarded_For=inside) * 2),
             403),
        Case("address: a proxy's line before", proxy + to.github(endpoint="listed"), 400),
        Case("address: a proxy's bytes before",
             b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes([203, 0, 113, 9, 127, 0, 0, 1, 15, 160, 0, 80]) +
             to.github(endpoint="listed"), 400),
        Case("address: one that may", to.github(endpoint="here"), 200),
        Case("address: one that may, and says another",
             to.github(endpoint="here", more=lines(X_Forwarded_For=inside)), 200)]


def behind_proxy(to: Requests) -> list[Case]:
    """Where this machine is a proxy that is trusted: what it says counts, and nothing that its peer says."""
    inside, outside = "203.0.113.9", "198.51.100.1"
    said = {"one that may": (200, inside), "one that may not": (403, outside),
            "a spoofed hop before": (403, f"{inside}, {outside}"),
            "another hop before": (200, f"{outside}, {inside}"),
            "proxies behind": (200, f"{inside}, 127.0.0.1, 127.0.0.1"),
            "no address behind": (403, f"{inside}, unknown"), "a port": (403, f"{inside}:80"),
            "empty": (403, ""), "nothing but proxies": (403, "127.0.0.1"),
            "a comma behind": (403, f"{inside},,")}
    cases = [Case(f"proxy: {name}", to.github(endpoint="listed", more=lines(X_Forwarded_For=value)), status)
             for name, (status, value) in said.items()]
    coding = b"Transfer-Encoding: chunked\r\n"
    trailer = chunked(BODY, lines(X_Forwarded_For=inside))
    return cases + [
        Case("proxy: says nothing", to.github(endpoint="listed"), 403),
        Case("proxy: a spoofed header before",
             to.github(endpoint="listed",
                       more=lines(X_Forwarded_For=inside) + lines(X_Forwarded_For=outside)), 403),
        Case("proxy: another header", to.github(endpoint="listed", more=lines(X_Real_IP=inside)), 403),
        Case("proxy: a spoofed trailer",
             to.github(endpoint="listed", more=lines(X_Forwarded_For=outside) + b"X-A: b\r\n", sent=trailer,
                       length=coding), 403)]


def routes(to: Requests) -> list[Case]:
    slug = to.slug.encode()
    whole = b"/webhooks/" + slug + b"/github"
    away = {"unknown tenant": b"/webhooks/nobody/github", "unknown path": b"/webhooks/" + slug + b"/none",
            "switched off": b"/webhooks/" + slug + b"/off", "two slashes behind": whole + b"//",
            "slash twice": b"/webhooks//" + slug + b"/github", "slash before": b"/" + whole,
            "encoded slash": b"/webhooks/" + slug + b"%2fgithub",
            "encoded slash in it": b"/webhooks/" + slug + b"/x%2f..%2fgithub",
            "encoded slash behind": whole + b"%2f", "two dots": b"/webhooks/x/../" + slug + b"/github",
            "encoded dots": b"/webhooks/x/%2e%2e/" + slug + b"/github",
            "a dot": b"/webhooks/./" + slug + b"/github", "a dot behind": whole + b"/.",
            "parameter": whole + b";x=1", "NUL": whole + b"%00", "blank": whole + b"%20",
            "plus": whole + b"+", "overlong UTF-8": b"/webhooks/" + slug + b"%c0%afgithub",
            "no UTF-8": whole + b"%ff", "a cut escape": whole + b"%", "no escape": whole + b"%zz",
            "twice encoded": b"/webhooks/" + slug + b"/%2567ithub", "fragment": whole + b"#x",
            "backslash": b"/webhooks\\" + slug + b"\\github", "capitals": whole.upper(),
            "path in capitals": b"/webhooks/" + slug + b"/GITHUB",
            "tenant in capitals": b"/webhooks/" + slug.upper() + b"/github",
            "a path of 7,000 bytes": b"/webhooks/" + slug + b"/" + b"a" * 7000,
            "a tenant of 7,000 bytes": b"/webhooks/" + b"a" * 7000 + b"/github",
            "no path": b"/webhooks/" + slug, "no tenant": b"/webhooks//github",
            "more behind": whole + b"/github", "SQL": b"/webhooks/" + slug + b"/'%20OR%201=1--"}
    cases = [Case(f"route: {name}", to.github(target=target), 404) for name, target in away.items()]
    cases += [Case(f"route: {method}", to.github(line=method.encode() + b" %s HTTP/1.1"), 405)
              for method in ("PUT", "PATCH", "DELETE", "TRACE", "BREW", "post", "POST2")]
    return cases + [
        Case("route: OPTIONS", to.github(line=b"OPTIONS %s HTTP/1.1"), 204,
             b"Allow: GET, HEAD, OPTIONS, POST\r\n"),
        Case("route: GET", to.github(line=b"GET %s HTTP/1.1"), 405, b"send them by POST"),
        Case("route: HEAD", to.github(line=b"HEAD %s HTTP/1.1"), 405, b"Allow: OPTIONS, POST\r\n",
             b"send them"),
        Case("route: GET of none", to.github(line=b"GET %s HTTP/1.1", endpoint="none"), 404),
        Case("route: GET of one that is off", to.github(line=b"GET %s HTTP/1.1", endpoint="off"), 404),
        Case("route: another method in a header",
             to.github(line=b"GET %s HTTP/1.1", more=b"X-HTTP-Method-Override: POST\r\n"), 405),
        Case("route: a slash behind", to.github(target=whole + b"/"), 200),
        Case("route: a slash behind, and a query", to.github(target=whole + b"/?a=1"), 200),
        Case("route: a path of 9,000 bytes", to.github(target=whole + b"a" * 9000), 414),
        Case("route: a query of 9,000 bytes", to.github(target=whole + b"?" + b"a" * 9000), 414),
        Case("route: a whole URL", to.github(target=b"http://hub.example" + whole), 200),
        Case("route: an encoded letter", to.github(target=b"/webhooks/" + slug + b"/%67ithub"), 200),
        Case("route: a query", to.github(target=whole + b"?a=1&b=%00"), 200),
        Case("route: HTTP/1.0", to.github(line=b"POST %s HTTP/1.0"), 200),
        Case("route: HTTP/2.0", to.github(line=b"POST %s HTTP/2.0"), 505)]


def all_cases(to: Requests) -> list[Case]:
    return (framing(to) + sizes(to) + compressed(to) + documents(to) + signatures(to) + standard(to) +
            repeated(to) + addresses(to) + routes(to))
