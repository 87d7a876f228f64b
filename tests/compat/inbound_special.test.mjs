// What only some senders do: they sign the URL, send several signatures at once, or have published what they sign.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import http from "node:http";
import { after, before, test } from "node:test";

import twilio from "twilio";

import { Endpoint } from "./endpoints.mjs";
import { Hub } from "./program.mjs";
import { SENDERS } from "./senders.mjs";

const PATIENCE = { timeout: 60_000 };
const PUBLIC_URL = "https://hooks.example.com";

const sender = (preset) => SENDERS.find((each) => each.preset === preset);

let known; // knows the URL that was given out
let alone; // knows what Host says
before(async () => {
  known = await Hub.start({ CROSSDOCK_PUBLIC_URL: PUBLIC_URL });
  alone = await Hub.start();
});
after(async () => {
  assert.equal(await known.stop(), 0);
  assert.equal(await alone.stop(), 0);
});

/** As Endpoint.send, with a Host of one's own; fetch takes none. */
async function sendTo(host, hub, { target, headers, body }) {
  const { hostname, port } = new URL(hub.url);
  const request = http.request({ hostname, port, method: "POST", path: target, headers: { ...headers, host } });
  request.end(body);
  const [response] = await once(request, "response");
  response.resume();
  return response.statusCode;
}

for (const preset of ["hubspot_v2", "hubspot_v3", "twilio_form", "twilio_json"]) {
  test(`${preset}: the URL that was given out counts, whatever Host says`, PATIENCE, async () => {
    const endpoint = await Endpoint.make(known, sender(preset));
    assert.equal(endpoint.url, PUBLIC_URL + endpoint.path);
    for (const host of ["hooks.example.com", "10.0.0.7:8080", "evil.example"]) {
      assert.equal(await sendTo(host, known, await endpoint.request()), 200, host);
      const asSigned = (url) => url.replace("hooks.example.com", `${host}x`);
      const signed = await endpoint.request({ asSigned });
      assert.equal(await sendTo(`${host}x`, known, signed), 401, host);
    }
  });

  test(`${preset}: without a public URL the one that Host says counts`, PATIENCE, async () => {
    const endpoint = await Endpoint.make(alone, sender(preset));
    await endpoint.accepts(await endpoint.request());
    assert.equal(await sendTo("other.example", alone, await endpoint.request()), 401);
  });

  test(`${preset}: without a public URL the diagnosis says what the hub does`, PATIENCE, async () => {
    const endpoint = await Endpoint.make(alone, sender(preset));
    const request = await endpoint.request();
    await endpoint.accepts(request);
    const { passed, result, event_ids } = await endpoint.diagnose(request);
    const ids = request.event.ids.filter((id) => id !== null);
    assert.deepEqual({ passed, result, event_ids }, { passed: true, result: "passed", event_ids: ids });
  });
}

/** Signs with the port in the URL, or with none. */
const atPort = (port) => (url) => url.replace(/example\.com(:\d+)?/, `example.com${port}`);

test("twilio: the URL may be signed with its scheme's port or without", PATIENCE, async () => {
  for (const preset of ["twilio_form", "twilio_json"]) {
    const endpoint = await Endpoint.make(known, sender(preset));
    for (const port of ["", ":443"]) {
      await endpoint.accepts(await endpoint.request({ asSigned: atPort(port) }));
    }
    for (const port of [":80", ":8443", ":4433"]) {
      await endpoint.refuses(await endpoint.request({ asSigned: atPort(port) }), port);
    }
  }
});

test("twilio: the same where the URL that was given out names the port", PATIENCE, async (t) => {
  const hub = await Hub.start({ CROSSDOCK_PUBLIC_URL: `${PUBLIC_URL}:443` });
  t.after(() => hub.stop());
  const endpoint = await Endpoint.make(hub, sender("twilio_form"));
  for (const port of ["", ":443"]) {
    await endpoint.accepts(await endpoint.request({ asSigned: atPort(port) }));
  }
  await endpoint.refuses(await endpoint.request({ asSigned: atPort(":80") }), "another port");
});

