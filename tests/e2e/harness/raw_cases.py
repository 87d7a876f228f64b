"""Requests as bytes, most of them wrong, and the statuses they may be answered with (RFC 9110, 9112).

A case is (name, bytes, statuses). A status of 0 stands for an end of the connection without an answer.
Whatever a case holds behind the first request must not be answered: it is a part of a message whose end is in
doubt.
"""
from harness.hub import BOOTSTRAP_KEY

HOST = b"Host: hub.example\r\n"
CLOSE = b"Connection: close\r\n"
NEXT = b"GET /livez HTTP/1.1\r\nHost: hub.example\r\n\r\n"
OPEN = b"GET /livez HTTP/1.1"  # for anybody, with no body that is read
KNOWN = b"GET /api/v1/tenants HTTP/1.1\r\nAuthorization: Bearer " + BOOTSTRAP_KEY.encode()  # its body is read

Case = tuple[str, bytes, tuple[int, ...]]


def get(target: bytes = b"/livez", *headers: bytes, version: bytes = b"HTTP/1.1") -> bytes:
    line = b"GET " + target + b" " + version + b"\r\n"
    return line + HOST + CLOSE + b"".join(h + b"\r\n" for h in headers) + b"\r\n"


def post(headers: bytes, body: bytes = b"", line: bytes = b"POST /api/v1/events HTTP/1.1") -> bytes:
    return line + b"\r\n" + HOST + headers + b"\r\n" + body


def lengths() -> list[Case]:
    wrong = {"plus": b"+5", "minus": b"-5", "hexadecimal": b"0x5", "two numbers": b"5 5", "fraction": b"5.0",
             "exponent": b"5e0", "nothing": b"", "letters": b"five",
             "beyond 64 bits": b"18446744073709551616", "far beyond 64 bits": b"9" * 40, "a parameter": b"5;",
             "tab inside": b"5\t5", "vertical tab": b"\x0b5", "binary": b"0b101", "underscore": b"5_0",
             "thousands": b"1,000", "list": b"5, 5", "list of others": b"5, 6", "full width": "５".encode(),
             "quoted": b'"5"', "NUL": b"5\x00", "not a number": b"NaN"}
    cases = [(f"Content-Length: {name}", post(b"Content-Length: " + value + b"\r\n", b"hello" + NEXT), (400,))
             for name, value in wrong.items()]
    twice = b"Content-Length: 5\r\nContent-Length: %d\r\n"
    cases += [("Content-Length twice, the same", post(twice % 5, b"hello" + NEXT), (400,)),
              ("Content-Length twice, different", post(twice % 6, b"hello" + NEXT), (400,)),
              ("Content-Length after a blank name", post(b"Content-Length : 5\r\n", b"hello" + NEXT), (400,)),
              ("Content-Length folded", post(b"Content-Length:\r\n 5\r\n", b"hello" + NEXT), (400,)),
              ("Content-Length beyond the limit", post(b"Content-Length: 99999999\r\n", b"x"), (413,)),
              ("Content-Length beyond what comes", post(b"Content-Length: 50\r\n", b"hello", KNOWN),
               (0, 400)),
              ("Content-Length beyond what comes to where nobody reads",
               post(b"Content-Length: 50\r\n", b"hello", OPEN), (200,)),
              ("a large Content-Length to where nobody reads",
               post(b"Content-Length: 1000000\r\n", b"hello" + NEXT, OPEN), (200,)),
              ("Content-Length beyond what comes from nobody", post(b"Content-Length: 50\r\n", b"hello"),
               (401,))]
    return cases


