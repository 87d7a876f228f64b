#!/usr/bin/env python3
"""The judge of inbound runs judged: each thing that can go wrong goes wrong once, and must be found."""
import dataclasses
import pathlib
import tempfile
import unittest

import inbound_ledger
from export import Attempt, Delivery, Event, Export
from inbound_ledger import Item, Reply, Request
from inbound_reconcile import InboundVerdict, reconcile_inbound
from inbound_store import InboundStore, Result, Stored, seq_of
from inlets import BATCH, INLETS, STANDARD, signed_headers
from ledger import Answer, Received
from reconcile import Rules

RULES = Rules(tenants={"t0": 0, "t1": 1}, subscriptions={"s0": 0}, retries_max=2, crashes=1, in_flight_max=4)
IDS = {f"i{inlet.number}": inlet.number for inlet in INLETS}
NUMBERS = {inlet.kind: inlet.number for inlet in INLETS if inlet.tenant == 0}
GOOD = {"acknowledged": 1, "received": 1, "replies": 3, "known_again": 2}  # what Account() says of itself


def first(id: str = "r1") -> Reply:
    return Reply(1, (id,), 1)


def again(id: str = "r1") -> Reply:
    return Reply(1, (id,), 0)


def conflict(id: str, fresh: int = 1) -> Reply:
    return Reply(1, (id,), fresh, True)


class Account:
    """A webhook that was sent three times, received, processed, published and delivered, each once."""

    def __init__(self):
        self.number = NUMBERS[STANDARD]
        self.requests = {1: Request(self.number, True, [Item(1, "order.created", "x1", "body", "data")],
                                    [first(), again(), again()])}
        self.store = InboundStore(stats={id: (0, 0, 0) for id in IDS})
        self.export, self.received = Export([], [], []), []
        self.keep(1)
        self.publish(1)
        self.store.duplicates["r1"] = 2

    @property
    def request(self) -> Request:
        return self.requests[1]

    def keep(self, seq: int, id: str = "", event_id: str | None = "", **changes) -> None:
        """A received event that was processed; with no event_id it waits."""
        id = id or f"r{seq}"
        stored = Stored(id, "t0", f"i{self.number}", f"x{seq}", seq, "body")
        self.store.received.append(dataclasses.replace(stored, **changes))
        self.store.duplicates.setdefault(id, 0)
        if event_id is not None:
            self.finish(id, "PROCESSED", event_id or f"e{seq}")

    def finish(self, id: str, status: str, event_id: str | None) -> None:
        self.store.results[id] = Result(f"i{self.number}", status, event_id)
        if status != "CONFLICT":
            received, processed, failed = self.store.stats[f"i{self.number}"]
            bad = status == "FAILED"
            self.store.stats[f"i{self.number}"] = (received + 1, processed + (not bad), failed + bad)

    def publish(self, seq: int, id: str = "", sha256: str = "data") -> None:
        """An event that was delivered."""
        id = id or f"e{seq}"
        self.export.events.append(Event(id, "t0", "order.created", seq, sha256))
        self.export.deliveries.append(Delivery(f"d-{id}", "s0", id, "DELIVERED", 0,
                                               {1: Attempt("DELIVERED", 200)}, 1))
        self.received.append(Received(at_us=1, endpoint=0, seq=seq, webhook_id=id, sha256=sha256, signed=True,
                                      kept=False, answer=Answer.OK))

    def forget(self) -> None:
        """Nothing is stored, and nothing went on."""
        self.store = InboundStore(stats={id: (0, 0, 0) for id in IDS})
        self.export, self.received = Export([], [], []), []

    def rival(self, *replies: Reply) -> Request:
        """Another body with the same id."""
        self.requests[2] = Request(self.number, True, [Item(1, "order.created", "x1", "other", "other data")],
                                   list(replies))
        return self.requests[2]

    def keep_conflict(self, id: str, **changes) -> None:
        self.keep(1, id, event_id=None, **{"conflict_of": "r1", "body_sha256": "other"} | changes)
        self.finish(id, "CONFLICT", None)
        received, processed, failed = self.store.stats[f"i{self.number}"]
        self.store.stats[f"i{self.number}"] = (received + 1, processed, failed)

    def verdict(self) -> InboundVerdict:
        return reconcile_inbound(self.requests, self.store, self.received, self.export, RULES, IDS)


