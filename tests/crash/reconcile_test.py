"""The judge judged: each thing that can go wrong goes wrong once, and must be counted as what it is."""
import dataclasses
import pathlib
import tempfile
import unittest

import ledger
import oracle
from export import Attempt, Delivery, Event, Export
from ledger import Answer, Outcome, Received, Sent, Step
from reconcile import Rules, Verdict, reconcile

RULES = Rules(tenants={"t0": 0, "t1": 1}, subscriptions={"s0": 0, "s1": 1, "s2": 2, "s3": 3}, retries_max=2,
              crashes=1, in_flight_max=4)
GOOD = {"acknowledged": 1, "received": 1}  # what make_account() says of itself


@dataclasses.dataclass
class Account:
    """One event of tenant 0 that was sent, stored, and delivered to endpoint 0 by one attempt."""
    sent: dict[int, Sent]
    received: list[Received]
    export: Export

    @property
    def delivery(self) -> Delivery:
        return self.export.deliveries[0]

    def verdict(self) -> Verdict:
        return reconcile(self.sent, self.received, self.export, RULES)

    def attempt(self, *outcomes: str) -> None:
        """Replaces the attempts: "UNKNOWN", "DELIVERED", "500", or "broken" for one without an answer."""
        made = {"UNKNOWN": Attempt("UNKNOWN", None), "DELIVERED": Attempt("DELIVERED", 200),
                "500": Attempt("FAILED", 500), "broken": Attempt("FAILED", None)}
        self.delivery.attempts = {i: made[outcome] for i, outcome in enumerate(outcomes, 1)}
        self.delivery.attempts_said = len(outcomes)


def make_request(seq: int = 1, **changes) -> Received:
    row = Received(at_us=1, endpoint=0, seq=seq, webhook_id=f"e{seq}", sha256="hash", signed=True, kept=False,
                   answer=Answer.OK)
    return dataclasses.replace(row, **changes)


def make_account() -> Account:
    return Account(
        sent={1: Sent(0, "order.created", "hash", Outcome.ACK, "e1", 1)},
        received=[make_request()],
        export=Export([Event("e1", "t0", "order.created", 1, "hash")],
                      [Delivery("d1", "s0", "e1", "DELIVERED", 0, {1: Attempt("DELIVERED", 200)}, 1)], []))


def make_ordered_account(*steps: tuple[Step, int, int]) -> tuple[Account, Rules, list]:
    """Two events of one key, both stored and delivered to endpoint 0; steps is what the receiver saw."""
    account = make_account()
    account.sent = {1: Sent(0, "order.created", "hash", Outcome.ACK, "e1", 1, ordering_key="a"),
                    2: Sent(0, "order.created", "hash", Outcome.ACK, "e2", 1, ordering_key="a")}
    account.received = [make_request(seq=seq) for step, _, seq in steps if step is Step.ARRIVED]
    account.export.events.append(Event("e2", "t0", "order.created", 2, "hash"))
    account.export.deliveries.append(
        Delivery("d2", "s0", "e2", "DELIVERED", 0, {1: Attempt("DELIVERED", 200)}, 1))
    return account, dataclasses.replace(RULES, ordered=True), list(steps)


class OrderedRunTest(unittest.TestCase):
    def verdict(self, *steps: tuple[Step, int, int]) -> Verdict:
        account, rules, history = make_ordered_account(*steps)
        return reconcile(account.sent, account.received, account.export, rules, history)

    def test_passes_in_order(self):
        verdict = self.verdict((Step.ARRIVED, 0, 1), (Step.ANSWERED, 0, 1), (Step.ARRIVED, 0, 2),
                               (Step.ANSWERED, 0, 2))
        self.assertEqual(verdict.faults(), [])

    def test_fails_where_something_overtook(self):
        verdict = self.verdict((Step.ARRIVED, 0, 2), (Step.ANSWERED, 0, 2), (Step.ARRIVED, 0, 1),
                               (Step.ANSWERED, 0, 1))
        self.assertEqual((verdict.faults(), verdict.inversions), (["inversions"], 1))