test("twilio: of JSON the hash in the URL must be there and be that of the body", PATIENCE, async () => {
  const endpoint = await Endpoint.make(known, sender("twilio_json"));
  const event = { ...sender("twilio_json").event(7_000_000) };
  const other = `${event.body} `;
  const hash = twilio.getExpectedBodyHash(event.body);
  for (const [why, query, body] of [
    ["no hash", "?foo=1", event.body],
    ["no query", "", event.body],
    ["an empty hash", "?bodySHA256=", event.body],
    ["another hash", `?bodySHA256=${twilio.getExpectedBodyHash(other)}`, event.body],
    ["another body", `?bodySHA256=${hash}`, other],
    ["half a hash", `?bodySHA256=${hash.slice(0, 32)}`, event.body],
  ]) {
    await endpoint.refuses(await endpoint.request({ event: { ...event, query, body } }), why);
  }
  await endpoint.accepts(await endpoint.request({ event: { ...event, query: `?bodySHA256=${hash}` } }));
  // The hash was exchanged for that of another body after the URL was signed.
  const signed = await endpoint.request({ event });
  const target = `${endpoint.path}?foo=1&bodySHA256=${twilio.getExpectedBodyHash(other)}`;
  await endpoint.refuses({ ...signed, target, body: Buffer.from(other) }, "an exchanged hash");
});

test("twilio: names and values of a form are taken as they are decoded", PATIENCE, async () => {
  const endpoint = await Endpoint.make(known, sender("twilio_form"));
  const params = { MessageSid: "SM1", Body: "a b+c&d=e%41 é", B: "2", a: "1", Same: ["2", "1", "2"] };
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  const signature = (secret) => twilio.getExpectedTwilioSignature(secret, endpoint.url, params);
  const send = (body) => endpoint.send({
    target: endpoint.path, body, headers: { ...headers, "x-twilio-signature": signature(sender("twilio_form").secret) },
  });
  const rest = "&B=2&a=1&Same=2&Same=1&Same=2";
  for (const body of [
    `MessageSid=SM1&Body=a+b%2Bc%26d%3De%2541+%C3%A9${rest}`,
    `MessageSid=SM1&Body=a%20b%2bc%26d%3de%2541%20%c3%a9${rest}`,
    `Same=1&Same=2&a=1&Body=a+b%2Bc%26d%3De%2541+%C3%A9&B=2&MessageSid=SM1`,
  ]) {
    assert.equal((await send(body)).status, 200, body);
  }
  for (const body of [
    `MessageSid=SM1&Body=a+b+c%26d%3De%2541+%C3%A9${rest}`,
    `MessageSid=SM1&Body=a+b%2Bc%26d%3DeA+%C3%A9${rest}`,
    `MessageSid=SM1&Body=a+b%2Bc%26d%3De%2541+%C3%A9&B=2&a=1&Same=2`,
    `MessageSid=SM1&Body=a+b%2Bc%26d%3De%2541+%C3%A9${rest}&More=1`,
  ]) {
    assert.equal((await send(body)).status, 401, body);
  }
});

test("hubspot_v3: the URL is signed as HubSpot decodes it", PATIENCE, async () => {
  const endpoint = await Endpoint.make(known, sender("hubspot_v3"));
  const query = "?a=%3A%2F%3F%40%21%24%27%28%29%2A%2C%3B&b=x%3ay%2fz&c=a%20b%3Dc%26d%25e";
  const decoded = "?a=:/?@!$'()*,;&b=x:y/z&c=a%20b%3Dc%26d%25e";
  const event = { ...sender("hubspot_v3").event(8_000_000), query };
  await endpoint.accepts(await endpoint.request({ event, asSigned: () => endpoint.url + decoded }));
  // HubSpot decodes these few only.
  await endpoint.refuses(await endpoint.request({ event, asSigned: decodeURIComponent }), "wholly decoded");
});

// --- several signatures in one header

test("standard_webhooks: one of several signatures is enough, of those that are tried", PATIENCE, async () => {
  const endpoint = await Endpoint.make(known, sender("standard_webhooks"));
  const name = "webhook-signature";
  const wrong = (await endpoint.request({ secret: sender("standard_webhooks").other })).headers[name];
  const withList = async (list) => {
    const request = await endpoint.request();
    return { ...request, headers: { ...request.headers, [name]: list(request.headers[name]) } };
  };
  await endpoint.accepts(await withList((right) => `${wrong} ${right}`));
  await endpoint.accepts(await withList((right) => `${right} ${wrong}`));
  await endpoint.accepts(await withList((right) => `v1a,bm9uZQ== v2,x ${right}`));
  await endpoint.accepts(await withList((right) => `${`${wrong} `.repeat(15)}${right}`));
  await endpoint.refuses(await withList((right) => `${`${wrong} `.repeat(16)}${right}`), "the 17th");
  await endpoint.refuses(await withList((right) => right.replace("v1,", "v1a,")), "another version");
  await endpoint.refuses(await withList((right) => right.replace("v1,", "")), "no version");
});

