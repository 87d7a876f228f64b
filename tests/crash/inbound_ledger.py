"""The senders' ledger of an inbound run: the requests, and what each repetition of each was answered.

One who sends a webhook again sends the same request. It has several items where it is a batch. Two requests
may share a seq and an id and differ in their body: rivals, of which the server may process only one.
"""
from collections import Counter
from dataclasses import dataclass, field

from ledger import read_lines


@dataclass(slots=True)
class Item:
    """What becomes one received event."""
    seq: int
    type: str
    external_id: str  # "": its body stands for it
    body_sha256: str
    data_sha256: str  # of the text that becomes the event's data


@dataclass(slots=True)
class Reply:
    """A 200, with a received id for each item. fresh: how many items were not known before."""
    at_us: int
    ids: tuple[str, ...]
    fresh: int
    conflict: bool = False  # a rival was there before


@dataclass(slots=True)
class Request:
    inlet: int
    signed: bool  # False: on purpose with a wrong secret
    items: list[Item] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)  # nothing was stored, says the server
    unknown: int = 0                                   # times that it was sent and nobody knows


def request_lines(at_us: int, number: int, request: Request) -> str:
    return "".join(f"S\t{at_us}\t{number}\t{request.inlet}\t{int(request.signed)}\t{item.seq}\t{item.type}\t"
                   f"{item.external_id}\t{item.body_sha256}\t{item.data_sha256}\n" for item in request.items)


def reply_line(number: int, reply: Reply) -> str:
    return f"A\t{reply.at_us}\t{number}\t{reply.fresh}\t{int(reply.conflict)}\t{','.join(reply.ids)}\n"


def refused_line(at_us: int, number: int, why: str) -> str:
    return f"R\t{at_us}\t{number}\t{' '.join(why.split())}\n"


def unknown_line(at_us: int, number: int, why: str) -> str:
    return f"U\t{at_us}\t{number}\t{' '.join(why.split())}\n"


def read_requests(path: str) -> dict[int, Request]:
    requests: dict[int, Request] = {}
    for kind, at_us, number, *fields in read_lines(path):
        if kind == "S":
            inlet, signed, seq, *rest = fields
            request = requests.setdefault(int(number), Request(int(inlet), signed == "1"))
            request.items.append(Item(int(seq), *rest))
            continue
        request = requests[int(number)]
        if kind == "A":
            fresh, conflict, ids = fields
            request.replies.append(Reply(int(at_us), tuple(ids.split(",")), int(fresh), conflict == "1"))
        elif kind == "R":
            request.refusals.append(fields[0])
        else:
            request.unknown += 1
    return requests


def count_acknowledged(path: str) -> int:
    """Items that a 200 was given for, each once."""
    items, acknowledged = Counter(), set()
    with open(path, "rb") as lines:
        for line in lines:
            kind, _, number, *_ = line.split(b"\t", 3)
            if kind == b"S":
                items[number] += 1
            elif kind == b"A":
                acknowledged.add(number)
    return sum(items[number] for number in acknowledged)


def acknowledged_us(requests: dict[int, Request]) -> list[int]:
    """When each item was first answered 200."""
    return [min(reply.at_us for reply in request.replies) for request in requests.values() if request.replies
            for _ in request.items]
