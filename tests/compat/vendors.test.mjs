// What vendors' own libraries sign and verify, where their schemes have something of their own; and handshakes and bodies
// byte for byte as their documents have them.
import assert from "node:assert/strict";
import { createHmac, generateKeyPairSync, sign as signBytes } from "node:crypto";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

import { WorkOS } from "@workos-inc/node";
import { verifyKey } from "discord-interactions";

import { Endpoint } from "./endpoints.mjs";
import { Hub, PROGRAM } from "./program.mjs";

const { generateWebhookSignature, verifyWebhookSignature } = createRequire(import.meta.url)("@hygraph/utils");
const PATIENCE = { timeout: 60_000 };
const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded" };

let hub;
before(async () => {
  hub = await Hub.start({ CROSSDOCK_PUBLIC_URL: "https://hooks.example.com" });
});
after(async () => {
  assert.equal(await hub.stop(), 0);
});

const endpointOf = (preset, secret, settings) => Endpoint.make(hub, { preset, secret }, settings);

const requestOf = (endpoint, body, headers) => ({
  target: endpoint.path, headers, body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
});

/** The value of the header that `crossdock signature sign` makes for this body. */
async function signed(scheme, secret, body) {
  const child = spawn(PROGRAM, ["signature", "sign", "--scheme", scheme], {
    env: { ...process.env, CROSSDOCK_SIGNATURE_SECRET: secret }, stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdin.end(`POST /hook HTTP/1.1\r\nHost: hub.example.com\r\n\r\n${body}`);
  let said = "";
  child.stdout.on("data", (piece) => { said += piece; });
  const [status] = await once(child, "close");
  assert.equal(status, 0);
  const lines = said.trimEnd().split("\n");
  return lines.at(-1).slice(lines.at(-1).indexOf(": ") + 2);
}

test("hygraph: its library and the hub sign and verify alike", PATIENCE, async () => {
  const secret = "It's a secret";
  const body = { operation: "publish", data: { __typename: "Post", id: "p1", title: "héllo / \"q\"" } };
  const endpoint = await endpointOf("hygraph", secret);
  for (const environmentName of ["master", "dev"]) {
    const signature = generateWebhookSignature({ body, environmentName, secret });
    const request = requestOf(endpoint, body, { ...JSON_TYPE, "gcms-signature": signature });
    await endpoint.accepts(request);
    await endpoint.refuses({ ...request, body: Buffer.from("{}") }, "another body");
  }
  const rawPayload = JSON.stringify(body);
  const signature = await signed("hygraph", secret, rawPayload);
  assert.match(signature, /^sign=[A-Za-z0-9+/=]+, env=master, t=\d{13}$/);
  assert.equal(verifyWebhookSignature({ rawPayload, signature, secret }), true);
});

test("workos: its library and the hub sign and verify alike", PATIENCE, async () => {
  const secret = "whs_of_the_endpoint";
  const { webhooks } = new WorkOS("sk_test_none");
  const payload = { id: "event_1", event: "dsync.user.created", data: {}, created_at: "2026-11-30T12:00:00.000Z" };
  const endpoint = await endpointOf("workos", secret);
  const at = Date.now();
  const mac = await webhooks.computeSignature(at, payload, secret);
  for (const separator of [", ", ","]) {
    const request = requestOf(endpoint, payload, { ...JSON_TYPE, "workos-signature": `t=${at}${separator}v1=${mac}` });
    await endpoint.accepts(request);
  }
  const sigHeader = await signed("workos", secret, JSON.stringify(payload));
  assert.equal(await webhooks.verifyHeader({ payload, sigHeader, secret }), true);
});

test("discord: what its library verifies is taken, both kinds of PING are answered", PATIENCE, async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const secret = publicKey.export({ format: "der", type: "spki" }).subarray(-32).toString("hex");
  const endpoint = await endpointOf("discord", secret);
  const send = async (payload) => {
    const body = JSON.stringify(payload);
    const timestamp = String(Math.floor(Date.now() / 1000));
    const signature = signBytes(null, Buffer.from(timestamp + body), privateKey).toString("hex");
    assert.equal(await verifyKey(body, signature, timestamp, secret), true);
    const headers = { ...JSON_TYPE, "x-signature-ed25519": signature, "x-signature-timestamp": timestamp };
    return endpoint.send(requestOf(endpoint, body, headers));
  };
  assert.deepEqual(await send({ version: 1, application_id: "1", type: 0 }), { status: 204, answer: "" });
  assert.deepEqual(await send({ id: "1", application_id: "1", type: 1, token: "t", version: 1 }),
    { status: 200, answer: { type: 1 } });
  assert.deepEqual(await endpoint.received(), []);

  const event = { version: 1, application_id: "1", type: 1, event: { type: "ENTITLEMENT_CREATE", timestamp: "t", data: {} } };
  assert.equal((await send(event)).status, 204);
  assert.equal((await endpoint.received()).length, 1, "an event of type 1 is no PING");
});

test("onfleet: the key is the secret's bytes, and a URL is validated by an echo", PATIENCE, async () => {
  const secret = "4d7a3c5e".repeat(16);
  const endpoint = await endpointOf("onfleet", secret);
  const echo = await fetch(`${hub.url}${endpoint.path}?check=${encodeURIComponent("a value/1")}`);
  assert.deepEqual([echo.status, await echo.text()], [200, "a value/1"]);
  const body = { taskId: "t", time: 1479860112961, triggerId: 3, triggerName: "taskCompleted" };
  const sign = (key) => createHmac("sha512", key).update(JSON.stringify(body)).digest("hex");
  const request = (key) => requestOf(endpoint, body, { ...JSON_TYPE, "x-onfleet-signature": sign(key) });
  await endpoint.refuses(request(secret), "the text as key");
  await endpoint.accepts(request(Buffer.from(secret, "hex")));
});

test("woocommerce: the ping of a webhook that is saved gets 200 and is not kept", PATIENCE, async () => {
  const secret = "consumer secret";
  const endpoint = await endpointOf("woocommerce", secret);
  const ping = requestOf(endpoint, "webhook_id=7", { ...FORM_TYPE, "user-agent": "WooCommerce/9.4 Hookshot (WordPress/6.7)" });
  assert.deepEqual(await endpoint.send(ping), { status: 200, answer: "" });
  assert.deepEqual(await endpoint.received(), []);

  const body = { id: 12, note: "a&webhook_id=7" };
  const mac = createHmac("sha256", secret).update(JSON.stringify(body)).digest("base64");
  const headers = { ...JSON_TYPE, "x-wc-webhook-topic": "order.updated", "x-wc-webhook-delivery-id": "d1" };
  await endpoint.accepts(requestOf(endpoint, body, { ...headers, "x-wc-webhook-signature": mac }));
  await endpoint.refuses(requestOf(endpoint, body, { ...headers, "x-wc-webhook-signature": "" }), "an empty signature");
  // Two orders of one second have one delivery id.
  const next = { id: 13 };
  const nextMac = createHmac("sha256", secret).update(JSON.stringify(next)).digest("base64");
  const answer = await endpoint.accepts(requestOf(endpoint, next, { ...headers, "x-wc-webhook-signature": nextMac }));
  assert.equal(answer.duplicate ?? answer.conflict, undefined);
});

test("mailgun: webhooks and routes are taken, and each token once", PATIENCE, async () => {
  const secret = "key-of-webhooks";
  const endpoint = await endpointOf("mailgun", secret);
  const proof = (token) => {
    const timestamp = String(Math.floor(Date.now() / 1000));
    return { timestamp, token, signature: createHmac("sha256", secret).update(timestamp + token).digest("hex") };
  };
  const event = proof("a".repeat(50));
  const told = (id) => requestOf(endpoint, { signature: event, "event-data": { id, event: "delivered" } }, JSON_TYPE);
  const first = await endpoint.accepts(told("m1"));
  assert.deepEqual(await endpoint.accepts(told("forged")), { id: first.id, duplicate: true });

  const route = proof("b".repeat(50));
  const form = (more) => requestOf(endpoint, String(new URLSearchParams({ ...route, ...more })), FORM_TYPE);
  const mail = await endpoint.accepts(form({ sender: "a@example.com", subject: "Hi" }));
  assert.deepEqual(await endpoint.accepts(form({ sender: "b@example.com" })), { id: mail.id, duplicate: true });
  await endpoint.refuses(requestOf(endpoint, String(new URLSearchParams({ ...route, token: "c" })), FORM_TYPE), "another token");
});
