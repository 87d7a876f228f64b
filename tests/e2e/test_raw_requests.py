"""Requests as bytes: each is answered as it should be, at once, and costs nobody else anything."""
import re
import unittest

from harness import HubCase
from harness.raw import exchange
from harness.raw_cases import CASES, NEXT

ANSWER = re.compile(rb"HTTP/1\.[01] (\d{3}) ")


class RawRequests(HubCase):
    def test_there_are_enough_cases_with_names_of_their_own(self) -> None:
        self.assertGreaterEqual(len(CASES), 150)
        self.assertEqual(len({name for name, _, _ in CASES}), len(CASES))

    def test_each_is_answered_as_it_should_be(self) -> None:
        for name, request, statuses in CASES:
            with self.subTest(name):
                answers = [int(status) for status in ANSWER.findall(exchange(self.hub.port, request))]
                self.assertIn(answers[0] if answers else 0, statuses)
                self.assertLessEqual(len(answers), 1,
                                     "what follows a request whose end is in doubt was answered")

    def test_others_are_served_as_before(self) -> None:
        for _, request, _ in CASES:
            exchange(self.hub.port, request)
        self.assertEqual(ANSWER.findall(exchange(self.hub.port, NEXT)), [b"200"])

    def test_no_answer_repeats_what_it_was_sent(self) -> None:
        for name, request, _ in CASES:
            if b"acme" not in request and b"passwd" not in request:
                continue
            with self.subTest(name):
                head, _, body = exchange(self.hub.port, request).partition(b"\r\n\r\n")
                self.assertNotIn(b"passwd", head)
                self.assertNotIn(b"root:", body)


if __name__ == "__main__":
    unittest.main()
