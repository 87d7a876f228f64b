"""Holds the three accounts against each other: what was sent, what arrived, what the server says.

The words are those of Jepsen's queue checker: lost, phantom (unexpected), recovered, duplicated. All
functions are pure; see reconcile_test.py for what each count means in examples.
"""
from collections import Counter, defaultdict
from dataclasses import dataclass, field, fields

from export import Delivery, Export
from ledger import Answer, Outcome, Received, Sent, Step
from oracle import expected_endpoints
from order import check_order

EXAMPLES_MAX = 5
STANDING_TASKS = {"housekeeping"}  # wait for their time for ever

# Outcomes of an attempt and what the receiver must have done for each.
ANSWERED_2XX, ANSWERED_500, NOT_ANSWERED = "2xx", "500", "none"
KIND_OF_ANSWER = {Answer.OK: ANSWERED_2XX, Answer.SLOW: ANSWERED_2XX, Answer.ERROR: ANSWERED_500,
                  Answer.DROP: NOT_ANSWERED, Answer.CUT: NOT_ANSWERED,
                  Answer.HANG: NOT_ANSWERED}


@dataclass(frozen=True)
class Rules:
    """What this run allows."""
    tenants: dict[str, int]        # number by id
    subscriptions: dict[str, int]  # endpoint by id
    retries_max: int
    crashes: int                   # how often the server was ended without being asked
    in_flight_max: int             # deliveries under way at one moment
    ordered: bool = False          # subscriptions deliver the events of one key in order


def must_be_zero(meaning: str) -> int:
    return field(default=0, metadata={"zero": True, "meaning": meaning})


def told(meaning: str) -> int:
    return field(default=0, metadata={"zero": False, "meaning": meaning})


@dataclass
class Verdict:
    """The counts; the run passes when all that must be zero are."""
    acknowledged: int = told("events the server said yes to")
    unknown: int = told("events without an answer")
    refused: int = told("events the server said no to")
    received: int = told("requests at the receiver")
    recovered: int = told("events without an answer that arrived nevertheless")
    attempts_unknown: int = told("attempts cut off by a crash")
    resent: int = told("requests repeated within their attempt, after a kept connection broke")
    dup: int = told("2xx answers beyond the first of a delivery")
    dup_explained: int = told("of these, with an attempt cut off by a crash")
    repeated: int = told("requests of an ordered run for what was answered 2xx before")
    given_up: int = told("deliveries failed for good, as the receiver's answers say")
    lost: int = must_be_zero("deliveries owed for an accepted event and not answered 2xx")
    lost_events: int = must_be_zero("events the server said yes to and does not have")
    phantom: int = must_be_zero("deliveries, events or requests that nobody asked for")
    forbidden: int = must_be_zero("events the server said no to, and stored or sent")
    doubled: int = must_be_zero("events stored more than once")
    corrupt: int = must_be_zero("contents that changed, signatures that do not fit, ids that differ")
    unlogged: int = must_be_zero("requests without an attempt")
    invented: int = must_be_zero("attempts with an answer that no receiver gave")
    dup_unexplained: int = must_be_zero("2xx answers beyond the first without an attempt cut off")
    misnumbered: int = must_be_zero("deliveries whose attempts are not numbered 1 to n, each once")
    overcount: int = must_be_zero("attempts beyond the policy, or more cut off than were under way")
    inversions: int = must_be_zero("requests of an ordered run that came before an earlier one's 2xx")
    undrained: int = must_be_zero("tasks left when nothing was to be done any more")
    examples: dict[str, list[str]] = field(default_factory=dict)

    def count(self, name: str, example: str) -> None:
        setattr(self, name, getattr(self, name) + 1)
        examples = self.examples.setdefault(name, [])
        if len(examples) < EXAMPLES_MAX:
            examples.append(example)

    def faults(self) -> list[str]:
        return [each.name for each in fields(self) if each.metadata.get("zero") and getattr(self, each.name)]


