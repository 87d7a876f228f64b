"""Holds what the senders of webhooks were promised against what the server received, processed and published.

What became of the published events is left to reconcile(), as if the senders had published them themselves:
an event that is stored twice is `doubled` there, one that the receiver did not get is `lost`. All functions
are pure; see inbound_test.py for what each count means in examples.
"""
from collections import Counter, defaultdict
from dataclasses import dataclass, field

from export import Export
from inbound_ledger import Item, Request
from inbound_store import InboundStore, Stored
from inlets import BATCH, INLETS
from ledger import Outcome, Received, Sent
from reconcile import Rules, Verdict, must_be_zero, reconcile, told


@dataclass
class InboundVerdict(Verdict):
    replies: int = told("requests and repetitions of them that were answered 200")
    known_again: int = told("of these, with a webhook that was known")
    cut_off: int = told("requests and repetitions without an answer")
    forged: int = told("requests signed wrong, and refused")
    conflicts: int = told("received events kept beside another one of the same id")
    webhooks_lost: int = must_be_zero("webhooks answered 200 and not received")
    webhooks_doubled: int = must_be_zero("received events beyond the first of a webhook")
    webhooks_refused: int = must_be_zero("requests in order, and refused for good")
    replies_differ: int = must_be_zero("requests whose repetitions were not answered as one webhook")
    unprocessed: int = must_be_zero("received events that did not become PROCESSED")
    conflicts_processed: int = must_be_zero("conflicts with another status than CONFLICT, or an event")
    misnamed: int = must_be_zero("events that no received event names, or more than one; names of no event")
    miscounted: int = must_be_zero("duplicates or endpoints' statistics that are not what happened")
    not_indexed: int = must_be_zero("received events that the list of their endpoint misses")


@dataclass
class Webhook:
    """All requests with one seq, and what is stored of them."""
    requests: list[tuple[Request, int]] = field(default_factory=list)  # with the index of the item
    kept: list[Stored] = field(default_factory=list)
    conflicts: list[Stored] = field(default_factory=list)

    @property
    def name(self) -> str:
        request, index = self.requests[0]
        return f"seq {request.items[index].seq} at inlet {request.inlet}"

    def item_of(self, stored: Stored) -> Item | None:
        """The item whose body was stored."""
        for request, index in self.requests:
            if request.items[index].body_sha256 == stored.body_sha256:
                return request.items[index]
        return None


def reconcile_inbound(requests: dict[int, Request], store: InboundStore, received: list[Received],
                      export: Export, rules: Rules, inlets: dict[str, int]) -> InboundVerdict:
    """inlets: their numbers by id."""
    webhooks: dict[int, Webhook] = defaultdict(Webhook)
    for request in requests.values():
        for index, item in enumerate(request.items):
            webhooks[item.seq].requests.append((request, index))
    webhooks = dict(webhooks)
    sent = {seq: sent_of(webhook) for seq, webhook in webhooks.items()}
    strangers = sort_stored(webhooks, store)
    name_events(sent, webhooks, store)
    verdict = InboundVerdict(**vars(reconcile(sent, received, export, rules)))
    for stored in strangers:
        verdict.count("phantom", f"received event {stored.id} was never sent")
    for webhook in webhooks.values():
        check_stored(verdict, webhook, rules, inlets)
        check_results(verdict, webhook, store)
        check_duplicates(verdict, webhook, store)
    for number, request in requests.items():
        check_replies(verdict, f"request {number}", request, webhooks)
    check_names(verdict, webhooks, store, export)
    check_stats(verdict, store, inlets)
    for received_id in store.not_indexed:
        verdict.count("not_indexed", f"received event {received_id}")
    return verdict


def sort_stored(webhooks: dict[int, Webhook], store: InboundStore) -> list[Stored]:
    """Gives each received event to its webhook; those that have none are returned."""
    strangers = []
    for stored in store.received:
        webhook = webhooks.get(stored.seq)
        if webhook is None:
            strangers.append(stored)
        else:
            (webhook.conflicts if stored.conflict_of else webhook.kept).append(stored)
    return strangers