test("stripe: one of several v1 is enough, and v0 never is", PATIENCE, async () => {
  const endpoint = await Endpoint.make(known, sender("stripe"));
  const name = "stripe-signature";
  const withList = async (list) => {
    const request = await endpoint.request();
    const [, time, right] = /^(t=\d+),v1=([0-9a-f]{64})$/.exec(request.headers[name]);
    return { ...request, headers: { ...request.headers, [name]: list(time, right) } };
  };
  const wrong = "0".repeat(64);
  await endpoint.accepts(await withList((time, right) => `${time},v1=${wrong},v1=${right},v0=${wrong}`));
  await endpoint.accepts(await withList((time, right) => `${time}, v1=${right}`));
  await endpoint.refuses(await withList((time, right) => `${time},v0=${right}`), "v0");
  await endpoint.refuses(await withList((time, right) => `${time},${right}`), "no version");
  await endpoint.refuses(await withList((time, right) => `t=1,${time},v1=${right}`), "another time before it");
});

// --- what senders have published

/** The scheme of a preset for vectors of long ago. */
async function timeless(preset) {
  const document = JSON.parse(await readFile(new URL(`../../signatures/${preset}.json`, import.meta.url)));
  for (const about of ["title", "secret", "note"]) delete document[about];
  return { ...document, tolerance: 0 };
}

const STANDARD = {
  body: '{"test": 2432232314}',
  headers: { "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330" },
};
const HUBSPOT = '[{"eventId":1,"subscriptionId":12345,"portalId":62515,"occurredAt":1564113600000,' +
  '"subscriptionType":"contact.creation","attemptNumber":0,"objectId":123,"changeSource":"CRM","changeFlag":"NEW",' +
  '"appId":54321}]';

const VECTORS = [
  {
    name: "the specification's of Standard Webhooks",
    scheme: () => timeless("standard_webhooks"),
    secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    body: STANDARD.body,
    headers: { ...STANDARD.headers, "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" },
  },
  {
    name: "Svix's of Standard Webhooks with Ed25519",
    scheme: () => timeless("standard_webhooks_v1a"),
    secret: "whpk_1SiA4o9hyqTCpIqC5V9HUakiiaeACeqfZTInDBbOir4=",
    body: STANDARD.body,
    headers: {
      ...STANDARD.headers,
      "webhook-signature": "v1a," +
        "hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
    },
  },
  {
    name: "Motive's",
    scheme: () => "motive",
    secret: "d9d36bea41c44ae49d1bfc4a48ba2abe",
    body: '["fault_code_closed"]',
    headers: { "x-kt-webhook-signature": "f04a8386a21a6cba0447024e83b3f0983352bb72" },
  },
  {
    name: "HubSpot's of version 1",
    scheme: () => "hubspot_v1",
    secret: "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
    body: HUBSPOT,
    headers: { "x-hubspot-signature": "232db2615f3d666fe21a8ec971ac7b5402d33b9a925784df3ca654d05f4817de" },
  },
];

for (const { name, scheme, secret, body, headers } of VECTORS) {
  test(`a published vector is accepted: ${name}`, PATIENCE, async () => {
    const settings = { signature_scheme: await scheme(), secret_key: secret };
    const endpoint = await Endpoint.make(known, { preset: "none" }, settings);
    const request = { target: endpoint.path, headers, body: Buffer.from(body) };
    await endpoint.refuses({ ...request, body: Buffer.from(`${body} `) }, "another body");
    await endpoint.accepts(request);
    assert.deepEqual((await endpoint.received()).map((each) => each.batch_body ?? each.body), [body]);
  });
}

test("an old vector of Standard Webhooks is refused where its age counts", PATIENCE, async () => {
  const [{ secret, body, headers }] = VECTORS;
  const endpoint = await Endpoint.make(known, { preset: "standard_webhooks", secret });
  await endpoint.refuses({ target: endpoint.path, headers, body: Buffer.from(body) }, "of 2021");
});