class InboundTest(unittest.TestCase):
    def assert_counts(self, account: Account, **counts: int) -> None:
        """The account's counts are these; all others are 0."""
        verdict = account.verdict()
        counted = {each.name: getattr(verdict, each.name) for each in dataclasses.fields(verdict)
                   if each.name != "examples" and getattr(verdict, each.name)}
        self.assertEqual(counted, counts)

    def assert_faults(self, account: Account, *faults: str) -> None:
        self.assertEqual(account.verdict().faults(), list(faults))

    def test_passes_an_account_that_agrees(self):
        self.assert_counts(Account(), **GOOD)
        self.assert_faults(Account())

    # --- what was received

    def test_finds_one_that_was_acknowledged_and_lost(self):
        account = Account()
        account.forget()
        self.assert_faults(account, "lost", "lost_events", "webhooks_lost")

    def test_finds_one_that_was_lost_and_taken_anew_when_it_was_sent_again(self):
        account = Account()
        account.request.replies = [first("r0"), first(), again()]
        self.assert_faults(account, "webhooks_lost", "replies_differ", "miscounted")

    def test_finds_one_that_was_received_twice_and_published_once(self):
        account = Account()
        account.keep(1, "r9", event_id=None)
        account.finish("r9", "IGNORED", None)
        self.assert_faults(account, "webhooks_doubled", "unprocessed")

    def test_finds_one_that_was_received_and_published_twice(self):
        account = Account()
        account.keep(1, "r9", "e9")
        account.publish(1, "e9")
        self.assertLessEqual({"webhooks_doubled", "doubled"}, set(account.verdict().faults()))

    def test_finds_one_that_nobody_has_sent(self):
        account = Account()
        account.keep(7)
        self.assert_counts(account, **GOOD, phantom=1)

    def test_finds_what_was_changed_or_put_elsewhere(self):
        for changes in ({"body_sha256": "another"}, {"external_id": "another"}, {"tenant_id": "t1"},
                        {"inlet_id": f"i{NUMBERS[BATCH]}"}, {"batch_index": 0}):
            with self.subTest(changes):
                account = Account()
                [account.store.received[0]] = [dataclasses.replace(account.store.received[0], **changes)]
                self.assertEqual(account.verdict().corrupt, 1)

    def test_finds_one_that_was_signed_wrong_and_taken(self):
        account = Account()
        account.request.signed = False
        self.assertGreater(account.verdict().forbidden, 0)

    def test_passes_one_that_was_signed_wrong_and_refused(self):
        account = Account()
        account.forget()
        account.request.signed = False
        account.request.replies, account.request.refusals = [], ["401 UNAUTHENTICATED"] * 3
        self.assert_counts(account, refused=1, forged=3)

    # --- what was answered

    def test_passes_one_whose_first_answer_was_lost(self):
        account = Account()
        account.request.replies, account.request.unknown = [again(), again()], 1
        self.assert_counts(account, acknowledged=1, received=1, replies=2, known_again=2, cut_off=1)

    def test_finds_replies_of_which_none_is_the_first(self):
        account = Account()
        account.request.replies[0] = again()
        account.store.duplicates["r1"] = 3
        self.assert_faults(account, "replies_differ")

    def test_finds_replies_of_which_two_are_the_first(self):
        account = Account()
        account.request.replies[1] = first()
        account.store.duplicates["r1"] = 1
        self.assert_faults(account, "replies_differ")

    def test_finds_replies_with_two_ids(self):
        account = Account()
        account.request.replies[2] = again("r9")
        self.assert_faults(account, "webhooks_lost", "replies_differ")

    def test_passes_one_that_nobody_knows_of(self):
        account = Account()
        account.request.replies, account.request.unknown = [], 3
        self.assert_counts(account, unknown=1, received=1, recovered=1, cut_off=3)
        account.forget()
        self.assert_counts(account, unknown=1, cut_off=3)

    def test_finds_one_that_was_refused_every_time_and_taken(self):
        account = Account()
        account.request.replies, account.request.refusals = [], ["503 OVERLOADED"]
        self.assertGreater(account.verdict().forbidden, 0)

    def test_finds_a_request_in_order_that_was_refused_for_good(self):
        account = Account()
        account.request.refusals = ["503 OVERLOADED"]
        self.assert_faults(account)
        account.request.refusals = ["404 NOT_FOUND"]
        self.assert_faults(account, "webhooks_refused")

    # --- what was processed and published

    def test_finds_one_that_was_published_twice(self):
        account = Account()
        account.publish(1, "e9")
        verdict = account.verdict()
        self.assertEqual((verdict.doubled, verdict.misnamed), (1, 1))

    def test_finds_one_that_was_published_twice_where_the_later_event_is_named(self):
        account = Account()
        account.export.events.insert(0, Event("e9", "t0", "order.created", 1, "data"))
        verdict = account.verdict()
        self.assertEqual((verdict.doubled, verdict.misnamed), (1, 1))

    def test_finds_two_with_the_same_event(self):
        account = Account()
        account.requests[2] = Request(account.number, True, [Item(2, "order.created", "x2", "body", "data")],
                                      [first("r2")])
        account.keep(2, event_id="e1")
        verdict = account.verdict()
        self.assertEqual((verdict.misnamed, verdict.lost), (2, 1))

    def test_finds_one_that_says_it_was_published_and_was_not(self):
        account = Account()
        account.export, account.received = Export([], [], []), []
        self.assert_faults(account, "lost", "lost_events", "misnamed")

    def test_finds_one_that_waits_for_ever(self):
        account = Account()
        account.store.results.clear()
        account.store.stats[f"i{account.number}"] = (0, 0, 0)
        account.export, account.received = Export([], [], []), []
        self.assert_faults(account, "lost", "lost_events", "unprocessed")

    def test_finds_one_that_failed(self):
        account = Account()
        account.store.stats[f"i{account.number}"] = (0, 0, 0)
        account.finish("r1", "FAILED", None)
        account.export, account.received = Export([], [], []), []
        self.assert_faults(account, "lost", "lost_events", "unprocessed")

    def test_finds_one_that_the_receiver_never_got(self):
        account = Account()
        account.received, account.export.deliveries = [], []
        self.assert_faults(account, "lost")

    def test_finds_an_event_with_another_content(self):
        account = Account()
        account.export.events[0] = Event("e1", "t0", "order.created", 1, "another")
        self.assertIn("corrupt", account.verdict().faults())

    def test_finds_one_that_an_index_misses(self):
        account = Account()
        account.store.not_indexed.append("r1")
        self.assert_faults(account, "not_indexed")

    def test_finds_counts_that_are_not_what_happened(self):
        for duplicates in (1, 3):
            account = Account()
            account.store.duplicates["r1"] = duplicates
            self.assert_faults(account, "miscounted")
        account = Account()
        account.store.stats[f"i{account.number}"] = (2, 2, 0)
        self.assert_faults(account, "miscounted")

    # --- rivals

    def test_passes_a_rival_that_is_kept_as_a_conflict(self):
        account = Account()
        account.rival(conflict("r8"), conflict("r8", 0))
        account.keep_conflict("r8")
        self.assert_counts(account, **GOOD | {"replies": 5}, conflicts=1)

    def test_finds_a_rival_that_is_not_always_one(self):
        for replies in ((conflict("r8"), again("r8")), (conflict("r8"), conflict("r9", 0)),
                        (conflict("r8"), conflict("r8"))):
            account = Account()
            account.rival(*replies)
            account.keep_conflict("r8")
            self.assertIn("replies_differ", account.verdict().faults())

    def test_passes_a_rival_that_came_first(self):
        account = Account()
        account.rival(first(), again(), again())
        account.request.replies = [conflict("r8")]
        account.store.received[0].body_sha256 = "other"
        account.export, account.received = Export([], [], []), []
        account.publish(1, sha256="other data")
        account.keep_conflict("r8", body_sha256="body")
        self.assert_counts(account, **GOOD | {"replies": 4}, conflicts=1)

    def test_finds_a_rival_that_was_lost(self):
        account = Account()
        account.rival(conflict("r8"))
        self.assert_faults(account, "webhooks_lost")

    def test_finds_a_rival_that_was_kept_more_often_than_sent(self):
        account = Account()
        account.rival(conflict("r8"))
        account.keep_conflict("r8")
        account.keep_conflict("r9")
        self.assert_faults(account, "webhooks_doubled")

    def test_finds_a_rival_that_was_processed(self):
        account = Account()
        account.rival(conflict("r8"))
        account.keep_conflict("r8")
        account.store.results["r8"] = Result(f"i{account.number}", "PROCESSED", "e8")
        self.assertIn("conflicts_processed", account.verdict().faults())

    def test_finds_a_rival_that_was_taken_for_a_repetition(self):
        account = Account()
        account.rival(again())
        account.store.duplicates["r1"] = 3
        self.assertIn("webhooks_lost", account.verdict().faults())

    def test_finds_a_rival_that_was_taken_as_another_one(self):
        account = Account()
        account.rival(first("r8"))
        account.keep(1, "r8", "e8", body_sha256="other")
        account.publish(1, "e8", "other data")
        self.assertLessEqual({"webhooks_doubled", "doubled"}, set(account.verdict().faults()))

    def test_finds_a_conflict_with_nothing(self):
        for changes in ({"conflict_of": "r9"}, {"body_sha256": "body"}):
            account = Account()
            account.rival(conflict("r8"))
            account.keep_conflict("r8", **changes)
            self.assertIn("corrupt", account.verdict().faults())


