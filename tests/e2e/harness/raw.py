"""Requests as bytes, over a socket of their own."""
import socket
import time

DEADLINE_S = 15  # the server gives a header 10 s


def exchange(port: int, request: bytes) -> bytes:
    """All that the server says until it ends the connection. AssertionError when it takes too long."""
    overdue = time.monotonic() + DEADLINE_S
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        try:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it has been refused already
        said = b""
        try:
            while piece := connection.recv(65536):
                said += piece
                assert time.monotonic() < overdue, f"no end of the answer within {DEADLINE_S} s"
        except ConnectionResetError:
            pass
        return said
