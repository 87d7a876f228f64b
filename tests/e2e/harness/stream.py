"""A reader of Server-Sent Events that keeps what comes and where it stands."""
import http.client
import json
import socket
import threading
from dataclasses import dataclass
from typing import Any, Callable

from harness.wait import eventually

TIMEOUT_S = 30


@dataclass(slots=True)
class Message:
    event: str
    id: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Stream:
    """Follows until it is closed or the server ends it."""

    def __init__(self, port: int, path: str, headers: dict[str, str]) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
        self.connection.request("GET", path, headers=headers)
        self._socket = self.connection.sock  # which the connection gives up when the answer says "close"
        self.response = self.connection.getresponse()
        self.status = self.response.status
        self.messages: list[Message] = []
        self.last_id = ""  # also of blocks that carry no message
        self.comments: list[str] = []
        self.retry = ""
        self.whole = False  # whether it ended in order
        self._thread = threading.Thread(target=self._read, daemon=True)
        if self.status == 200:
            self._thread.start()

    def _read(self) -> None:
        fields: dict[str, str] = {}
        try:
            for line in self.response:
                text = line.decode().rstrip("\n")
                name, _, value = text.partition(":")
                value = value.removeprefix(" ")
                if text == "":
                    self._dispatch(fields)
                    fields = {}
                elif name == "":
                    self.comments.append(value)
                else:
                    fields[name] = value
            self.whole = True
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass  # cut off, or closed by the test

    def _dispatch(self, fields: dict[str, str]) -> None:
        self.retry = fields.get("retry", self.retry)
        self.last_id = fields.get("id", self.last_id)
        if "data" in fields:
            self.messages.append(Message(fields.get("event", "message"), self.last_id, fields["data"]))

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def of(self, event: str) -> list[Message]:
        return [message for message in self.messages if message.event == event]

    def wait_for(self, count: int, event: str = "event", within: float = 30) -> list[Message]:
        eventually(lambda: len(self.of(event)) >= count, f"{count} messages '{event}' in the stream", within)
        return self.of(event)

    def wait_until(self, holds: Callable[["Stream"], bool], what: str) -> None:
        eventually(lambda: holds(self), what)

    def close(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it has ended by itself
        if self.status == 200:
            self._thread.join(TIMEOUT_S)
        self.response.close()
        self.connection.close()