class BatchTest(unittest.TestCase):
    def make(self, *replies: Reply) -> Account:
        account = Account()
        account.forget()
        account.number = NUMBERS[BATCH]
        items = [Item(seq, "order.created", f"x{seq}", "body", "data") for seq in (1, 2)]
        account.requests = {1: Request(account.number, True, items, list(replies))}
        for index, seq in enumerate((1, 2)):
            account.keep(seq, batch_index=index)
            account.publish(seq)
            account.store.duplicates[f"r{seq}"] = len(replies) - 1
        return account

    def test_passes_a_batch_that_was_sent_again(self):
        account = self.make(Reply(1, ("r1", "r2"), 2), Reply(1, ("r1", "r2"), 0))
        self.assertEqual((account.verdict().faults(), account.verdict().acknowledged), ([], 2))

    def test_finds_a_batch_of_which_a_part_was_known(self):
        account = self.make(Reply(1, ("r1", "r2"), 1))
        self.assertEqual(account.verdict().faults(), ["replies_differ"])

    def test_finds_an_element_that_was_lost(self):
        account = self.make(Reply(1, ("r1", "r2"), 2))
        account.store.received.pop()
        self.assertLessEqual({"webhooks_lost"}, set(account.verdict().faults()))

    def test_finds_elements_in_another_order(self):
        account = self.make(Reply(1, ("r1", "r2"), 2))
        account.store.received[0].batch_index = 1
        self.assertEqual(account.verdict().faults(), ["corrupt"])


