"""Requests as bytes: each is answered as it should be, at once, and costs nobody else anything."""
import re
import socket
import unittest

from harness import HubCase
from harness.raw_cases import CASES, NEXT

DEADLINE_S = 15  # the server gives a header 10 s
ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class RawRequests(HubCase):
    def exchange(self, request: bytes) -> bytes:
        """All that the server says until it ends the connection."""
        with socket.create_connection(("127.0.0.1", self.hub.port), timeout=DEADLINE_S) as connection:
            try:
                connection.sendall(request)
                connection.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has been refused already
            said = b""
            try:
                while piece := connection.recv(65536):
                    said += piece
            except ConnectionResetError:
                pass
            return said

    def test_there_are_enough_cases_with_names_of_their_own(self) -> None:
        self.assertGreaterEqual(len(CASES), 150)
        self.assertEqual(len({name for name, _, _ in CASES}), len(CASES))

    def test_each_is_answered_as_it_should_be(self) -> None:
        for name, request, statuses in CASES:
            with self.subTest(name):
                answers = [int(status) for status in ANSWER.findall(self.exchange(request))]
                self.assertIn(answers[0] if answers else 0, statuses)
                self.assertLessEqual(len(answers), 1, "what follows a request whose end is in doubt was answered")

    def test_others_are_served_as_before(self) -> None:
        for _, request, _ in CASES:
            self.exchange(request)
        self.assertEqual(ANSWER.findall(self.exchange(NEXT)), [b"200"])

    def test_no_answer_repeats_what_it_was_sent(self) -> None:
        for name, request, _ in CASES:
            if b"acme" not in request and b"passwd" not in request:
                continue
            with self.subTest(name):
                head, _, body = self.exchange(request).partition(b"\r\n\r\n")
                self.assertNotIn(b"passwd", head)
                self.assertNotIn(b"root:", body)


if __name__ == "__main__":
    unittest.main()