def codings() -> list[Case]:
    body = b"5\r\nhello\r\n0\r\n\r\n"
    both = b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"
    wrong = {"unknown": (b"xchunked", (400, 501)), "identity": (b"identity", (400, 501)),
             "gzip": (b"gzip", (400, 501)), "gzip before chunked": (b"gzip, chunked", (400, 501)),
             "chunked before gzip": (b"chunked, gzip", (400, 501)),
             "chunked twice": (b"chunked, chunked", (400, 501)), "leading comma": (b", chunked", (400, 501)),
             "trailing comma": (b"chunked ,", (400, 501)), "parameter": (b"chunked;q=1", (400, 501)),
             "vertical tab before": (b"\x0bchunked", (400, 501)),
             "vertical tab behind": (b"chunked\x0b", (400, 501)), "blank inside": (b"chun ked", (400, 501)),
             "nothing": (b"", (400, 501)), "quoted": (b'"chunked"', (400, 501)),
             "NUL": (b"chunked\x00", (400,)), "null": (b"null", (400, 501)),
             "form feed": (b"\x0cchunked", (400, 501)), "other letters": (b"chunke\xe1\xb8\x8d", (400, 501))}
    cases = [(f"Transfer-Encoding: {name}", post(b"Transfer-Encoding: " + value + b"\r\n", body + NEXT),
              statuses)
             for name, (value, statuses) in wrong.items()]
    cases += [("Transfer-Encoding with Content-Length", post(both, body + NEXT), (400,)),
              ("Content-Length with Transfer-Encoding",
               post(b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", body + NEXT), (400,)),
              ("Transfer-Encoding twice", post(b"Transfer-Encoding: chunked\r\n" * 2, body + NEXT),
               (400, 501)),
              ("Transfer-Encoding twice, different",
               post(b"Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", body + NEXT), (400, 501)),
              ("Transfer-Encoding before a blank", post(b"Transfer-Encoding : chunked\r\n", body + NEXT),
               (400,)),
              ("Transfer-Encoding folded", post(b"Transfer-Encoding:\r\n chunked\r\n", body + NEXT), (400,)),
              ("Transfer-Encoding in HTTP/1.0",
               post(b"Transfer-Encoding: chunked\r\n", body + NEXT, b"POST /api/v1/events HTTP/1.0"),
               (400, 401, 501)),
              ("a header that only looks like it",
               post(b"Transfer_Encoding: chunked\r\nContent-Length: 5\r\n" + CLOSE, b"hello"), (401,)),
              ("chunked in capitals", post(b"Transfer-Encoding: CHUNKED\r\n" + CLOSE, body), (401,))]
    return cases


def chunks() -> list[Case]:
    head = b"Transfer-Encoding: chunked\r\n"
    end = b"\r\n0\r\n\r\n"
    wrong = {"negative": b"-5\r\nhello" + end, "plus": b"+5\r\nhello" + end, "prefix": b"0x5\r\nhello" + end,
             "blank before": b" 5\r\nhello" + end, "letters": b"g\r\nhello" + end,
             "nothing": b"\r\nhello" + end, "beyond 64 bits": b"F" * 17 + b"\r\nhello" + end,
             "no end of the data": b"5\r\nhello0\r\n\r\n", "data too long": b"5\r\nhelloo" + end,
             "line feed for the end of the size": b"5\nhello" + end,
             "an extension without end": b"5;" + b"a" * 40000, "NUL in the size": b"5\x00\r\nhello" + end,
             "carriage return alone behind the size": b"5\rhello" + end, "underscore": b"1_0\r\nhello" + end,
             "two sizes": b"5 5\r\nhello" + end, "minus nothing": b"-0\r\n\r\n",
             "point": b"5.0\r\nhello" + end,
             "a trailer without colon": b"5\r\nhello\r\n0\r\nnothing here\r\n\r\n",
             "a trailer with a NUL": b"5\r\nhello\r\n0\r\nX: a\x00b\r\n\r\n"}
    cases = [(f"chunk: {name}", post(head, body + NEXT, KNOWN), (400,)) for name, body in wrong.items()]
    cases += [(f"chunk from nobody: {name}", post(head, body + NEXT), (401,)) for name, body in wrong.items()]
    cases += [(f"chunk to where nobody reads: {name}", post(head, body + NEXT, OPEN), (200,))
              for name, body in wrong.items()]
    cases += [("chunk: cut off in its size", post(head, b"5", KNOWN), (0, 400)),
              ("chunk: cut off in its data", post(head, b"5\r\nhel", KNOWN), (0, 400)),
              ("chunk: no last one", post(head, b"5\r\nhello\r\n", KNOWN), (0, 400)),
              ("chunks beyond the limit", post(head, b"200000\r\n" + b"x" * 0x200000 + end, KNOWN), (413,)),
              ("chunk: an extension", post(head + CLOSE, b"5;name=value\r\nhello" + end, KNOWN), (200,)),
              ("chunk: trailers that name what a header does",
               post(head + CLOSE, b"5\r\nhello\r\n0\r\nContent-Length: 3\r\nTransfer-Encoding: gzip\r\n"
                    b"Authorization: Bearer cdk_0\r\nHost: other\r\n\r\n", KNOWN), (400,)),
              ("chunk: a trailer that would prove who sends",
               post(head + CLOSE, b"5\r\nhello\r\n0\r\nAuthorization: Bearer cdk_0\r\n\r\n"), (401,))]
    return cases


def request_lines() -> list[Case]:
    rest = b"\r\n" + HOST + CLOSE + b"\r\n"
    wrong = {"two blanks": b"GET  /livez HTTP/1.1", "tab": b"GET\t/livez HTTP/1.1",
             "no version": b"GET /livez", "no target": b"GET HTTP/1.1",
             "lower case version": b"GET /livez http/1.1", "three numbers": b"GET /livez HTTP/1.1.1",
             "no point": b"GET /livez HTTP/11", "no number": b"GET /livez HTTP/",
             "more behind": b"GET /livez HTTP/1.1 more", "blank before": b" GET /livez HTTP/1.1",
             "NUL in the target": b"GET /li\x00vez HTTP/1.1", "blank in the target": b"GET /li vez HTTP/1.1",
             "carriage return in the target": b"GET /li\rvez HTTP/1.1",
             "control in the target": b"GET /li\x01vez HTTP/1.1",
             "DEL in the target": b"GET /li\x7fvez HTTP/1.1", "no slash": b"GET livez HTTP/1.1",
             "NUL in the method": b"GE\x00T /livez HTTP/1.1", "colon for the blank": b"GET:/livez HTTP/1.1",
             "braces for a method": b"{} /livez HTTP/1.1", "parenthesis": b"GET() /livez HTTP/1.1",
             "two letters for HTTP": b"GET /livez HT/1.1", "minus": b"GET /livez HTTP/-1.1",
             "hexadecimal": b"GET /livez HTTP/0x1.1",
             "authority for a path": b"CONNECT hub.example:443 HTTP/1.1", "only a blank": b" ",
             "only letters": b"hello"}
    cases = [(f"request line: {name}", line + rest + NEXT,
              (400, 404, 405) if name == "authority for a path" else (400,))
             for name, line in wrong.items()]
    cases += [("version 2.0", b"GET /livez HTTP/2.0" + rest, (400, 505)),
              ("version 3", b"GET /livez HTTP/3" + rest, (400, 505)),
              ("version 0.9", b"GET /livez HTTP/0.9" + rest, (400, 505)),
              ("version 1.2", b"GET /livez HTTP/1.2" + rest, (200, 400, 505)),
              ("preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", (400, 505)),
              ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200) + b"\r\n\r\n",
               (0, 400)),
              ("nothing but zeros", bytes(4096) + b"\r\n\r\n", (0, 400)),
              ("a fragment", get(b"/livez#top"), (200, 400, 404)),
              ("an absolute target", get(b"http://hub.example/livez"), (200,)),
              ("an absolute target without a host", get(b"http:///livez"), (400,)),
              ("an absolute target of another protocol", get(b"ftp://hub.example/livez"), (400,)),
              ("an absolute target with user info", get(b"http://me@hub.example/livez"), (400,)),
              ("an asterisk", b"OPTIONS * HTTP/1.1" + rest, (204,)),
              ("an asterisk but for OPTIONS", get(b"*"), (400,)),
              ("a method nobody knows", b"BREW /livez HTTP/1.1" + rest, (400, 405, 501)),
              ("a lower case method", b"get /livez HTTP/1.1" + rest, (400, 405, 501)),
              ("a very long method", b"A" * 5000 + b" /livez HTTP/1.1" + rest, (400, 405, 414, 431, 501)),
              ("a target of 9,000 bytes", get(b"/" + b"a" * 9000), (414,)),
              ("a query of 9,000 bytes", get(b"/livez?" + b"a" * 9000), (414,)),
              ("a header without end", b"GET /" + b"a" * 70000, (414, 431)),
              ("bytes beyond ASCII in the target", get("/lívez".encode()), (400, 404)),
              ("an empty line before", b"\r\n" + get(), (200,)),
              ("HTTP/1.0", get(version=b"HTTP/1.0"), (200,))]
    return cases