# --- as if the senders had published


def sent_of(webhook: Webhook) -> Sent:
    """What a publisher would know."""
    first, index = webhook.requests[0]
    item = first.items[index]
    sent = Sent(INLETS[first.inlet].tenant, item.type, item.data_sha256)
    moments = [reply.at_us for request, _ in webhook.requests for reply in request.replies
               if not reply.conflict]
    if not first.signed:
        sent.outcome, sent.detail = Outcome.REJ, "signed wrong"
    elif moments:
        sent.outcome, sent.acknowledged_us = Outcome.ACK, min(moments)
    elif all(request.refusals and not request.unknown and not request.replies
             for request, _ in webhook.requests):
        sent.outcome, sent.detail = Outcome.REJ, first.refusals[-1]
    return sent


def name_events(sent: dict[int, Sent], webhooks: dict[int, Webhook], store: InboundStore) -> None:
    """The event's id is what the received event says; its content is that of the rival that was kept."""
    for seq, webhook in webhooks.items():
        if not webhook.kept:
            continue
        result = store.results.get(webhook.kept[0].id)
        if result and result.event_id and sent[seq].outcome is Outcome.ACK:
            sent[seq].event_id = result.event_id
        if item := webhook.item_of(webhook.kept[0]):
            sent[seq].type, sent[seq].sha256 = item.type, item.data_sha256


# --- what was received


def check_stored(verdict: InboundVerdict, webhook: Webhook, rules: Rules, inlets: dict[str, int]) -> None:
    verdict.conflicts += len(webhook.conflicts)
    for stored in webhook.kept[1:]:
        verdict.count("webhooks_doubled", f"{webhook.name}: {stored.id} beside {webhook.kept[0].id}")
    for stored in webhook.kept + webhook.conflicts:
        request, index = webhook.requests[0]
        inlet = INLETS[request.inlet]
        item = webhook.item_of(stored)
        told_of = (inlets.get(stored.inlet_id), rules.tenants.get(stored.tenant_id), stored.batch_index)
        wanted = (inlet.number, inlet.tenant, index if inlet.kind == BATCH else None)
        if item is None or item.external_id != stored.external_id or told_of != wanted:
            verdict.count("corrupt", f"{webhook.name}: {stored.id} has another body, id or place")
        if not request.signed:
            verdict.count("forbidden", f"{webhook.name}: {stored.id} was signed wrong")
    kept = {stored.id for stored in webhook.kept}
    bodies = {stored.body_sha256 for stored in webhook.kept}
    for stored in webhook.conflicts:
        if stored.conflict_of not in kept or stored.body_sha256 in bodies:
            verdict.count("corrupt",
                          f"{webhook.name}: {stored.id} is in no conflict with {stored.conflict_of}")


def check_results(verdict: InboundVerdict, webhook: Webhook, store: InboundStore) -> None:
    for stored in webhook.kept:
        result = store.results.get(stored.id)
        if result is None or result.status != "PROCESSED" or not result.event_id:
            status = result.status if result else "waiting"
            verdict.count("unprocessed", f"{webhook.name}: {stored.id} is {status}")
    for stored in webhook.conflicts:
        result = store.results.get(stored.id)
        if result is None or result.status != "CONFLICT" or result.event_id:
            verdict.count("conflicts_processed", f"{webhook.name}: {stored.id} is "
                                                 f"{result.status if result else 'waiting'}")


def check_duplicates(verdict: InboundVerdict, webhook: Webhook, store: InboundStore) -> None:
    """A repetition without an answer may have been counted, or not."""
    if len(webhook.kept) != 1:
        return  # counted already
    known = unknown = 0
    for request, index in webhook.requests:
        known += sum(1 for reply in request.replies if not reply.fresh and not reply.conflict)
        unknown += request.unknown
    said = store.duplicates.get(webhook.kept[0].id, -1)
    if not known <= said <= known + unknown:
        verdict.count("miscounted",
                      f"{webhook.name}: {said} duplicates, {known} were told, {unknown} cut off")