class ReconcileTest(unittest.TestCase):
    def assert_counts(self, account: Account, **counts: int) -> None:
        """The account's counts are these; all others are 0."""
        verdict = account.verdict()
        counted = {each.name: getattr(verdict, each.name) for each in dataclasses.fields(verdict)
                   if each.name != "examples" and getattr(verdict, each.name)}
        self.assertEqual(counted, counts)

    def test_passes_an_account_that_agrees(self):
        self.assert_counts(make_account(), **GOOD)
        self.assertEqual(make_account().verdict().faults(), [])

    def test_counts_an_acknowledged_event_that_is_not_stored(self):
        account = make_account()
        account.export, account.received = Export([], [], []), []
        self.assert_counts(account, acknowledged=1, lost=1, lost_events=1)
        self.assertEqual(account.verdict().faults(), ["lost", "lost_events"])

    def test_counts_an_acknowledged_event_stored_under_another_id(self):
        account = make_account()
        account.sent[1].event_id = "e9"
        self.assert_counts(account, **GOOD, lost_events=1, corrupt=1)

    def test_counts_a_delivery_that_was_never_made(self):
        account = make_account()
        account.export.deliveries, account.received = [], []
        self.assert_counts(account, acknowledged=1, lost=1)

    def test_counts_a_delivery_that_the_receiver_never_confirmed(self):
        account = make_account()
        account.received = []
        self.assert_counts(account, acknowledged=1, lost=1, invented=1)

    def test_owes_an_event_that_is_stored_although_its_sender_does_not_know(self):
        account = make_account()
        account.sent[1].outcome = Outcome.UNK
        self.assert_counts(account, unknown=1, received=1, recovered=1)
        account.export.deliveries, account.received = [], []
        self.assert_counts(account, unknown=1, lost=1)

    def test_owes_nothing_for_an_event_of_unknown_outcome_that_is_not_stored(self):
        account = make_account()
        account.sent[1].outcome = Outcome.UNK
        account.export, account.received = Export([], [], []), []
        self.assert_counts(account, unknown=1)

    def test_counts_what_was_sent_without_being_stored(self):
        account = make_account()
        account.sent[1].outcome = Outcome.UNK
        account.export = Export([], [], [])
        self.assert_counts(account, unknown=1, received=1, recovered=1, phantom=1)

    def test_counts_what_nobody_sent(self):
        account = make_account()
        account.received.append(make_request(seq=7))
        account.export.events.append(Event("e7", "t0", "order.created", 7, "hash"))
        self.assert_counts(account, acknowledged=1, received=2, phantom=2)

    def test_counts_a_delivery_to_one_who_did_not_subscribe(self):
        account = make_account()
        account.received.append(make_request(endpoint=1))
        account.export.deliveries.append(
            Delivery("d2", "s1", "e1", "DELIVERED", 0, {1: Attempt("DELIVERED", 200)}, 1))
        self.assert_counts(account, acknowledged=1, received=2, phantom=2)

    def test_counts_a_delivery_of_another_tenant(self):
        account = make_account()
        account.received = [make_request(endpoint=3)]
        account.delivery.subscription_id = "s3"
        self.assert_counts(account, acknowledged=1, received=1, phantom=2, lost=1)

    def test_counts_two_deliveries_of_one_event_to_one_endpoint(self):
        account = make_account()
        account.export.deliveries.append(
            Delivery("d2", "s0", "e1", "DELIVERED", 0, {1: Attempt("DELIVERED", 200)}, 1))
        self.assert_counts(account, **GOOD, phantom=1)

    def test_counts_an_event_that_was_refused_and_yet_stored_or_sent(self):
        account = make_account()
        account.sent[1].outcome = Outcome.REJ
        verdict = account.verdict()
        self.assertEqual((verdict.refused, verdict.forbidden), (1, 2))

    def test_counts_an_event_stored_twice(self):
        account = make_account()
        account.export.events.append(Event("e2", "t0", "order.created", 1, "hash"))
        self.assert_counts(account, **GOOD, doubled=1)

    def test_counts_what_changed_on_the_way(self):
        for change in ({"sha256": "other"}, {"signed": False}, {"webhook_id": "e9"}):
            with self.subTest(change):
                account = make_account()
                account.received = [make_request(**change)]
                self.assert_counts(account, **GOOD, corrupt=1)

    def test_counts_a_body_that_cannot_be_read(self):
        account = make_account()
        account.received.append(make_request(seq=-1))
        self.assert_counts(account, acknowledged=1, received=2, corrupt=1)

    def test_counts_what_changed_in_the_store(self):
        for event in (Event("e1", "t0", "order.created", 1, "other"),
                      Event("e1", "t0", "order.paid", 1, "hash"),
                      Event("e1", "t1", "order.created", 1, "hash")):
            with self.subTest(event):
                account = make_account()
                account.export.events = [event]
                self.assert_counts(account, **GOOD, corrupt=1)

    def test_counts_a_request_without_an_attempt(self):
        account = make_account()
        account.received.insert(0, make_request(answer=Answer.ERROR))
        self.assert_counts(account, acknowledged=1, received=2, unlogged=1)

    def test_takes_a_failed_attempt_for_the_request_it_stands_for(self):
        account = make_account()
        account.received.insert(0, make_request(answer=Answer.ERROR))
        account.attempt("500", "DELIVERED")
        self.assert_counts(account, acknowledged=1, received=2)

    def test_explains_a_duplicate_by_an_attempt_that_was_cut_off(self):
        account = make_account()
        account.received.append(make_request(answer=Answer.SLOW))
        account.attempt("UNKNOWN", "DELIVERED")
        self.assert_counts(account, acknowledged=1, received=2, attempts_unknown=1, dup=1, dup_explained=1)

    def test_does_not_explain_a_duplicate_by_a_failed_attempt(self):
        account = make_account()
        account.received.append(make_request())
        account.attempt("broken", "DELIVERED")
        self.assert_counts(account, acknowledged=1, received=2, unlogged=1, dup=1, dup_unexplained=1)

    def test_counts_an_answer_that_nobody_gave(self):
        account = make_account()
        account.attempt("500", "DELIVERED")
        self.assert_counts(account, **GOOD, invented=1)

    def test_does_not_miss_a_request_for_an_attempt_that_was_cut_off(self):
        account = make_account()
        account.attempt("UNKNOWN", "DELIVERED")
        self.assert_counts(account, **GOOD, attempts_unknown=1)

    def test_allows_a_repetition_within_an_attempt_only_where_a_kept_connection_broke(self):
        for kept, counts in ((True, {"resent": 1}), (False, {"unlogged": 1})):
            with self.subTest(kept=kept):
                account = make_account()
                account.received.insert(0, make_request(answer=Answer.DROP, kept=kept))
                self.assert_counts(account, acknowledged=1, received=2, **counts)

    def test_counts_attempts_that_are_not_numbered_one_after_the_other(self):
        account = make_account()
        account.received.insert(0, make_request(answer=Answer.ERROR))
        account.attempt("500", "DELIVERED")
        account.delivery.attempts[3] = account.delivery.attempts.pop(1)
        account.delivery.attempts_said = 3
        self.assert_counts(account, acknowledged=1, received=2, misnumbered=1)

    def test_counts_attempts_beyond_the_policy(self):
        account = make_account()
        account.received[:0] = [make_request(answer=Answer.ERROR)] * 3
        account.attempt("500", "500", "500", "DELIVERED")
        self.assert_counts(account, acknowledged=1, received=4, overcount=1)

    def test_counts_more_attempts_cut_off_than_there_were_crashes(self):
        account = make_account()
        account.attempt("UNKNOWN", "UNKNOWN", "DELIVERED")
        self.assert_counts(account, **GOOD, attempts_unknown=2, overcount=1)

    def test_takes_a_delivery_for_failed_only_when_all_tries_were_made(self):
        for failures, counts in ((3, {"given_up": 1}), (2, {"lost": 1})):
            with self.subTest(failures=failures):
                account = make_account()
                account.received = [make_request(answer=Answer.ERROR)] * failures
                account.attempt(*["500"] * failures)
                account.delivery.status = "FAILED"
                self.assert_counts(account, acknowledged=1, received=failures, **counts)

    def test_counts_tasks_that_are_left_but_for_those_that_always_wait(self):
        account = make_account()
        account.export.tasks = [{"id": "x", "kind": "deliver"}, {"id": "y", "kind": "housekeeping"}]
        self.assert_counts(account, **GOOD, undrained=1)

    def test_counts_attempts_of_no_delivery(self):
        account = make_account()
        account.export.orphans = 1
        self.assert_counts(account, **GOOD, phantom=1)


