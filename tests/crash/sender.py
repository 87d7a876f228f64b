"""The sender process of an inbound run: signs webhooks and sends each three times, whatever the server does.

Reads its configuration as one line of JSON, see Config; ends when its standard input does. A trio of
connections sends the same request at the same moment, and each sends it again after an error until it was
answered 200 or its attempts have ended. A few are signed wrong and must be refused; a few have a rival, of
the same id but with another body.
"""
import asyncio
import hashlib
import itertools
import json
import random
import sys
import threading
import time
from dataclasses import dataclass

import inbound_ledger
import ledger
from inbound_ledger import Item, Reply, Request
from inlets import BATCH, INLETS, PLAIN, STANDARD, Inlet, signed_headers
from oracle import EVENT_TYPES
from producer import ANSWER_S_MAX, FILLING, LAG_S_MAX, RECONNECT_S, now_us, read_answer

TRIOS = {STANDARD: 5, PLAIN: 2, BATCH: 1}  # of each inlet of that kind
REPETITIONS = 3
ATTEMPTS_MAX = 12  # of each connection of a trio
BATCH_ITEMS_MAX = 20
THINGS = 200       # records; what concerns one is processed in order
FORGED_SHARE = 0.01
RIVAL_SHARE = 0.04
PUT_OFF_S = 0.05
STOPPING_S_MAX = 30  # for a server that should be there


@dataclass
class Config:
    port: int
    secrets: dict[str, str]  # by the inlet's number
    rate: float              # webhooks per second, each counted once
    seed: int
    run: str
    ledger: str


@dataclass(slots=True)
class Draft:
    """A request as it is sent: again and again the same, but signed anew."""
    number: int
    inlet: Inlet
    secret: str
    webhook_id: str
    body: bytes
    told: Request

    def head(self) -> bytes:
        headers = signed_headers(self.inlet.kind, self.secret, self.webhook_id, int(time.time()), self.body)
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return (f"POST {self.inlet.target} HTTP/1.1\r\nHost: crash\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(self.body)}\r\n{lines}\r\n").encode()


def sha256_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Sender:
    def __init__(self, config: Config):
        self.config = config
        self.book = ledger.Writer(config.ledger)
        self._random = random.Random(config.seed)
        self._seqs = itertools.count(1)
        self._numbers = itertools.count(1)
        self._next_at = 0.0
        self.stopping_at: float | None = None

    async def run(self) -> None:
        await asyncio.gather(*(self._trio(inlet) for inlet in INLETS for _ in range(TRIOS[inlet.kind])))
        self.book.close()

    async def _trio(self, inlet: Inlet) -> None:
        lines = [Line(self) for _ in range(REPETITIONS)]
        while self.stopping_at is None:
            drafts = [self._draft(inlet)]
            if inlet.kind == STANDARD and drafts[0].told.signed and self._random.random() < RIVAL_SHARE:
                drafts.append(self._rival(drafts[0]))
            await self._pace(len(drafts[0].told.items))
            for draft in drafts:
                self.book.append(inbound_ledger.request_lines(now_us(), draft.number, draft.told))
            await asyncio.gather(*(line.deliver(order) for line, order in zip(lines, self._orders(drafts))))
        for line in lines:
            line.close()

    def _orders(self, drafts: list[Draft]) -> list[list[Draft]]:
        """What each connection of a trio sends: a rival comes from one, later or at the same moment."""
        orders = [drafts[:1] for _ in range(REPETITIONS)]
        if len(drafts) > 1:
            orders[-1] = drafts[::-1] if self._random.random() < 0.5 else drafts
        return orders

    async def _pace(self, items: int) -> None:
        now = time.monotonic()
        at = max(self._next_at, now - LAG_S_MAX)
        self._next_at = at + items / self.config.rate
        if at > now:
            await asyncio.sleep(at - now)

    # --- what is sent

    def _item(self, seq: int, external_id: str, event_type: str) -> tuple[Item, str]:
        """An item and its text."""
        filling = FILLING * self._random.randint(1, 20)
        # 1.50 and 1e3 are numbers whose text a careless copy would change.
        data = (f'{{"run":"{self.config.run}","producer":1,"seq":{seq},"amount":1.50,"weight":1e3,'
                f'"note":"{filling}"}}')
        thing = self._random.randrange(THINGS)
        text = f'{{"id":"{external_id}","type":"{event_type}","thing":{thing},"data":{data}}}'
        return Item(seq, event_type, external_id, sha256_of(text), sha256_of(data)), text

    def _draft(self, inlet: Inlet) -> Draft:
        signed = self._random.random() >= FORGED_SHARE
        made = []
        for _ in range(self._random.randint(2, BATCH_ITEMS_MAX) if inlet.kind == BATCH else 1):
            seq = next(self._seqs)
            types, shares = zip(*EVENT_TYPES)
            external_id = "" if inlet.kind == PLAIN else f"{self.config.run}-{seq}"
            made.append(self._item(seq, external_id, self._random.choices(types, shares)[0]))
        items = [item for item, _ in made]
        batch = '{"events":[' + ",".join(text for _, text in made) + "]}"
        body = batch if inlet.kind == BATCH else made[0][1]
        secret = self.config.secrets[str(inlet.number)] if signed else "whsec_Zm9yZ2VkIQ=="
        return Draft(next(self._numbers), inlet, secret, items[0].external_id, body.encode(),
                     Request(inlet.number, signed, items))

    def _rival(self, draft: Draft) -> Draft:
        [first] = draft.told.items
        item, text = self._item(first.seq, first.external_id, first.type)
        if item.body_sha256 == first.body_sha256:
            item, text = self._item(first.seq, first.external_id, "customer.moved")
        return Draft(next(self._numbers), draft.inlet, draft.secret, draft.webhook_id, text.encode(),
                     Request(draft.inlet.number, True, [item]))


