// Connectors as their documents promise them: shaped as the schema says, judged by a foreign validator, and whole: what they
// name is there, and every way of auth has a fixture of what the vendor answers.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { test } from "node:test";

import Ajv from "ajv";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
const CONNECTORS = `${ROOT}connectors/`;
const readJson = (path) => JSON.parse(readFileSync(path, "utf8"));
const PRESETS = new Set(readdirSync(`${ROOT}signatures`).map((name) => name.replace(/\.json$/, "")));
const EXCHANGE = new Set(["name", "request", "response", "error", "stream", "action", "note"]);
const REQUEST = new Set(["method", "host", "path", "query", "headers", "form", "json", "text"]);
const RESPONSE = new Set(["status", "headers", "json", "text"]);

const validate = new Ajv({ allErrors: true, strict: false, validateFormats: false })
  .compile(readJson(`${CONNECTORS}manifest.schema.json`));
const folders = readdirSync(CONNECTORS, { withFileTypes: true }).filter((each) => each.isDirectory()).map((each) => each.name);

/** Every text of a value, however deep. */
function* texts(value) {
  if (typeof value === "string") yield value;
  else if (value !== null && typeof value === "object") for (const each of Object.values(value)) yield* texts(each);
}
/** Every request of a manifest. */
function* requests(value) {
  if (value === null || typeof value !== "object") return;
  if (!Array.isArray(value) && "method" in value && "path" in value) yield value;
  for (const each of Object.values(value)) yield* requests(each);
}
const unknown = (object, known) => Object.keys(object).filter((name) => !known.has(name));

function checkReferences(manifest) {
  const members = manifest.connection?.properties ?? {};
  for (const text of texts(manifest)) {
    for (const [all] of text.matchAll(/\{\{.*?\}\}/g)) {
      const reference = /^\{\{ (config|secret|token)\.([A-Za-z0-9_-]+) \}\}$/.exec(all);
      assert.ok(reference, `${all} is no template`);
      if (reference[1] === "token") continue;
      const member = members[reference[2]];
      assert.ok(member, `${all}: there is no such member of connection`);
      assert.equal(Boolean(member["x-secret"]), reference[1] === "secret", `${all}: a secret or not`);
    }
  }
  const ways = new Set((manifest.auth ?? []).map((way) => way.name));
  for (const [name, member] of Object.entries(members)) {
    for (const way of member["x-auth"] ?? []) assert.ok(ways.has(way), `${name}: no way of auth ${way}`);
    if (member["x-secret"]) assert.ok(!("default" in member || "enum" in member), `${name}: a secret that everybody knows`);
  }
  const bases = new Set();
  for (const deployment of Object.values(manifest.deployments)) {
    for (const way of deployment.auth ?? []) assert.ok(ways.has(way), `no way of auth ${way}`);
    for (const base of Object.keys(deployment.bases)) bases.add(base);
  }
  for (const request of requests(manifest)) if ("base" in request) assert.ok(bases.has(request.base), `no base ${request.base}`);
  const streams = new Set((manifest.streams ?? []).map((stream) => stream.name));
  for (const stream of manifest.streams ?? []) {
    if ("pagination" in stream) assert.ok(stream.pagination in (manifest.pagination ?? {}), `no pagination ${stream.pagination}`);
    if ("parent" in stream) assert.ok(streams.has(stream.parent.stream), `no stream ${stream.parent.stream}`);
  }
  for (const mapping of manifest.field_mappings ?? []) assert.ok(streams.has(mapping.stream), `no stream ${mapping.stream}`);
  for (const preset of manifest.webhooks?.presets ?? []) assert.ok(PRESETS.has(preset), `no preset ${preset}`);
}

function checkFixture(manifest, path) {
  const fixture = readJson(path);
  const streams = new Set((manifest.streams ?? []).map((stream) => stream.name));
  const names = fixture.exchanges.map((exchange) => exchange.name);
  assert.equal(new Set(names).size, names.length, "one name twice");
  assert.ok(names.includes("test"), "no exchange for the test");
  if ("wrong_connection" in fixture) assert.ok(names.includes("refused"), "no exchange for wrong credentials");
  for (const name of Object.keys(fixture.connection)) assert.ok(name in manifest.connection.properties, `no member ${name}`);
  for (const exchange of fixture.exchanges) {
    assert.deepEqual(unknown(exchange, EXCHANGE), [], exchange.name);
    assert.deepEqual(unknown(exchange.request, REQUEST), [], exchange.name);
    assert.deepEqual(unknown(exchange.response, RESPONSE), [], exchange.name);
    for (const name of ["method", "host", "path"]) assert.ok(name in exchange.request, `${exchange.name}: no ${name}`);
  }
  for (const [stream, list] of Object.entries(fixture.lists ?? {})) {
    assert.ok(streams.has(stream), `no stream ${stream}`);
    for (const page of list.pages) assert.ok(names.includes(page), `no exchange ${page}`);
  }
}

test("there are connectors", () => assert.ok(folders.length >= 30));

for (const folder of folders) {
  test(`the connector ${folder}`, () => {
    const path = `${CONNECTORS}${folder}/`;
    const manifest = readJson(`${path}manifest.json`);
    assert.ok(validate(manifest), JSON.stringify(validate.errors?.slice(0, 5), null, 1));
    assert.equal(manifest.code.toLowerCase(), folder);
    checkReferences(manifest);
    const icon = readFileSync(`${path}icon.svg`, "utf8");
    assert.match(icon, /^<svg [^>]*viewBox="0 0 48 48"/);
    assert.doesNotMatch(icon, /<script|href|on[a-z]+=/);
    assert.ok(icon.length <= 1500);
    assert.match(readFileSync(`${path}instructions.md`, "utf8"), /^# /);
    if (manifest.status === "COMING_SOON") return;
    assert.ok(manifest.test, "no test");
    for (const way of manifest.auth ?? []) {
      assert.ok(existsSync(`${path}fixtures/${way.name}.json`), `no fixture of ${way.name}`);
      checkFixture(manifest, `${path}fixtures/${way.name}.json`);
    }
  });
}
