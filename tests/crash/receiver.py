"""The receiver process: takes webhooks, notes each in the ledger, then answers by a seeded table.

Talks with its parent in lines of JSON: prints {"port"}, reads {"seed", "ledger", "secrets"} (the signing
secrets by endpoint number), prints {"ready"}, and ends when its standard input does.
"""
import asyncio
import base64
import hashlib
import hmac
import json
import socket
import struct
import sys
import threading
import time
import zlib
from collections import defaultdict

import ledger
from ledger import Answer

TOLERANCE_S = 300
HEADER_BYTES_MAX = 32 << 10

# Share in per mille and what one after the other is answered for a delivery; the last one stays.
SCRIPTS = (
    (938, (Answer.OK,)),
    (15, (Answer.SLOW,)),
    (2, (Answer.HANG, Answer.OK)),
    (15, (Answer.ERROR, Answer.OK)),
    (8, (Answer.DROP, Answer.OK)),
    (8, (Answer.CUT, Answer.OK)),
    (8, (Answer.ERROR, Answer.DROP, Answer.SLOW)),
    (6, (Answer.CUT, Answer.ERROR, Answer.ERROR, Answer.OK)),
)
SLOW_S_MAX = 0.8  # well below the subscriptions' timeout
DROP_S_MAX = 0.3

ANSWERS = {
    Answer.OK: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    Answer.SLOW: b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    Answer.ERROR: b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nlate",
    Answer.CUT: b"HTTP/1.1 200 OK\r\nContent-Len",
}


def share_of(seed: int, endpoint: int, seq: int, what: str) -> int:
    """A number from 0 to 999 that depends on nothing but the arguments."""
    return zlib.crc32(f"{seed}/{what}/{endpoint}/{seq}".encode()) % 1000


def script_of(seed: int, endpoint: int, seq: int) -> tuple[Answer, ...]:
    number = share_of(seed, endpoint, seq, "script")
    for share, script in SCRIPTS:
        if number < share:
            return script
        number -= share
    raise AssertionError("the shares do not add up to 1000")


def text_of_data(body: str) -> str:
    """The text of the member data as it was sent: number texts and the order of members are to be kept."""
    start = body.index('"data":') + len('"data":')
    _, end = json.JSONDecoder().raw_decode(body, start)
    return body[start:end]


class Receiver:
    """What all connections share."""

    def __init__(self, seed: int, secrets: dict[int, bytes], book: ledger.Writer):
        self.seed = seed
        self.secrets = secrets
        self.book = book
        self.requests = defaultdict(int)  # by (endpoint, seq)

    def take(self, path: str, headers: dict[str, str], body: bytes, kept: bool) -> ledger.Received:
        """Notes the request with the answer that it will get."""
        endpoint = int(path.rpartition("/")[2])
        seq, sha256 = -1, ""
        try:
            data = text_of_data(body.decode())
            seq = json.loads(data)["seq"]
            sha256 = hashlib.sha256(data.encode()).hexdigest()
        except (ValueError, KeyError, TypeError):
            pass  # seq -1 says so; the reconciliation counts it as corrupt
        nth = self.requests[endpoint, seq]
        self.requests[endpoint, seq] += 1
        script = script_of(self.seed, endpoint, seq)
        row = ledger.Received(
            at_us=time.time_ns() // 1000, endpoint=endpoint, seq=seq, sha256=sha256, kept=kept,
            webhook_id=headers.get("webhook-id", ""), signed=self.is_signed(endpoint, headers, body),
            answer=script[min(nth, len(script) - 1)])
        self.book.append(ledger.received_line(row))
        return row

    def is_signed(self, endpoint: int, headers: dict[str, str], body: bytes) -> bool:
        timestamp = headers.get("webhook-timestamp", "")
        if not timestamp.isdigit() or abs(time.time() - int(timestamp)) > TOLERANCE_S:
            return False
        content = f"{headers.get('webhook-id', '')}.{timestamp}.".encode() + body
        digest = hmac.new(self.secrets[endpoint], content, hashlib.sha256).digest()
        wanted = "v1," + base64.b64encode(digest).decode()
        return any(hmac.compare_digest(wanted, given)
                   for given in headers.get("webhook-signature", "").split(" "))


class Connection(asyncio.Protocol):
    """Requests of one kept connection, one at a time."""

    def __init__(self, receiver: Receiver):
        self._receiver = receiver
        self._transport = None
        self._buffer = b""
        self._requests = 0
        self._busy = False

    def connection_made(self, transport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._next()

    def _next(self) -> None:
        if self._busy:
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > HEADER_BYTES_MAX:
                self._transport.abort()
            return
        request_line, *fields = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.strip().lower(): value.strip()
                   for name, _, value in (field.partition(":") for field in fields)}
        body_end = end + 4 + int(headers.get("content-length", "0"))
        if len(self._buffer) < body_end:
            return
        body, self._buffer = self._buffer[end + 4:body_end], self._buffer[body_end:]
        row = self._receiver.take(request_line.split(" ")[1], headers, body, self._requests > 0)
        self._requests += 1
        self._answer(row)

    def _answer(self, row: ledger.Received) -> None:
        if row.answer is Answer.HANG:
            self._busy = True
            return
        longest = {Answer.SLOW: SLOW_S_MAX, Answer.DROP: DROP_S_MAX}.get(row.answer)
        if longest is None:
            return self._finish(row)
        self._busy = True
        delay_s = longest * share_of(self._receiver.seed, row.endpoint, row.seq, "delay") / 1000
        asyncio.get_running_loop().call_later(delay_s, self._finish, row)

    def _finish(self, row: ledger.Received) -> None:
        self._busy = False
        if self._transport.is_closing():
            return
        answer = row.answer
        if answer is Answer.SLOW:
            self._receiver.book.append(ledger.answered_line(row.endpoint, row.seq))
        if answer in ANSWERS:
            self._transport.write(ANSWERS[answer])
        if answer in (Answer.DROP, Answer.CUT):
            # Lingering for no time makes the close a reset; what was written before has left already.
            self._transport.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
        else:
            self._next()


async def serve() -> None:
    loop = asyncio.get_running_loop()
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(json.dumps({"port": listener.getsockname()[1]}), flush=True)
    line = await loop.run_in_executor(None, sys.stdin.readline)
    if not line:
        return  # the parent gave up before it began
    config = json.loads(line)
    secrets = {int(number): base64.b64decode(text.removeprefix("whsec_"))
               for number, text in config["secrets"].items()}
    book = ledger.Writer(config["ledger"])
    receiver = Receiver(config["seed"], secrets, book)
    server = await loop.create_server(lambda: Connection(receiver), sock=listener)
    print(json.dumps({"ready": True}), flush=True)
    stopping = asyncio.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(stopping.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    await stopping.wait()
    server.close()
    book.close()


if __name__ == "__main__":
    asyncio.run(serve())
