"""Receivers of webhooks that do what the test tells them to: answer, fail, lie, or say nothing."""
import json
import socket
import socketserver
import struct
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Callable

from harness.wait import eventually

HANG_MAX_S = 60


@dataclass(slots=True)
class Request:
    """What arrived. Names of headers are in lower case, in the order of arrival."""
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    def header(self, name: str) -> str | None:
        return next((value for key, value in self.headers if key == name.lower()), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[["_Exchange"], None]


class _Exchange(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def do_POST(self) -> None:  # the name is BaseHTTPRequestHandler's
        length = int(self.headers.get("Content-Length") or 0)
        headers = [(name.lower(), value) for name, value in self.headers.items()]
        behaviour = self.server.receiver.record(
            Request(self.command, self.path, headers, self.rfile.read(length))
        )
        try:
            behaviour(self)
        finally:
            self.server.receiver.leave()

    def log_message(self, *_: Any) -> None:
        """Says nothing: the test looks at what was recorded."""

    def send(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def cut(self) -> None:
        self.close_connection = True
        self.connection.close()


def answer(status: int = 200, body: bytes = b"ok", headers: dict[str, str] | None = None) -> Behaviour:
    return lambda exchange: exchange.send(status, body, headers)


def redirect(location: str, status: int = 307) -> Behaviour:
    return answer(status, b"", {"Location": location})


def slow(seconds: float, then: Behaviour = answer()) -> Behaviour:
    def behave(exchange: _Exchange) -> None:
        exchange.server.receiver.closing.wait(seconds)
        then(exchange)
    return behave


def hang(exchange: _Exchange) -> None:
    """Reads the request and never says a word."""
    exchange.server.receiver.closing.wait(HANG_MAX_S)
    exchange.cut()


def wait_to_be_left(exchange: _Exchange) -> None:
    """Never says a word either, but notices when the server hangs up."""
    exchange.close_connection = True
    while exchange.connection.recv(4096):
        pass


def reset(exchange: _Exchange) -> None:
    """Ends the connection with a TCP reset."""
    exchange.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    exchange.cut()


def garbage(exchange: _Exchange) -> None:
    """Answers, but not in HTTP."""
    exchange.wfile.write(b"\x16\x03 this is not HTTP\r\n\r\n")
    exchange.cut()


def truncated(exchange: _Exchange) -> None:
    """Promises a hundred bytes and sends ten."""
    exchange.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
    exchange.cut()


def endless(head: bytes, again: bytes, pause_s: float = 0) -> Behaviour:
    """The head, then the same bytes again and again until the server has enough."""
    def behave(exchange: _Exchange) -> None:
        exchange.close_connection = True
        exchange.wfile.write(head)
        while not exchange.server.receiver.closing.wait(pause_s):
            exchange.wfile.write(again)
    return behave


def raw(content: bytes, then: Behaviour | None = None) -> Behaviour:
    """These bytes, whatever they mean."""
    def behave(exchange: _Exchange) -> None:
        exchange.wfile.write(content)
        if then:
            then(exchange)
    return behave


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True
    request_queue_size = 256

    def __init__(self, receiver: "Receiver", port: int) -> None:
        self.receiver = receiver
        super().__init__(("127.0.0.1", port), _Exchange)

    def handle_error(self, *_: Any) -> None:
        """A connection that was cut is part of the test."""


class Receiver:
    """Listens on a port of its own and keeps what arrives. The next requests meet the behaviours of the
    script, each its own; the rest meet the default."""

    def __init__(self, default: Behaviour = answer(), port: int = 0) -> None:
        self.default = default
        self.closing = threading.Event()
        self._script: list[Behaviour] = []
        self._requests: list[Request] = []
        self._under_way = 0
        self._lock = threading.Lock()
        self._server = _Server(self, port)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook"

    def script(self, *behaviours: Behaviour) -> None:
        with self._lock:
            self._script.extend(behaviours)

    def record(self, request: Request) -> Behaviour:
        with self._lock:
            self._requests.append(request)
            self._under_way += 1
            return self._script.pop(0) if self._script else self.default

    def leave(self) -> None:
        with self._lock:
            self._under_way -= 1

    @property
    def under_way(self) -> int:
        """Requests whose behaviour has not come to its end."""
        with self._lock:
            return self._under_way

    @property
    def requests(self) -> list[Request]:
        with self._lock:
            return list(self._requests)

    def wait_for(self, count: int) -> list[Request]:
        """The requests, as soon as there are so many."""
        eventually(lambda: len(self.requests) >= count, f"{count} requests at the receiver")
        return self.requests

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
