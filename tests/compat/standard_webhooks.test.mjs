// The library of Standard Webhooks verifies what Crossdock sends, `crossdock receive` what the library signs.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Webhook } from "standardwebhooks";

import { Hub, Receiver, Receiving } from "./program.mjs";

const SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions";
const OTHER_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=";
const PATIENCE = { timeout: 30_000 };

let hub;
before(async () => {
  hub = await Hub.start();
});
after(async () => {
  assert.equal(await hub.stop(), 0);
});

async function subscribe(t, settings = {}, statuses = []) {
  const receiver = await Receiver.listen(statuses);
  t.after(() => receiver.close());
  const type = t.name.replaceAll(/\W+/g, "_"); // so that each test gets its own deliveries only
  const wanted = { name: "compat", url: receiver.url, event_types: [type], ...settings };
  const subscription = await hub.post(SUBSCRIPTIONS, wanted);
  const publish = (data) => hub.post("/api/v1/events", { type, data });
  return { receiver, subscription, publish };
}

function verify(secret, { body, headers }) {
  return new Webhook(secret).verify(body, headers);
}

test("a delivery is verified with its secret", PATIENCE, async (t) => {
  const { receiver, subscription, publish } = await subscribe(t);
  const published = await publish({ id: 42, text: "héllo \u{1f600} \u2028" });
  const delivery = await receiver.next();

  const payload = verify(subscription.secret_key, delivery);
  assert.equal(payload.id, published.id);
  assert.deepEqual(payload.data, { id: 42, text: "héllo \u{1f600} \u2028" });
});

test("a delivery is refused with another secret", PATIENCE, async (t) => {
  const { receiver, publish } = await subscribe(t);
  await publish(1);
  const delivery = await receiver.next();

  assert.throws(() => verify(OTHER_SECRET, delivery), /signature/i);
});

test("a delivery that was tampered with is refused", PATIENCE, async (t) => {
  const { receiver, subscription, publish } = await subscribe(t);
  await publish({ amount: 1 });
  const { body, headers } = await receiver.next();
  const later = String(Number(headers["webhook-timestamp"]) + 1);

  for (const changed of [
    { body: body.replace('"amount":1', '"amount":9'), headers },
    { body: body + " ", headers },
    { body, headers: { ...headers, "webhook-id": "another" } },
    { body, headers: { ...headers, "webhook-timestamp": later } },
  ]) {
    assert.throws(() => verify(subscription.secret_key, changed), /signature/i);
  }
});

test("while a secret is rotated the old and the new one verify", PATIENCE, async (t) => {
  const { receiver, subscription, publish } = await subscribe(t);
  const rotated = await hub.post(`${SUBSCRIPTIONS}/${subscription.id}/rotate-secret`);
  assert.notEqual(rotated.secret_key, subscription.secret_key);
  await publish("during");
  const delivery = await receiver.next();

  assert.equal(verify(subscription.secret_key, delivery).data, "during");
  assert.equal(verify(rotated.secret_key, delivery).data, "during");
});

test("without an overlap only the new secret verifies", PATIENCE, async (t) => {
  const { receiver, subscription, publish } = await subscribe(t);
  const rotated = await hub.post(`${SUBSCRIPTIONS}/${subscription.id}/rotate-secret`, { overlap_seconds: 0 });
  await publish("after");
  const delivery = await receiver.next();

  assert.throws(() => verify(subscription.secret_key, delivery), /signature/i);
  assert.equal(verify(rotated.secret_key, delivery).data, "after");
});

test("a retry is verified like the first attempt", PATIENCE, async (t) => {
  const { receiver, subscription, publish } = await subscribe(t, { retry_intervals: [1] }, [500]);
  await publish("again");
  const attempts = [await receiver.next(), await receiver.next()];

  for (const attempt of attempts) assert.equal(verify(subscription.secret_key, attempt).data, "again");
  assert.equal(attempts[0].headers["webhook-id"], attempts[1].headers["webhook-id"]);
});

test("a payload of format ENTITY is verified", PATIENCE, async (t) => {
  const { receiver, subscription, publish } = await subscribe(t, { payload_format: "ENTITY" });
  await publish({ id: 7 });

  assert.equal(verify(subscription.secret_key, await receiver.next()).tenant.name, "Demo");
});

test("a secret that the library's users bring along is taken", PATIENCE, async (t) => {
  const { receiver, publish } = await subscribe(t, { secret_key: OTHER_SECRET });
  await publish("own");

  assert.equal(verify(OTHER_SECRET, await receiver.next()).data, "own");
});

test("crossdock receive verifies what the library signs", PATIENCE, async (t) => {
  const receiving = await Receiving.start(OTHER_SECRET);
  t.after(() => receiving.stop());
  const body = '{"type":"order.created","data":{"id":42}}';
  const now = new Date();
  const send = async (signature) => {
    const headers = {
      "webhook-id": "msg_1",
      "webhook-timestamp": String(Math.floor(now / 1000)),
      "webhook-signature": signature,
    };
    return (await fetch(receiving.url, { method: "POST", headers, body })).status;
  };
  const signature = new Webhook(OTHER_SECRET).sign("msg_1", now, body);

  assert.equal(await send(signature), 200);
  assert.equal(await send(`v1,bm90IGl0 v1a,bm9uZQ== ${signature}`), 200);
  assert.equal(await send(new Webhook(OTHER_SECRET).sign("msg_2", now, body)), 401);
});