class OracleTest(unittest.TestCase):
    def test_matches_by_whole_parts(self):
        for pattern, event_type, wanted in (
                ("*", "order.created", True), ("order.*", "order.created", True),
                ("order.*", "order.line.added", True), ("order.*", "order", False),
                ("order.*", "orders.created", False), ("order.created", "order.created", True),
                ("order.created", "order.created.twice", False), ("order.line.*", "order.created", False)):
            with self.subTest(pattern=pattern, event_type=event_type):
                self.assertEqual(oracle.matches(pattern, event_type), wanted)

    def test_expects_only_endpoints_of_the_tenant(self):
        self.assertEqual(oracle.expected_endpoints(0, "order.line.added"), (0, 2))
        self.assertEqual(oracle.expected_endpoints(1, "invoice.paid"), (4,))
        self.assertEqual(oracle.expected_endpoints(1, "customer.moved"), ())


class LedgerTest(unittest.TestCase):
    def outcome_of(self, *outcomes: Outcome) -> Outcome:
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "sent.tsv"
            lines = [ledger.sent_line(1, 1, 0, "order.created", "hash", "")]
            lines += [ledger.outcome_line(2, 1, outcome, "why") for outcome in outcomes]
            path.write_text("".join(lines))
            return ledger.read_sent(str(path))[1].outcome

    def test_takes_an_event_without_an_outcome_for_unknown(self):
        self.assertIs(self.outcome_of(), Outcome.UNK)

    def test_keeps_an_acknowledgement_whatever_follows(self):
        self.assertIs(self.outcome_of(Outcome.UNK, Outcome.ACK), Outcome.ACK)
        self.assertIs(self.outcome_of(Outcome.ACK, Outcome.REJ), Outcome.ACK)

    def test_takes_an_event_for_refused_only_when_it_was_refused_every_time(self):
        self.assertIs(self.outcome_of(Outcome.REJ), Outcome.REJ)
        self.assertIs(self.outcome_of(Outcome.UNK, Outcome.REJ), Outcome.UNK)
        self.assertIs(self.outcome_of(Outcome.REJ, Outcome.UNK), Outcome.UNK)

    def test_reads_back_what_it_wrote(self):
        with tempfile.TemporaryDirectory() as directory:
            path = str(pathlib.Path(directory) / "received.tsv")
            writer = ledger.Writer(path)
            rows = [make_request(seq, answer=answer, kept=seq % 2 == 0) for seq, answer in enumerate(Answer)]
            for row in rows:
                writer.append(ledger.received_line(row))
            writer.close()
            self.assertEqual(ledger.read_received(path), rows)


class HistoryTest(unittest.TestCase):
    def test_takes_a_late_answer_for_given_when_it_was(self):
        slow = make_request(answer=Answer.SLOW)
        lines = [ledger.received_line(slow), ledger.received_line(make_request(seq=2)),
                 ledger.received_line(make_request(seq=3, answer=Answer.ERROR)), ledger.answered_line(0, 1)]
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "received.tsv"
            path.write_text("".join(lines))
            history, received = ledger.read_history(str(path)), ledger.read_received(str(path))
        self.assertEqual(history, [(Step.ARRIVED, 0, 1), (Step.ARRIVED, 0, 2), (Step.ANSWERED, 0, 2),
                                   (Step.ARRIVED, 0, 3), (Step.ANSWERED, 0, 1)])
        self.assertEqual(received[0], slow)
        self.assertEqual(len(received), 3)


if __name__ == "__main__":
    unittest.main()