# --- what was answered


def check_replies(verdict: InboundVerdict, name: str, request: Request, webhooks: dict[int, Webhook]) -> None:
    verdict.replies += len(request.replies)
    verdict.known_again += sum(1 for reply in request.replies if not reply.fresh and not reply.conflict)
    verdict.cut_off += request.unknown
    if not request.signed:
        verdict.forged += len(request.refusals)
        for reply in request.replies:
            verdict.count("forbidden", f"{name}: signed wrong, and answered 200 {reply.ids[0]}")
        return
    for refusal in request.refusals:
        if not refusal.startswith("503"):
            verdict.count("webhooks_refused", f"{name}: {refusal}")
    check_as_one(verdict, name, request)
    for index, item in enumerate(request.items):
        webhook = webhooks[item.seq]
        for places, conflict in ((webhook.kept, False), (webhook.conflicts, True)):
            ids = {reply.ids[index] for reply in request.replies
                   if reply.conflict is conflict and index < len(reply.ids)}
            there = {stored.id for stored in places if stored.body_sha256 == item.body_sha256}
            if missing := ids - there:
                verdict.count("webhooks_lost", f"{name}, {webhook.name}: {', '.join(sorted(missing))}")
            if conflict and len(there) > 1:
                verdict.count("webhooks_doubled", f"{name}, {webhook.name}: {len(there)} conflicts")


def check_as_one(verdict: InboundVerdict, name: str, request: Request) -> None:
    """All name the same received events, and one is the first, unless its answer may have been lost."""
    if not request.replies:
        return
    size = len(request.items)
    if len({reply.conflict for reply in request.replies}) > 1:
        verdict.count("replies_differ", f"{name}: in conflict, but not always")
    if len({reply.ids for reply in request.replies}) > 1 or len(request.replies[0].ids) != size:
        verdict.count("replies_differ", f"{name}: {[reply.ids for reply in request.replies]}")
    first = [reply.fresh for reply in request.replies if reply.fresh]
    if first != [size] and (first or not request.unknown):
        verdict.count("replies_differ", f"{name}: {len(request.replies)} replies, {request.unknown} cut off,"
                                        f" new in {first} of {size} items")


# --- what was published


def check_names(verdict: InboundVerdict, webhooks: dict[int, Webhook], store: InboundStore,
                export: Export) -> None:
    seqs = {event.id: event.seq for event in export.events}
    named = Counter()
    for seq, webhook in webhooks.items():
        for stored in webhook.kept:
            result = store.results.get(stored.id)
            if not result or not result.event_id:
                continue
            named[result.event_id] += 1
            if seqs.get(result.event_id) != seq:
                verdict.count("misnamed", f"{webhook.name}: {stored.id} names {result.event_id}")
    for event_id in seqs:
        if named[event_id] != 1:
            verdict.count("misnamed", f"event {event_id} is named by {named[event_id]} received events")


def check_stats(verdict: InboundVerdict, store: InboundStore, inlets: dict[str, int]) -> None:
    """A conflict that is held was received, and no more."""
    happened = {inlet_id: [0, 0, 0] for inlet_id in inlets}
    for result in store.results.values():
        if result.inlet_id not in happened:
            continue
        counts = happened[result.inlet_id]
        counts[0] += 1
        if result.status != "CONFLICT":
            counts[2 if result.status == "FAILED" else 1] += 1
    for inlet_id, counts in happened.items():
        if store.stats.get(inlet_id) != tuple(counts):
            verdict.count("miscounted", f"inlet {inlets[inlet_id]}: the statistics are "
                                        f"{store.stats.get(inlet_id)}, {tuple(counts)} happened")
