"""The producer process: publishes events at a steady pace over kept connections, whatever the server does.

Reads its configuration as one line of JSON, see Config; ends when its standard input does. Some events go
in batches, some carry an Idempotency-Key and are sent again while their outcome is unknown, some are wrong
and must be refused.
"""
import asyncio
import hashlib
import itertools
import json
import random
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field

import ledger
from ledger import Outcome
from oracle import EVENT_TYPES, REFUSED_TYPE

CONNECTIONS = 24
BATCH_CONNECTIONS = 2
BATCH_EVENTS_MAX = 40
REFUSED_SHARE = 0.01
KEYED_SHARE = 0.1
ORDERING_KEYS = 8  # of each connection; no other uses them, so that the order of their events is known
ANSWER_S_MAX = 30
RECONNECT_S = 0.02
LAG_S_MAX = 0.25  # what was not sent while the server was away is not made up for

# What a publisher may meet in a text: escapes, letters beyond ASCII and beyond the basic plane.
FILLING = "Größe 12,5 µm \\u00e9\\n \\\"quoted\\\" 東京 🚚 naïve façade "


@dataclass
class Config:
    port: int
    keys: list[str]  # an API key for each tenant
    rate: float      # events per second
    seed: int
    run: str
    ledger: str
    ordered: bool = False  # events have ordering keys, and those of one key go out one after the other


@dataclass(slots=True)
class Draft:
    """An event that is to be sent, again where its outcome is unknown and it has a key."""
    seq: int
    tenant: int
    type: str
    data: str
    key: str = ""
    ordering_key: str = ""
    sha256: str = field(init=False)

    def __post_init__(self):
        self.sha256 = hashlib.sha256(self.data.encode()).hexdigest()

    def json(self) -> str:
        order = f',"ordering_key":"{self.ordering_key}"' if self.ordering_key else ""
        return f'{{"type":"{self.type}","data":{self.data}{order}}}'