class Line:
    """One connection of a trio, made again when it breaks."""

    def __init__(self, sender: Sender):
        self._sender = sender
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def deliver(self, drafts: list[Draft]) -> None:
        for draft in drafts:
            for _ in range(ATTEMPTS_MAX):
                if not await self._connect() or await self._send(draft):
                    break

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _connect(self) -> bool:
        """False: the end has come, and nobody is there."""
        while self._writer is None:
            try:
                port = self._sender.config.port
                self._reader, self._writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                stopping_at = self._sender.stopping_at
                if stopping_at is not None and time.monotonic() - stopping_at > STOPPING_S_MAX:
                    return False
                await asyncio.sleep(RECONNECT_S)
        return True

    async def _send(self, draft: Draft) -> bool:
        """Whether this repetition has an answer that is final. Each is noted, whatever comes."""
        try:
            self._writer.write(draft.head() + draft.body)
            async with asyncio.timeout(ANSWER_S_MAX):
                status, answer = await read_answer(self._reader)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, ValueError) as error:
            self._note(inbound_ledger.unknown_line(now_us(), draft.number, type(error).__name__))
            self.close()
            return False
        if status == 200:
            self._note(inbound_ledger.reply_line(draft.number, read_reply(answer, now_us())))
            return True
        code = str(answer.get("code", ""))
        # A refusal promises that nothing was stored; an answer that says it does not know promises nothing.
        if 400 <= status < 500 or (status == 503 and code != "OUTCOME_UNKNOWN"):
            self._note(inbound_ledger.refused_line(now_us(), draft.number, f"{status} {code}"))
        else:
            self._note(inbound_ledger.unknown_line(now_us(), draft.number, f"{status} {code}"))
        if status < 500:
            return True
        await asyncio.sleep(PUT_OFF_S)
        return False

    def _note(self, line: str) -> None:
        self._sender.book.append(line)


def read_reply(answer: dict, at_us: int) -> Reply:
    if "ids" in answer:
        return Reply(at_us, tuple(answer["ids"]), len(answer["ids"]) - answer["duplicates"])
    conflict = answer.get("conflict", False)
    return Reply(at_us, (answer["id"],), 0 if answer.get("duplicate", False) else 1, conflict)


async def main() -> None:
    line = sys.stdin.readline()
    if not line:
        return  # the parent gave up before it began
    sender = Sender(Config(**json.loads(line)))

    def wait_for_end() -> None:
        sys.stdin.read()
        sender.stopping_at = time.monotonic()

    threading.Thread(target=wait_for_end, daemon=True).start()
    await sender.run()


if __name__ == "__main__":
    asyncio.run(main())