def headers() -> list[Case]:
    line = b"GET /livez HTTP/1.1\r\n"
    wrong = {"blank before the colon": b"X-A : b", "no colon": b"nothing here", "no name": b": b",
             "NUL in a value": b"X-A: a\x00b", "NUL in a name": b"X\x00A: b",
             "control in a name": b"X\x01A: b", "carriage return in a value": b"X-A: a\rb",
             "DEL in a name": b"X\x7fA: b", "blank in a name": b"X A: b", "parenthesis in a name": b"X(A): b",
             "bytes beyond ASCII in a name": "Ä: b".encode(), "folded": b"X-A: a\r\n b",
             "folded by a tab": b"X-A: a\r\n\tb", "control in a value": b"X-A: a\x01b",
             "slash in a name": b"X/A: b", "at in a name": b"X@A: b", "quotes in a name": b'"X": b',
             "comma in a name": b"X,A: b", "bracket in a name": b"X[A]: b"}
    cases = [(f"header: {name}", line + HOST + CLOSE + value + b"\r\n\r\n" + NEXT, (400,))
             for name, value in wrong.items()]
    cases += [("header: a blank before the first", line + b" X-A: b\r\n" + HOST + CLOSE + b"\r\n", (400,)),
              ("no Host", line + CLOSE + b"\r\n", (400,)),
              ("two Hosts", line + HOST * 2 + CLOSE + b"\r\n", (400,)),
              ("two different Hosts", line + HOST + b"Host: other\r\n" + CLOSE + b"\r\n", (400,)),
              ("no Host in HTTP/1.0", b"GET /livez HTTP/1.0\r\n\r\n", (200,)),
              ("101 headers", line + HOST + CLOSE + b"X-A: b\r\n" * 101 + b"\r\n", (431,)),
              ("headers of 40,000 bytes", line + HOST + CLOSE + b"X-A: " + b"b" * 40000 + b"\r\n\r\n",
               (431,)),
              ("a name of 40,000 bytes", line + HOST + CLOSE + b"X" * 40000 + b": b\r\n\r\n", (400, 431)),
              ("line feeds alone", b"GET /livez HTTP/1.1\nHost: a\nConnection: close\n\n", (200, 400)),
              ("a value beyond ASCII", line + HOST + CLOSE + "X-A: ä".encode() + b"\r\n\r\n", (200,)),
              ("a name with an underscore", line + HOST + CLOSE + b"X_A: b\r\n\r\n", (200,)),
              ("an empty value", line + HOST + CLOSE + b"X-A:\r\n\r\n", (200,)),
              ("an expectation nobody knows",
               post(b"Expect: a-miracle\r\nContent-Length: 2\r\n" + CLOSE, b"{}"), (401, 417)),
              ("cut off in a name", line + b"Ho", (0, 400)),
              ("cut off before the empty line", line + HOST, (0, 400))]
    return cases