class Producer:
    def __init__(self, config: Config):
        self._config = config
        self._book = ledger.Writer(config.ledger)
        self._random = random.Random(config.seed)
        self._seqs = itertools.count(1)
        self._again: deque[Draft] = deque()
        self._next_at = 0.0
        self.stopping = False

    async def run(self) -> None:
        await asyncio.gather(*(self._connection(i) for i in range(CONNECTIONS + BATCH_CONNECTIONS)))
        self._book.close()

    # --- what is sent

    def _draft(self, tenant: int, connection: int) -> Draft:
        seq = next(self._seqs)
        types, shares = zip(*EVENT_TYPES)
        refused = self._random.random() < REFUSED_SHARE
        event_type = REFUSED_TYPE if refused else self._random.choices(types, shares)[0]
        filling = FILLING * self._random.randint(1, 30)
        # 1.50 and 1e3 are numbers whose text a careless copy would change.
        data = (f'{{"run":"{self._config.run}","producer":1,"seq":{seq},"amount":1.50,"weight":1e3,'
                f'"note":"{filling}"}}')
        ordering_key = ""
        if self._config.ordered:
            ordering_key = f"{connection}-{self._random.randrange(ORDERING_KEYS)}"
        return Draft(seq, tenant, event_type, data, ordering_key=ordering_key)

    async def _pace(self, events: int) -> None:
        now = time.monotonic()
        at = max(self._next_at, now - LAG_S_MAX)
        self._next_at = at + events / self._config.rate
        if at > now:
            await asyncio.sleep(at - now)

    async def _connection(self, number: int) -> None:
        tenant = number % len(self._config.keys)
        work = self._send_batches if number >= CONNECTIONS else self._send_singles
        while not self.stopping:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._config.port)
            except OSError:
                await asyncio.sleep(RECONNECT_S)
                continue
            try:
                await work(tenant, number, reader, writer)
            except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, ValueError):
                pass  # noted in the ledger where it mattered
            finally:
                writer.transport.abort()

    async def _send_singles(self, tenant: int, connection: int, reader, writer) -> None:
        while not self.stopping:
            await self._pace(1)
            if self._again and self._again[0].tenant == tenant:
                draft = self._again.popleft()
            else:
                draft = self._draft(tenant, connection)
                # Sent again, an event would come after others of its ordering key that were sent meanwhile.
                if not self._config.ordered and self._random.random() < KEYED_SHARE:
                    draft.key = f"{self._config.run}-{draft.seq}"
            header = f"Idempotency-Key: {draft.key}\r\n" if draft.key else ""
            answer = await self._post(reader, writer, "/api/v1/events", header, draft.json(), [draft])
            self._note([draft], *answer)

    async def _send_batches(self, tenant: int, connection: int, reader, writer) -> None:
        while not self.stopping:
            count = self._random.randint(2, BATCH_EVENTS_MAX)
            await self._pace(count)
            drafts = [self._draft(tenant, connection) for _ in range(count)]
            body = '{"events":[' + ",".join(draft.json() for draft in drafts) + "]}"
            status, answer = await self._post(reader, writer, "/api/v1/events/batch", "", body, drafts)
            if status != 202:
                self._note(drafts, status, answer)
                continue
            for draft, item in zip(drafts, answer["data"], strict=True):
                self._note([draft], item["error"]["status"] if "error" in item else 202, item)

    # --- what comes back

    async def _post(self, reader, writer, path: str, header: str, body: str, drafts: list[Draft]):
        """Status and body of the answer. Noted before sending; noted as unknown before an error leaves."""
        content = body.encode()
        self._book.append("".join(ledger.sent_line(now_us(), each.seq, each.tenant, each.type, each.sha256,
                                                   each.ordering_key)
                                  for each in drafts))
        try:
            writer.write(f"POST {path} HTTP/1.1\r\nHost: crash\r\n"
                         f"Authorization: Bearer {self._config.keys[drafts[0].tenant]}\r\n"
                         f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n{header}\r\n"
                         .encode() + content)
            async with asyncio.timeout(ANSWER_S_MAX):
                return await read_answer(reader)
        except BaseException as error:
            self._note_unknown(drafts, type(error).__name__)
            raise

    def _note(self, drafts: list[Draft], status: int, answer: dict) -> None:
        if status == 202:
            [draft] = drafts
            return self._book.append(ledger.outcome_line(now_us(), draft.seq, Outcome.ACK, answer["id"]))
        code = str(answer.get("code", answer.get("error", {}).get("code", "")))
        # A refusal promises that nothing was accepted; an answer that says it does not know promises nothing.
        if 400 <= status < 500 or (status == 503 and code != "OUTCOME_UNKNOWN"):
            why = f"{status} {code}"
            self._book.append("".join(ledger.outcome_line(now_us(), draft.seq, Outcome.REJ, why)
                                      for draft in drafts))
        else:
            self._note_unknown(drafts, f"{status} {code}")

    def _note_unknown(self, drafts: list[Draft], why: str) -> None:
        self._book.append("".join(ledger.outcome_line(now_us(), draft.seq, Outcome.UNK, why)
                                  for draft in drafts))
        self._again.extend(draft for draft in drafts if draft.key)


async def read_answer(reader) -> tuple[int, dict]:
    header = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = 0
    for line in header.split("\r\n")[1:]:
        name, _, value = line.partition(":")
        if name == "content-length":
            length = int(value)
    return int(header.split(" ", 2)[1]), json.loads(await reader.readexactly(length))


def now_us() -> int:
    return time.time_ns() // 1000


async def main() -> None:
    line = sys.stdin.readline()
    if not line:
        return  # the parent gave up before it began
    producer = Producer(Config(**json.loads(line)))

    def wait_for_end() -> None:
        sys.stdin.read()
        producer.stopping = True

    threading.Thread(target=wait_for_end, daemon=True).start()
    await producer.run()


if __name__ == "__main__":
    asyncio.run(main())
