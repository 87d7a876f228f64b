// An endpoint of the hub, and requests to it as a sender of senders.mjs signs them.
import assert from "node:assert/strict";

const ENDPOINTS = "/api/v1/webhooks/endpoints";
const RECEIVED = "/api/v1/webhooks/received";

let made = 0;
let events = 0;

export class Endpoint {
  /** For a sender; or, with settings, whatever they say. */
  static async make(hub, sender, settings = {}) {
    const endpoint = new Endpoint();
    endpoint.hub = hub;
    endpoint.sender = sender;
    endpoint.of = await hub.post(ENDPOINTS, {
      endpoint_path: `e${++made}`, signature_scheme: sender.preset, secret_key: sender.secret, ...settings,
    });
    endpoint.path = `/webhooks/demo/${endpoint.of.endpoint_path}`;
    endpoint.url = new URL(endpoint.of.url, hub.url).href; // what the sender is given
    return endpoint;
  }

  rotate(secret, overlap) {
    const body = { secret_key: secret, overlap_seconds: overlap };
    return this.hub.post(`${ENDPOINTS}/${this.of.id}/rotate-secret`, body);
  }

  /** A request that is right but for what is changed. asSigned makes the URL that is signed of the right one. */
  async request({
    event = this.sender.event(++events), secret = this.sender.secret, at = Date.now(), asSigned = (url) => url,
  } = {}) {
    const query = event.query ?? "";
    const signed = await this.sender.sign({ event, url: asSigned(this.url + query), at, secret });
    const headers = { ...event.headers, ...signed };
    return { event, target: this.path + query, headers, body: Buffer.from(event.body) };
  }

  /** The answer's status, and its body where that is JSON. */
  async send({ target, headers, body }) {
    const response = await fetch(this.hub.url + target, { method: "POST", headers, body });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get("content-type") ?? "");
    return { status: response.status, answer: isJson && text ? JSON.parse(text) : text };
  }

  async accepts(request) {
    const { status, answer } = await this.send(request);
    assert.equal(status, 200, JSON.stringify(answer));
    return answer;
  }

  /** The same for every reason. */
  async refuses(request, why) {
    const { status, answer } = await this.send(request);
    assert.equal(status, 401, `${why}: ${JSON.stringify(answer)}`);
    assert.equal(answer.code, "SIGNATURE_REFUSED", why);
    assert.equal(answer.detail, "the signature does not fit; whoever owns this endpoint sees why under its refused requests", why);
  }

  /** What was kept, in the order in which it came. */
  async received() {
    const { data } = await this.hub.get(`${RECEIVED}?endpoint=${this.of.id}&limit=250`);
    return Promise.all(data.reverse().map(({ id }) => this.hub.get(`${RECEIVED}/${id}`)));
  }

  diagnose({ target, headers, body }) {
    const { host } = new URL(this.hub.url);
    const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`);
    const request = `POST ${target} HTTP/1.1\r\n${lines.join("")}\r\n${body}`;
    return this.hub.post(`${ENDPOINTS}/${this.of.id}/diagnose`, { request });
  }
}

/** The bodies that differ from this one in one bit of one byte. */
export function* flipped(body) {
  for (let i = 0; i < body.length; ++i) {
    const changed = Buffer.from(body);
    changed[i] ^= 1;
    yield changed;
  }
}