def reconcile(sent: dict[int, Sent], received: list[Received], export: Export, rules: Rules,
              history: list[tuple[Step, int, int]] | None = None) -> Verdict:
    """history: what the receiver saw and did, in order; needed where the run is ordered."""
    verdict = Verdict()
    outcomes = Counter(event.outcome for event in sent.values())
    verdict.acknowledged = outcomes[Outcome.ACK]
    verdict.unknown = outcomes[Outcome.UNK]
    verdict.refused = outcomes[Outcome.REJ]
    verdict.received = len(received)
    stored = check_events(verdict, sent, export, rules)
    requests = check_requests(verdict, sent, received, stored)
    check_deliveries(verdict, sent, stored, requests, export, rules)
    verdict.recovered = sum(1 for seq in {row.seq for row in received}
                            if seq in sent and sent[seq].outcome is Outcome.UNK)
    if rules.ordered:
        judge_order(verdict, history, sent, stored, export, rules)
    for task in export.tasks:
        if task["kind"] in STANDING_TASKS:
            continue
        verdict.count("undrained", f"task {task['id']} of kind {task['kind']}")
    return verdict


def judge_order(verdict: Verdict, history: list[tuple[Step, int, int]], sent: dict[int, Sent],
                stored: dict[int, str], export: Export, rules: Rules) -> None:
    seqs = {event_id: seq for seq, event_id in stored.items()}
    given_up = {(seqs.get(delivery.event_id), rules.subscriptions.get(delivery.subscription_id))
                for delivery in export.deliveries if delivery.status == "FAILED"}
    order = check_order(history, sent, set(stored), given_up)
    verdict.repeated = order.repeated
    for inversion in order.inversions:
        verdict.count("inversions", inversion)
    if order.keys == 0:
        verdict.count("inversions", "no key had two events at one endpoint: nothing was tested")


def check_events(verdict: Verdict, sent: dict[int, Sent], export: Export, rules: Rules) -> dict[int, str]:
    """The id of the stored event by seq."""
    stored: dict[int, str] = {}
    for event in export.events:
        name = f"seq {event.seq}, event {event.id}"
        origin = sent.get(event.seq)
        if origin is None:
            verdict.count("phantom", f"{name} is stored, but was never sent")
            continue
        if event.seq in stored:
            verdict.count("doubled", f"{name} is stored beside {stored[event.seq]}")
            continue
        stored[event.seq] = event.id
        if origin.outcome is Outcome.REJ:
            verdict.count("forbidden", f"{name} was refused ({origin.detail}), but is stored")
        if (event.sha256, event.type, rules.tenants.get(event.tenant_id)) != (
                origin.sha256, origin.type, origin.tenant):
            verdict.count("corrupt", f"{name} is stored with another content, type or tenant")
    ids = {event.id for event in export.events}
    for seq, event in sent.items():
        if event.outcome is Outcome.ACK and event.event_id not in ids:
            verdict.count("lost_events", f"seq {seq}, event {event.event_id}, at {event.acknowledged_us}")
    return stored


def check_requests(verdict: Verdict, sent: dict[int, Sent], received: list[Received],
                   stored: dict[int, str]) -> dict[tuple[int, int], list[Received]]:
    """The requests by (seq, endpoint), without those that should not be."""
    requests = defaultdict(list)
    for row in received:
        name = f"seq {row.seq} at endpoint {row.endpoint}"
        origin = sent.get(row.seq)
        if row.seq == -1:
            verdict.count("corrupt", f"a body that cannot be read, webhook-id {row.webhook_id}")
        elif origin is None:
            verdict.count("phantom", f"{name} was received, but never sent")
        elif origin.outcome is Outcome.REJ:
            verdict.count("forbidden", f"{name} was refused ({origin.detail}), but received")
        elif row.endpoint not in expected_endpoints(origin.tenant, origin.type):
            verdict.count("phantom", f"{name} does not match {origin.type}")
        elif row.seq not in stored:
            verdict.count("phantom", f"{name} was received, but is not stored")
        else:
            requests[row.seq, row.endpoint].append(row)
            if row.sha256 != origin.sha256:
                verdict.count("corrupt", f"{name} was received with another content")
            if not row.signed:
                verdict.count("corrupt", f"{name} has no signature that fits")
            if row.webhook_id != stored[row.seq] or (origin.event_id and row.webhook_id != origin.event_id):
                verdict.count("corrupt", f"{name} has webhook-id {row.webhook_id}")
    return requests


