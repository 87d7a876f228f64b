// The libraries of those who send webhooks sign requests; the running hub accepts these and no others.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { Endpoint, flipped } from "./endpoints.mjs";
import { Hub } from "./program.mjs";
import { SENDERS } from "./senders.mjs";

const PATIENCE = { timeout: 60_000 };
const MINUTE = 60_000;
const MARGIN = 10_000; // between what the test and what the hub calls now

let hub;
before(async () => {
  hub = await Hub.start({ CROSSDOCK_PUBLIC_URL: "https://hooks.example.com" });
});
after(async () => {
  assert.equal(await hub.stop(), 0);
});

const without = (headers, name) =>
  Object.fromEntries(Object.entries(headers).filter(([each]) => each !== name));

const swapCase = (text) =>
  text.replaceAll(/[a-z]/gi, (c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase()));

/** The header's value with its signature in letters of the other case; what stands before it stays. */
const otherCase = (value) => value.replaceAll(/[A-Za-z0-9+/]{20,}/g, swapCase);

/** The signature of one request at the time of another. */
function redated(sender, signed, at) {
  const headers = { ...signed.headers };
  if (sender.timestamp) {
    headers[sender.timestamp] = at[sender.timestamp];
  } else {
    const time = /t=\d+/.exec(at[sender.header])[0];
    headers[sender.header] = headers[sender.header].replace(/t=\d+/, time);
  }
  return headers;
}

/** Requests that are wrong in one thing, each with its name. */
async function* tampered(endpoint) {
  const { sender } = endpoint;
  const good = await endpoint.request();
  yield ["another secret", await endpoint.request({ secret: sender.other })];
  yield ["no signature", { ...good, headers: without(good.headers, sender.header) }];
  const value = good.headers[sender.header];
  yield ["an empty signature", { ...good, headers: { ...good.headers, [sender.header]: "" } }];
  yield ["half a signature", { ...good, headers: { ...good.headers, [sender.header]: value.slice(0, -16) } }];
  yield ["a longer signature", { ...good, headers: { ...good.headers, [sender.header]: `${value}AAAA` } }];
  yield ["the signature of another request",
    { ...good, headers: { ...good.headers, [sender.header]: (await endpoint.request()).headers[sender.header] },
      body: Buffer.concat([good.body, Buffer.from(" ")]) }];
  yield ["a byte more", { ...good, body: Buffer.concat([good.body, Buffer.from(" ")]) }];
  yield ["a byte less", { ...good, body: good.body.subarray(0, -1) }];
  yield ["no body", { ...good, body: Buffer.alloc(0) }];
  if (!sender.hex) {
    yield ["base64 in other letters", { ...good, headers: { ...good.headers, [sender.header]: otherCase(value) } }];
  }
  if (sender.signsUrl) {
    yield ["another URL", await endpoint.request({ asSigned: (url) => `${url}x` })];
    yield ["another query", { ...good, target: `${good.target}${good.target.includes("?") ? "&" : "?"}a=1` }];
  }
  if (sender.tolerance) {
    const away = sender.tolerance * 1000 + MARGIN;
    const now = Date.now();
    for (const [name, at] of [["stale", now - away], ["of a day ago", now - 1440 * MINUTE],
      ["of the future", now + away], ["of the next day", now + 1440 * MINUTE]]) {
      yield [name, await endpoint.request({ at })];
    }
    const later = await endpoint.request({ event: good.event, at: now + MARGIN });
    yield ["with another time", { ...good, headers: redated(sender, good, later.headers) }];
    const old = await endpoint.request({ event: good.event, at: now - away });
    yield ["an old one with a time of now", { ...old, headers: redated(sender, old, good.headers) }];
    if (sender.timestamp) {
      yield ["without a time", { ...good, headers: without(good.headers, sender.timestamp) }];
      yield ["with a time that is none", { ...good, headers: { ...good.headers, [sender.timestamp]: "soon" } }];
    } else {
      const bare = value.replace(/t=\d+,/, "");
      yield ["without a time", { ...good, headers: { ...good.headers, [sender.header]: bare } }];
    }
  }
}

