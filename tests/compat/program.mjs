// Runs the program under test and receives what it delivers.
import { once } from "node:events";
import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";

// ctest says which build is tested; by hand, in this folder, it is the one of daily work.
export const PROGRAM = process.env.CROSSDOCK_SERVER ?? path.resolve("../../build/dev/crossdock");
const START_MS = 30_000;

/** The first line of the stream that fits, as its match. Fails when the stream ends without one. */
async function lineOf(stream, pattern) {
  const lines = createInterface({ input: stream });
  const overdue = setTimeout(() => lines.close(), START_MS);
  try {
    for await (const line of lines) {
      const match = pattern.exec(line);
      if (match) return match;
    }
  } finally {
    clearTimeout(overdue);
    stream.resume();
  }
  throw new Error(`no line like ${pattern} came`);
}

/** A command of the program that runs until stop(). */
class Running {
  constructor(args, environment) {
    this.process = spawn(PROGRAM, args, {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.exit = once(this.process, "exit");
  }

  async stop() {
    this.process.kill("SIGTERM");
    const [status] = await this.exit;
    return status;
  }
}

/** `crossdock serve --dev`, and requests to it with the demo tenant's key. */
export class Hub {
  static async start(environment = {}) {
    const hub = new Hub();
    hub.directory = await mkdtemp(path.join(tmpdir(), "crossdock-compat-"));
    hub.running = new Running(["serve", "--dev", "--data", hub.directory, "--listen", "127.0.0.1:0"], environment);
    hub.running.process.stderr.resume();
    const said = [];
    for await (const line of createInterface({ input: hub.running.process.stdout })) {
      said.push(line);
      if (said.length === 2) break; // where it listens, then the key
    }
    hub.url = / ready on (\S+)/.exec(said[0])?.[1];
    hub.key = /(cdk_\S+)/.exec(said[1])?.[1];
    if (!hub.url || !hub.key) throw new Error(`the server did not start: ${said.join("\n")}`);
    return hub;
  }

  async post(path, body) {
    const response = await fetch(this.url + path, {
      method: "POST",
      headers: { authorization: `Bearer ${this.key}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`POST ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async get(path) {
    const response = await fetch(this.url + path, { headers: { authorization: `Bearer ${this.key}` } });
    const answer = await response.json();
    if (!response.ok) throw new Error(`GET ${path}: ${response.status} ${JSON.stringify(answer)}`);
    return answer;
  }

  async stop() {
    const status = await this.running.stop();
    await rm(this.directory, { recursive: true });
    return status;
  }
}

/** `crossdock receive` with a secret. */
export class Receiving {
  static async start(secret) {
    const receiving = new Receiving();
    const environment = { CROSSDOCK_RECEIVE_SECRET: secret };
    receiving.running = new Running(["receive", "--listen", "127.0.0.1:0"], environment);
    receiving.running.process.stdout.resume();
    receiving.url = (await lineOf(receiving.running.process.stderr, /receiving on (\S+)/))[1];
    return receiving;
  }

  stop() {
    return this.running.stop();
  }
}

/** Answers the statuses it is given, then 200, and hands out what arrives, in order. */
export class Receiver {
  #arrived = [];
  #waiting = [];

  static async listen(statuses = []) {
    const receiver = new Receiver();
    receiver.server = http.createServer(async (request, response) => {
      const chunks = [];
      for await (const chunk of request) chunks.push(chunk);
      response.statusCode = statuses.shift() ?? 200;
      response.end();
      receiver.#arrived.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      receiver.#waiting.shift()?.();
    });
    receiver.server.listen(0, "127.0.0.1");
    await once(receiver.server, "listening");
    receiver.url = `http://127.0.0.1:${receiver.server.address().port}/hook`;
    return receiver;
  }

  async next() {
    if (this.#arrived.length === 0) await new Promise((resolve) => this.#waiting.push(resolve));
    return this.#arrived.shift();
  }

  close() {
    this.server.closeAllConnections();
    this.server.close();
  }
}
