#!/usr/bin/env python3
"""The judge of order judged: what is no inversion, and what is one."""
import unittest

from ledger import Outcome, Sent, Step
from order import check_order

ORDER, INVOICE = "order.created", "invoice.created"  # of tenant 0: at endpoint 0, at endpoint 1


def make_sent(*keys: str, event_type: str = ORDER) -> dict[int, Sent]:
    """Events 1, 2, … of tenant 0 with these ordering keys."""
    return {seq: Sent(0, event_type, "hash", Outcome.ACK, f"e{seq}", 1, ordering_key=key)
            for seq, key in enumerate(keys, 1)}


def history(*steps: str, endpoint: int = 0) -> list[tuple[Step, int, int]]:
    """"1": request 1 arrived. "1ok": it arrived and was answered 2xx. "=1": it is answered 2xx now."""
    found = []
    for step in steps:
        seq = int(step.strip("=ok"))
        if not step.startswith("="):
            found.append((Step.ARRIVED, endpoint, seq))
        if step.startswith("=") or step.endswith("ok"):
            found.append((Step.ANSWERED, endpoint, seq))
    return found


class OrderTest(unittest.TestCase):
    def order(self, sent, steps, stored=None, given_up=()):
        return check_order(steps, sent, set(sent) if stored is None else stored, set(given_up))

    def assert_inversions(self, count: int, sent, steps, **more) -> None:
        self.assertEqual(len(self.order(sent, steps, **more).inversions), count)

    def test_passes_what_comes_in_order(self):
        order = self.order(make_sent("a", "a", "a"), history("1", "1ok", "2ok", "3ok"))
        self.assertEqual((order.inversions, order.repeated, order.keys), ([], 0, 1))

    def test_counts_what_comes_before_an_earlier_one(self):
        self.assert_inversions(1, make_sent("a", "a"), history("2ok", "1ok"))

    def test_counts_what_comes_while_an_earlier_one_is_being_tried(self):
        self.assert_inversions(1, make_sent("a", "a"), history("1", "2ok", "1ok"))

    def test_counts_what_comes_before_an_earlier_one_is_answered(self):
        self.assert_inversions(1, make_sent("a", "a"), history("1", "2ok", "=1"))
        self.assert_inversions(0, make_sent("a", "a"), history("1", "=1", "2ok"))

    def test_counts_each_request_that_overtakes(self):
        self.assert_inversions(3, make_sent("a", "a", "a"), history("1", "2", "2ok", "3ok", "1ok"))

    def test_lets_other_keys_go_on(self):
        self.assert_inversions(0, make_sent("a", "b", "a"), history("1", "2ok", "1ok", "3ok"))

    def test_lets_other_endpoints_go_on(self):
        sent = make_sent("a", "a") | {3: Sent(0, INVOICE, "hash", ordering_key="a")}
        steps = history("1") + history("3ok", endpoint=1) + history("1ok", "2ok")
        self.assert_inversions(0, sent, steps)

    def test_counts_repetitions_of_the_delivered_apart(self):
        order = self.order(make_sent("a", "a", "a"), history("1ok", "2ok", "1ok", "2ok", "3ok"))
        self.assertEqual((order.inversions, order.repeated), ([], 2))

    def test_does_not_wait_for_what_the_server_does_not_have(self):
        self.assert_inversions(0, make_sent("a", "a"), history("2ok"), stored={2})

    def test_waits_for_what_the_server_has_although_its_sender_does_not_know(self):
        sent = make_sent("a", "a")
        sent[1].outcome = Outcome.UNK
        self.assert_inversions(1, sent, history("2ok", "1ok"))

    def test_does_not_wait_for_what_failed_for_good(self):
        self.assert_inversions(0, make_sent("a", "a"), history("1", "2ok"), given_up=[(1, 0)])

    def test_knows_that_nothing_was_tested(self):
        self.assertEqual(self.order(make_sent("a", "b"), history("1ok", "2ok")).keys, 0)


if __name__ == "__main__":
    unittest.main()