for (const sender of SENDERS) {
  const { preset } = sender;

  test(`${preset}: what is signed right is accepted and kept`, PATIENCE, async () => {
    const endpoint = await Endpoint.make(hub, sender);
    const request = await endpoint.request();
    const answer = await endpoint.accepts(request);

    const kept = await endpoint.received();
    assert.deepEqual(kept.map((each) => each.external_id), request.event.ids);
    assert.deepEqual(kept.map((each) => each.id), sender.batch ? answer.ids : [answer.id]);
    for (const each of kept) {
      assert.equal(sender.batch ? each.batch_body : each.body, request.event.body);
      assert.equal(each.verification.scheme, preset);
      assert.equal(each.target, request.target);
    }
    if (sender.batch) {
      assert.deepEqual(kept.map((each) => JSON.parse(each.body)), JSON.parse(request.event.body));
    }
  });

  test(`${preset}: what is sent again is known by its id`, PATIENCE, async () => {
    const endpoint = await Endpoint.make(hub, sender);
    const { event } = await endpoint.request();
    await endpoint.accepts(await endpoint.request({ event }));
    // Signed once more, as senders do that sign each attempt at its own time.
    const again = await endpoint.accepts(await endpoint.request({ event, at: Date.now() + 1000 }));

    if (sender.batch) assert.equal(again.duplicates, event.ids.length);
    else assert.equal(again.duplicate, true);
    assert.equal((await endpoint.received()).length, event.ids.length);
  });

  test(`${preset}: a flipped bit of any byte of the body is refused`, PATIENCE, async () => {
    const endpoint = await Endpoint.make(hub, sender);
    const request = await endpoint.request();
    for (const body of flipped(request.body)) await endpoint.refuses({ ...request, body }, body.toString());

    assert.deepEqual(await endpoint.received(), []);
    await endpoint.accepts(request);
  });

  test(`${preset}: what is wrong in one thing is refused and not kept`, PATIENCE, async () => {
    const endpoint = await Endpoint.make(hub, sender);
    for await (const [name, request] of tampered(endpoint)) await endpoint.refuses(request, name);

    assert.deepEqual(await endpoint.received(), []);
  });

  test(`${preset}: a rotation takes the old and the new secret while they overlap`, PATIENCE, async () => {
    const endpoint = await Endpoint.make(hub, sender);
    await endpoint.refuses(await endpoint.request({ secret: sender.other }), "before the rotation");
    await endpoint.rotate(sender.other, 3600);

    await endpoint.accepts(await endpoint.request({ secret: sender.secret }));
    await endpoint.accepts(await endpoint.request({ secret: sender.other }));
    const kept = await endpoint.received();
    assert.equal(new Set(kept.map((each) => each.verification.secret)).size, 2, "each says which secret fits");
  });

  test(`${preset}: a rotation without overlap ends the old secret`, PATIENCE, async () => {
    const endpoint = await Endpoint.make(hub, sender);
    await endpoint.accepts(await endpoint.request({ secret: sender.secret }));
    await endpoint.rotate(sender.other, 0);

    await endpoint.refuses(await endpoint.request({ secret: sender.secret }), "the old secret");
    await endpoint.accepts(await endpoint.request({ secret: sender.other }));
  });

  if (sender.hex) {
    test(`${preset}: hexadecimal digits may be of either case`, PATIENCE, async () => {
      const endpoint = await Endpoint.make(hub, sender);
      const request = await endpoint.request();
      const upper = otherCase(request.headers[sender.header]);
      assert.notEqual(upper, request.headers[sender.header]);

      await endpoint.accepts({ ...request, headers: { ...request.headers, [sender.header]: upper } });
    });
  }

  if (sender.tolerance) {
    test(`${preset}: what is a little early or late is accepted`, PATIENCE, async () => {
      const endpoint = await Endpoint.make(hub, sender);
      const near = sender.tolerance * 1000 - MARGIN;
      await endpoint.accepts(await endpoint.request({ at: Date.now() - near }));
      await endpoint.accepts(await endpoint.request({ at: Date.now() + near }));
    });
  } else {
    test(`${preset}: no time is signed, so none is checked and no age is claimed`, PATIENCE, async () => {
      const endpoint = await Endpoint.make(hub, sender);
      const request = await endpoint.request();
      const dated = { ...request, headers: { ...request.headers, date: "Mon, 01 Jan 2001 00:00:00 GMT" } };
      const diagnosis = await endpoint.diagnose(dated);
      assert.equal(diagnosis.passed, true);
      assert.doesNotMatch(JSON.stringify(diagnosis), /timestamp|tolera|replay|\bage\b/i);
      await endpoint.accepts(dated);

      const document = JSON.parse(await readFile(new URL(`../../signatures/${preset}.json`, import.meta.url)));
      assert.deepEqual(Object.keys(document).filter((name) => /^(ts|unit|tolerance)$/.test(name)), []);
    });
  }
}
