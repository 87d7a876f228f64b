"""Holds the order of arrival against the order of publishing, key by key.

The rule of PER_KEY, as its users read it: of one key and one subscription, an event is not attempted before
all earlier ones were answered 2xx, or have failed for good. What was answered 2xx and comes again (a crash
forgot the answer) overtakes nobody; it is counted apart.
"""
from collections import defaultdict
from dataclasses import dataclass, field

from ledger import Sent, Step
from oracle import expected_endpoints


@dataclass
class Order:
    keys: int = 0      # with at least two events at one endpoint
    repeated: int = 0  # requests for what was answered 2xx before
    inversions: list[str] = field(default_factory=list)


@dataclass
class _Row:
    """The events of one key at one endpoint."""
    seqs: list[int] = field(default_factory=list)  # in the order of publishing
    answered: set[int] = field(default_factory=set)
    first_open: int = 0  # index of the first that was not answered

    def answer(self, seq: int) -> None:
        self.answered.add(seq)
        while self.first_open < len(self.seqs) and self.seqs[self.first_open] in self.answered:
            self.first_open += 1

    def waiting(self) -> int | None:
        return self.seqs[self.first_open] if self.first_open < len(self.seqs) else None


def check_order(history: list[tuple[Step, int, int]], sent: dict[int, Sent], stored: set[int],
                given_up: set[tuple[int, int]]) -> Order:
    """stored: the seqs of the events that the server has. given_up: (seq, endpoint) that failed for good.

    The numbers of the events of one key rise in the order in which the server was given them.
    """
    rows: dict[tuple[int, int, str], _Row] = defaultdict(_Row)
    for seq in sorted(stored & sent.keys()):
        event = sent[seq]
        if not event.ordering_key:
            continue
        for endpoint in expected_endpoints(event.tenant, event.type):
            if (seq, endpoint) not in given_up:
                rows[endpoint, event.tenant, event.ordering_key].seqs.append(seq)
    order = Order(keys=sum(1 for row in rows.values() if len(row.seqs) > 1))
    for step, endpoint, seq in history:
        event = sent.get(seq)
        row = rows.get((endpoint, event.tenant, event.ordering_key)) if event else None
        if row is None:
            continue
        if step is Step.ANSWERED:
            row.answer(seq)
        elif seq in row.answered:
            order.repeated += 1
        elif (earlier := row.waiting()) is not None and earlier < seq:
            order.inversions.append(f"seq {seq} at endpoint {endpoint} came while {earlier} of the same key"
                                    f" {event.ordering_key} was not delivered")
    return order
