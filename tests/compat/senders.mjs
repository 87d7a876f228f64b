// Outside systems as their own libraries know them: how each signs a request, and what it calls its events.
//
// A sender has
//   preset, secret, other   the scheme at our side, its secret and another secret of the same form
//   header                  where the signature stands
//   hex                     whether it is hexadecimal, else base64
//   tolerance               seconds that a request may be away from now; absent: the scheme signs no time
//   timestamp               the header of the time, where it has one of its own
//   event(n)                the nth event: its body, ids (what the hub has to call it), perhaps a query and headers
//   sign(signing)           the signature's headers, of {event, url, at, secret}; at in ms, url as it was given out
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { createRequire } from "node:module";
import { stringify } from "node:querystring";

import { sign as signGithub } from "@octokit/webhooks-methods";
import { Webhook } from "standardwebhooks";
import Stripe from "stripe";

// These come as CommonJS only.
const require = createRequire(import.meta.url);
const { isValidSlackRequest } = require("@slack/bolt");
const { Signature } = require("@hubspot/api-client");
const twilio = require("twilio");

const JSON_TYPE = { "content-type": "application/json" };
const FORM_TYPE = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
const TEXT = "héllo \u{1f600} \u2028 \"quoted\" \\ /";

const seconds = (at) => Math.floor(at / 1000);

/** JSON with the blanks and the escapes of a sender that is none of ours. */
const json = (value) => JSON.stringify(value, null, 1).replaceAll("/", "\\/");

const hubspotEvents = (n) => [2 * n, 2 * n + 1].map((eventId) => ({
  eventId, subscriptionId: 12345, portalId: 62515, occurredAt: 1564113600000, subscriptionType: "contact.creation",
  attemptNumber: 0, objectId: 123, changeSource: "CRM", changeFlag: "NEW", text: TEXT,
}));

/** eventId alone is not unique: what happened, where and when counts with it. */
const hubspotIds = (n) => hubspotEvents(n).map((each) => createHash("sha256").update([
  each.eventId, each.portalId, each.subscriptionId, each.subscriptionType, each.objectId, each.propertyName,
  each.propertyValue, each.occurredAt,
].join("/")).digest("hex"));

function hubspotSignature(version, { event, url, at, secret }) {
  return Signature.getSignature("POST", version, {
    clientSecret: secret, requestBody: event.body, url, timestamp: at, signature: "",
  });
}

const standard = {
  secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
  other: "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDC2FVsBQIhrs=",
  tolerance: 300,
  event: (n) => ({ body: json({ type: "order.created", n, text: TEXT }), ids: [`msg_${n}`], headers: JSON_TYPE }),
};

function signStandard(prefix, { event, at, secret }) {
  return {
    [`${prefix}-id`]: event.ids[0],
    [`${prefix}-timestamp`]: String(seconds(at)),
    [`${prefix}-signature`]: new Webhook(secret).sign(event.ids[0], new Date(at), event.body),
  };
}

function signSlack({ event, at, secret }) {
  const timestamp = seconds(at);
  const mac = createHmac("sha256", secret).update(`v0:${timestamp}:${event.body}`).digest("hex");
  const headers = { "x-slack-request-timestamp": String(timestamp), "x-slack-signature": `v0=${mac}` };
  // bolt only verifies. What is signed here by Slack's text must be what bolt takes, of the very bytes that the hub
  // is sent.
  const request = { signingSecret: secret, body: event.body, headers, nowMilliseconds: at };
  assert.equal(isValidSlackRequest(request), true);
  assert.equal(isValidSlackRequest({ ...request, body: `${event.body} ` }), false);
  return headers;
}

const twilioParams = (n) => ({
  MessageSid: `SM${String(n).padStart(32, "0")}`, AccountSid: "ACxxxx", From: "+14155550100", To: "+14155550123",
  Body: `${TEXT} & = + %41`, Empty: "", MediaUrl: ["b", "a", "b"], NumMedia: "2",
});

