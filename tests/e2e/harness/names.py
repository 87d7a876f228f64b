"""A name server of the test's own, and a server that asks it instead of the machine's."""
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import threading
from ipaddress import ip_address

NXDOMAIN, SERVFAIL, REFUSED, NO_ERROR = 3, 2, 5, 0
SILENT = -1  # no answer at all
TYPE_A, TYPE_AAAA = 1, 28
TTL_S = 0
LOOK_UP_S = 0.1  # whether it is to end


class CannotAsk(Exception):
    """This machine does not let us; the message says why."""


class NameServer:
    """Answers on port 53 of an address of 127.0.0.0/8. zone: by name, a code, or addresses as text."""

    def __init__(self, zone: dict[str, int | tuple[str, ...]]) -> None:
        self._zone = zone
        self.asked: list[str] = []
        # One address for each test process: several run at a time.
        self.address = f"127.53.{os.getpid() >> 8 & 255}.{os.getpid() & 255 or 1}"
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            self._socket.bind((self.address, 53))
        except OSError as error:
            self._socket.close()
            raise CannotAsk(f"port 53 of {self.address}: {error}") from error
        self._socket.settimeout(LOOK_UP_S)
        self._closing = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._closing = True
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._closing:
            try:
                question, asker = self._socket.recvfrom(4096)
            except TimeoutError:
                continue
            answer = self._answer(question)
            if answer:
                self._socket.sendto(answer, asker)

    def _answer(self, question: bytes) -> bytes | None:
        name, end = read_name(question)
        kind = int.from_bytes(question[end:end + 2])
        self.asked.append(name)
        found = self._zone.get(name, NXDOMAIN)
        if found == SILENT:
            return None
        addresses = found if isinstance(found, tuple) else ()
        fitting = [address for address in map(ip_address, addresses)
                   if kind == (TYPE_A if address.version == 4 else TYPE_AAAA)]
        code = found if isinstance(found, int) else NO_ERROR
        header = question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(fitting), 0, 0)
        records = b"".join(struct.pack("!HHHIH", 0xC00C, kind, 1, TTL_S, len(address.packed)) + address.packed
                           for address in fitting)
        return header + question[12:end + 4] + records


def read_name(question: bytes) -> tuple[str, int]:
    """The name that is asked for and where it ends."""
    labels, at = [], 12
    while size := question[at]:
        labels.append(question[at + 1:at + 1 + size].decode())
        at += 1 + size
    return ".".join(labels).lower(), at + 1


def asking(server: NameServer, directory: pathlib.Path) -> tuple[str, ...]:
    """The start of a command whose program asks the name server: it sees another /etc/resolv.conf than the
    rest of the machine, in a mount namespace of its own."""
    settings = directory / "resolv.conf"
    settings.write_text(f"nameserver {server.address}\n")
    namespace = ["unshare", "--mount"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    prefix = (*namespace, "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', str(settings))
    if shutil.which("unshare") is None:
        raise CannotAsk("there is no unshare")
    tried = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        raise CannotAsk(tried.stderr.strip())
    return prefix