def check_deliveries(verdict: Verdict, sent: dict[int, Sent], stored: dict[int, str],
                     requests: dict[tuple[int, int], list[Received]], export: Export, rules: Rules) -> None:
    seqs = {event_id: seq for seq, event_id in stored.items()}
    deliveries: dict[tuple[int, int], Delivery] = {}
    for delivery in export.deliveries:
        key = (seqs.get(delivery.event_id), rules.subscriptions.get(delivery.subscription_id))
        origin = sent.get(key[0])
        wanted = origin is not None and key[1] in expected_endpoints(origin.tenant, origin.type)
        if not wanted or key in deliveries or delivery.replay_no != 0:
            verdict.count("phantom", f"delivery {delivery.id} of seq {key[0]} to endpoint {key[1]}")
        else:
            deliveries[key] = delivery
    # All that is stored is owed, whether its sender knows or not; and all that was acknowledged.
    for seq, event in sent.items():
        if event.outcome is not Outcome.ACK and seq not in stored:
            continue
        for endpoint in expected_endpoints(event.tenant, event.type):
            rows, delivery = requests.get((seq, endpoint), []), deliveries.get((seq, endpoint))
            check_owed(verdict, f"seq {seq} at endpoint {endpoint}", rows, delivery, rules)
    for (seq, endpoint), delivery in deliveries.items():
        check_attempts(verdict, f"delivery {delivery.id}, seq {seq} at endpoint {endpoint}",
                       requests.get((seq, endpoint), []), delivery, rules)
    for (seq, endpoint), rows in requests.items():
        for _ in rows if (seq, endpoint) not in deliveries else ():
            verdict.count("unlogged", f"seq {seq} at endpoint {endpoint} was received without a delivery")
    for _ in range(export.orphans):
        verdict.count("phantom", "an attempt of no delivery")
    if verdict.attempts_unknown > rules.crashes * rules.in_flight_max:
        verdict.count("overcount",
                      f"{verdict.attempts_unknown} attempts were cut off by {rules.crashes} crashes")


def check_owed(verdict: Verdict, name: str, rows: list[Received], delivery: Delivery | None,
               rules: Rules) -> None:
    if any(row.answer.delivered for row in rows) and delivery is not None and delivery.status == "DELIVERED":
        return
    known = [] if delivery is None else [a for a in delivery.attempts.values() if a.outcome == "FAILED"]
    spent = delivery is not None and delivery.status == "FAILED" and len(known) > rules.retries_max
    if spent and not any(row.answer.delivered for row in rows):
        verdict.count("given_up", name)
    else:
        verdict.count("lost", f"{name}: {len(rows)} requests, "
                              f"delivery {delivery.status if delivery else 'not there'}")


def check_attempts(verdict: Verdict, name: str, rows: list[Received], delivery: Delivery,
                   rules: Rules) -> None:
    attempts = Counter(kind_of_attempt(attempt) for attempt in delivery.attempts.values())
    unknown = attempts.pop("UNKNOWN", 0)
    known = sum(attempts.values())
    verdict.attempts_unknown += unknown
    if set(delivery.attempts) != set(range(1, delivery.attempts_said + 1)) or delivery.twice:
        verdict.count("misnumbered", f"{name}: {sorted(delivery.attempts)} of {delivery.attempts_said}")
    if known > 1 + rules.retries_max or unknown > rules.crashes:
        verdict.count("overcount", f"{name}: {known} attempts, {unknown} cut off")

    answers = Counter(KIND_OF_ANSWER[row.answer] for row in rows)
    # A kept connection that breaks without a byte of answer makes the client send again, within the attempt.
    repeatable = sum(1 for row in rows if row.kept and row.answer is Answer.DROP)
    surplus = {kind: max(0, answers[kind] - attempts[kind]) for kind in KIND_OF_ANSWER.values()}
    resent = min(surplus[NOT_ANSWERED], repeatable)
    verdict.resent += resent
    unlogged = sum(surplus.values()) - resent - unknown
    for _ in range(unlogged):
        verdict.count("unlogged", f"{name}: {len(rows)} requests, {known} attempts, {unknown} cut off")
    for kind in (ANSWERED_2XX, ANSWERED_500):
        for _ in range(attempts[kind] - answers[kind]):
            verdict.count("invented", f"{name}: an attempt was answered {kind}")

    dup = max(0, answers[ANSWERED_2XX] - 1)
    explained = min(dup, unknown)
    verdict.dup += dup
    verdict.dup_explained += explained
    for _ in range(dup - explained):
        verdict.count("dup_unexplained", f"{name}: {answers[ANSWERED_2XX]} times, {unknown} attempts cut off")


def kind_of_attempt(attempt) -> str:
    if attempt.outcome == "UNKNOWN":
        return "UNKNOWN"
    if attempt.outcome == "DELIVERED":
        return ANSWERED_2XX
    return ANSWERED_500 if attempt.status == 500 else NOT_ANSWERED