def targets() -> list[Case]:
    away = [b"/..", b"/../livez", b"/%2e%2e/livez", b"/.%2e/livez", b"/livez/", b"//livez", b"/livez;x=1",
            b"/LIVEZ", b"/livez%2f", b"/livez%00", b"/%00", b"/livez%", b"/livez%zz", b"/livez%2",
            b"/api/v1/events/../../livez", b"/api/../livez", b"/%c0%af", b"/%c0%ae%c0%ae/livez", b"/%ff%fe",
            b"/\\livez", b"/livez\\", b"/.", b"/./livez", b"/livez/.", b"/webhooks", b"/webhooks/",
            b"/webhooks/acme", b"/webhooks//x", b"/webhooks/acme/", b"/webhooks/%00/x",
            b"/webhooks/acme/%2e%2e", b"/webhooks/..%2facme/x", b"/webhooks/acme/x/y", b"/problems/%2e%2e",
            b"/problems/..%2f..%2fetc%2fpasswd", b"/etc/passwd", b"/.git/config", b"/%252e%252e/livez",
            b"/livez%20", b"/ livez"[:1]]
    return [(f"target {target.decode('latin-1')}", get(target), (400, 404, 405)) for target in away]


CASES: list[Case] = lengths() + codings() + chunks() + request_lines() + headers() + targets()