export const SENDERS = [
  {
    ...standard,
    preset: "standard_webhooks",
    header: "webhook-signature",
    timestamp: "webhook-timestamp",
    sign: (signing) => signStandard("webhook", signing),
  },
  {
    ...standard,
    preset: "svix",
    header: "svix-signature",
    timestamp: "svix-timestamp",
    sign: (signing) => signStandard("svix", signing),
  },
  {
    preset: "stripe",
    secret: "whsec_5f1a9c0d7e3b42868f6a1d2c3b4e5f60",
    other: "whsec_00112233445566778899aabbccddeeff",
    header: "stripe-signature",
    hex: true,
    tolerance: 300,
    event: (n) => ({
      body: json({ id: `evt_${n}`, object: "event", type: "charge.succeeded", created: 1600000000, text: TEXT }),
      ids: [`evt_${n}`],
      headers: { "content-type": "application/json; charset=utf-8" },
    }),
    sign: ({ event, at, secret }) => ({
      "stripe-signature": new Stripe("sk_test_none").webhooks.generateTestHeaderString({
        payload: event.body, secret, timestamp: seconds(at),
      }),
    }),
  },
  {
    preset: "github",
    secret: "It's a Secret to Everybody",
    other: "It's another Secret",
    header: "x-hub-signature-256",
    hex: true,
    event: (n) => {
      const delivery = `72d3162e-cc78-11e3-81ab-${String(n).padStart(12, "0")}`;
      return {
        body: json({ action: "opened", issue: { number: n, created_at: "2014-04-25T20:00:00Z" }, text: TEXT }),
        ids: [delivery],
        headers: { ...JSON_TYPE, "x-github-event": "issues", "x-github-delivery": delivery },
      };
    },
    sign: async ({ event, secret }) => ({ "x-hub-signature-256": await signGithub(secret, event.body) }),
  },
  {
    preset: "hubspot_v1",
    secret: "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
    other: "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
    header: "x-hubspot-signature",
    hex: true,
    batch: true,
    event: (n) => ({
      body: json(hubspotEvents(n)), ids: hubspotIds(n),
      headers: { ...JSON_TYPE, "x-hubspot-signature-version": "v1" },
    }),
    sign: (signing) => ({ "x-hubspot-signature": hubspotSignature("v1", signing) }),
  },
  {
    preset: "hubspot_v2",
    secret: "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
    other: "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
    header: "x-hubspot-signature",
    hex: true,
    signsUrl: true,
    event: (n) => {
      const body = json({ callbackId: `ap-${n}`, text: TEXT });
      return {
        body, ids: [null], query: "?portal=62515&name=a%20b", // HubSpot gives these no id
        headers: { ...JSON_TYPE, "x-hubspot-signature-version": "v2" },
      };
    },
    sign: (signing) => ({ "x-hubspot-signature": hubspotSignature("v2", signing) }),
  },
  {
    preset: "hubspot_v3",
    secret: "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy",
    other: "zzzzzzzz-zzzz-zzzz-zzzz-zzzzzzzzzzzz",
    header: "x-hubspot-signature-v3",
    timestamp: "x-hubspot-request-timestamp",
    tolerance: 300,
    batch: true,
    signsUrl: true,
    event: (n) => ({ body: json(hubspotEvents(n)), ids: hubspotIds(n), headers: JSON_TYPE }),
    // HubSpot sends all three versions at once.
    sign: (signing) => ({
      "x-hubspot-signature": hubspotSignature("v1", signing),
      "x-hubspot-signature-version": "v1",
      "x-hubspot-signature-v3": hubspotSignature("v3", signing),
      "x-hubspot-request-timestamp": String(signing.at),
    }),
  },
  {
    preset: "slack",
    secret: "8f742231b10e8888abcd99yyyzzz85a5",
    other: "00742231b10e8888abcd99yyyzzz85a5",
    header: "x-slack-signature",
    timestamp: "x-slack-request-timestamp",
    hex: true,
    tolerance: 300,
    event: (n) => ({
      body: json({ type: "event_callback", event_id: `Ev${n}`, event: { type: "message", text: TEXT } }),
      ids: [`Ev${n}`],
      headers: JSON_TYPE,
    }),
    sign: signSlack,
  },
  {
    preset: "twilio_form",
    secret: "12345678901234567890123456789012",
    other: "00345678901234567890123456789012",
    header: "x-twilio-signature",
    signsUrl: true,
    event: (n) => {
      const params = twilioParams(n);
      const token = `11111111-2222-3333-4444-${String(n).padStart(12, "0")}`;
      return {
        params, body: stringify(params), ids: [token], query: "?foo=1&bar=a%20b",
        headers: { ...FORM_TYPE, "i-twilio-idempotency-token": token },
      };
    },
    sign: ({ event, url, secret }) => ({
      "x-twilio-signature": twilio.getExpectedTwilioSignature(secret, url, event.params),
    }),
  },
  {
    preset: "twilio_json",
    secret: "12345678901234567890123456789012",
    other: "00345678901234567890123456789012",
    header: "x-twilio-signature",
    signsUrl: true,
    event: (n) => {
      const body = json({ event: "studio", n, text: TEXT });
      const token = `11111111-2222-3333-4444-${String(n).padStart(12, "0")}`;
      return {
        body, ids: [token], query: `?foo=1&bodySHA256=${twilio.getExpectedBodyHash(body)}`,
        headers: { ...JSON_TYPE, "i-twilio-idempotency-token": token },
      };
    },
    sign: ({ url, secret }) => ({ "x-twilio-signature": twilio.getExpectedTwilioSignature(secret, url, {}) }),
  },
];