class LedgerTest(unittest.TestCase):
    def test_what_is_written_is_read(self):
        items = [Item(1, "order", "a", "b1", "d1"), Item(2, "order", "", "b2", "d2")]
        request = Request(3, False, items, [Reply(5, ("r1", "r2"), 2), Reply(6, ("r3", "r4"), 0, True)],
                          ["503 OVERLOADED"], 1)
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory) / "sent.tsv"
            path.write_text(inbound_ledger.request_lines(1, 7, request)
                            + "".join(inbound_ledger.reply_line(7, reply) for reply in request.replies)
                            + inbound_ledger.refused_line(1, 7, "503\tOVERLOADED")
                            + inbound_ledger.unknown_line(1, 7, "EOFError"))
            self.assertEqual(inbound_ledger.read_requests(path), {7: request})
            self.assertEqual(inbound_ledger.count_acknowledged(path), 2)
        self.assertEqual(inbound_ledger.acknowledged_us({7: request}), [5, 5])

    def test_reads_the_number_of_a_body(self):
        self.assertEqual(seq_of(b'{"data":{"seq":4}}'), 4)
        self.assertEqual([seq_of(body) for body in (b"\xff", b"[]", b"{}", b"")], [-1] * 4)

    def test_signs_as_standard_webhooks_does(self):
        # The example of the specification.
        headers = signed_headers(STANDARD, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
                                 "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
        self.assertEqual(headers["webhook-signature"], "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")


if __name__ == "__main__":
    unittest.main()
