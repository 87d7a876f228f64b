// The libraries of GitHub's and Stripe's receivers verify what Crossdock sends in their scheme; Standard Webhooks v1a,
// which its own library does not know, is verified with Node's crypto.
import assert from "node:assert/strict";
import { createPublicKey, verify as verifyBytes } from "node:crypto";
import { after, before, test } from "node:test";

import { verify as verifyGithub } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";

import { Hub, Receiver } from "./program.mjs";

const SUBSCRIPTIONS = "/api/v1/webhooks/subscriptions";
const PATIENCE = { timeout: 30_000 };
const DATA = { id: 42, text: "héllo \u{1f600} \u2028" };

let hub;
before(async () => {
  hub = await Hub.start();
});
after(async () => {
  assert.equal(await hub.stop(), 0);
});

async function subscribe(t, settings) {
  const receiver = await Receiver.listen();
  t.after(() => receiver.close());
  const type = t.name.replaceAll(/\W+/g, "_"); // so that each test gets its own deliveries only
  const subscription = await hub.post(SUBSCRIPTIONS, {
    name: "compat", url: receiver.url, event_types: [type], ...settings,
  });
  const deliver = async (data = DATA) => {
    await hub.post("/api/v1/events", { type, data });
    return receiver.next();
  };
  const rotate = (body) => hub.post(`${SUBSCRIPTIONS}/${subscription.id}/rotate-secret`, body);
  return { subscription, deliver, rotate };
}

/** The texts that differ from this one in one bit of one byte; beyond ASCII that would be no text any more. */
function* flipped(text) {
  for (let i = 0; i < text.length; ++i) {
    if (text.charCodeAt(i) > 127) continue;
    yield text.slice(0, i) + String.fromCharCode(text.charCodeAt(i) ^ 1) + text.slice(i + 1);
  }
}

function verifyStripe(secret, { headers, body }) {
  return new Stripe("sk_test_none").webhooks.constructEvent(body, headers["stripe-signature"], secret);
}

test("stripe verifies a delivery", PATIENCE, async (t) => {
  const { subscription, deliver } = await subscribe(t, { signing_scheme: "STRIPE" });
  const delivery = await deliver();

  assert.deepEqual(verifyStripe(subscription.secret_key, delivery).data, DATA);
  for (const body of flipped(delivery.body)) {
    assert.throws(() => verifyStripe(subscription.secret_key, { ...delivery, body }), /signature/i);
  }
  assert.throws(() => verifyStripe(`${subscription.secret_key}x`, delivery), /signature/i);
});

test("stripe verifies with the old and the new secret of a rotation", PATIENCE, async (t) => {
  const { subscription, deliver, rotate } = await subscribe(t, { signing_scheme: "STRIPE" });
  const rotated = await rotate();
  const delivery = await deliver();

  assert.deepEqual(verifyStripe(subscription.secret_key, delivery).data, DATA);
  assert.deepEqual(verifyStripe(rotated.secret_key, delivery).data, DATA);
});

test("stripe verifies a cloud event", PATIENCE, async (t) => {
  const settings = { signing_scheme: "STRIPE", payload_format: "CLOUDEVENTS" };
  const { subscription, deliver } = await subscribe(t, settings);

  assert.equal(verifyStripe(subscription.secret_key, await deliver()).specversion, "1.0");
});

test("octokit verifies a delivery", PATIENCE, async (t) => {
  const { subscription, deliver } = await subscribe(t, { signing_scheme: "GITHUB", payload_format: "RAW" });
  const { headers, body } = await deliver();
  const signature = headers["x-hub-signature-256"];

  assert.equal(await verifyGithub(subscription.secret_key, body, signature), true);
  assert.deepEqual(JSON.parse(body), DATA);
  for (const changed of flipped(body)) {
    assert.equal(await verifyGithub(subscription.secret_key, changed, signature), false);
  }
  assert.equal(await verifyGithub(`${subscription.secret_key}x`, body, signature), false);
});

test("octokit verifies with the secret that a rotation brought", PATIENCE, async (t) => {
  const { deliver, rotate } = await subscribe(t, { signing_scheme: "GITHUB" });
  await rotate({ secret_key: "the-receiver-knows-it-already" });
  const { headers, body } = await deliver();

  assert.equal(
    await verifyGithub("the-receiver-knows-it-already", body, headers["x-hub-signature-256"]), true);
});

/** By the text of the specification. */
function verifyV1a(publicKey, { headers, body }) {
  const prefix = Buffer.from("302a300506032b6570032100", "hex"); // SubjectPublicKeyInfo of Ed25519 (RFC 8410)
  const raw = Buffer.from(publicKey.replace(/^whpk_/, ""), "base64");
  const key = createPublicKey({ key: Buffer.concat([prefix, raw]), format: "der", type: "spki" });
  const content = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  return headers["webhook-signature"].split(" ").some((signature) => {
    const [version, bytes] = signature.split(",");
    return version === "v1a" && verifyBytes(null, content, key, Buffer.from(bytes, "base64"));
  });
}

test("v1a is verified with the public key", PATIENCE, async (t) => {
  const { subscription, deliver } = await subscribe(t, { signing_scheme: "STANDARD_V1A" });
  const delivery = await deliver();
  const publicKey = subscription.signing_secrets[0].public_key;

  assert.equal(verifyV1a(publicKey, delivery), true);
  for (const body of flipped(delivery.body)) assert.equal(verifyV1a(publicKey, { ...delivery, body }), false);
});

test("standardwebhooks verifies while v1 is being replaced by v1a", PATIENCE, async (t) => {
  const { subscription, deliver, rotate } = await subscribe(t, {});
  const rotated = await rotate({ signing_scheme: "STANDARD_V1A" });
  const delivery = await deliver();

  const payload = new Webhook(subscription.secret_key).verify(delivery.body, delivery.headers);
  assert.deepEqual(payload.data, DATA);
  assert.equal(verifyV1a(rotated.signing_secrets[0].public_key, delivery), true);
});
