// Random expressions over random documents give what the reference implementation of JSONata gives. How many is said
// by CROSSDOCK_EXPRESSIONS, which seed by CROSSDOCK_SEED.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { test } from "node:test";

import jsonata from "jsonata";

import { Grammar, makeRandom } from "./expression_grammar.mjs";

const PROGRAM = process.env.CROSSDOCK_EXPRESSIONS_PROGRAM ?? path.resolve("../../build/dev/tests/compat/crossdock_expressions");
const COUNT = Number(process.env.CROSSDOCK_EXPRESSIONS ?? 5_000);
const SEED = Number(process.env.CROSSDOCK_SEED ?? 1);
const NOW = 1795366080123;

class Ours {
  constructor() {
    this.process = spawn(PROGRAM, { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
  }
  async ask(expr, data) {
    this.process.stdin.write(`${JSON.stringify({ expr, data })}\n`);
    const { value, done } = await this.lines.next();
    assert.ok(!done, `the program ended at ${expr}`);
    return JSON.parse(value);
  }
  stop() {
    this.process.stdin.end();
  }
}

/** What the reference says, in our words; undefined where it has no answer that could be compared. */
async function reference(expr, data) {
  try {
    const program = jsonata(expr, { timeout: 2_000, stack: 1_000 });
    const result = await program.evaluate(data);
    if (holdsFunction(result)) return undefined;
    const text = JSON.stringify(result);
    return text === undefined ? {} : { result: JSON.parse(text) };
  } catch (error) {
    return error.code === undefined ? undefined : { code: error.code };
  }
}

function holdsFunction(value) {
  if (typeof value === "function") return true;
  if (value === null || typeof value !== "object") return false;
  if (value._jsonata_lambda || value._jsonata_function) return true;
  return Object.values(value).some(holdsFunction);
}

/** Differences that are meant, each with its reason. */
const EXPLAINED = [
  ["our limits are ours", (ours) => /^U/.test(ours.code ?? "") || ours.code === "D2015"],
  ["the reference takes a division behind ^() or a block for a regular expression",
    (ours, theirs) => theirs.code === "S0302" || theirs.code === "S0301"],
  ["the reference evaluates parts at once, so which of two failures comes first is not settled there",
    (ours, theirs) => ours.code !== undefined && theirs.code !== undefined && !/^S/.test(ours.code + theirs.code)],
  ["the reference puts a null into an empty array of the input when it makes an object of it",
    (ours, theirs) => isDeepStrictEqual(ours, JSON.parse(JSON.stringify(theirs).replaceAll("[null]", "[]")))],
  ["built-in functions check their arguments, also when they were partly applied",
    (ours, theirs, expr) => expr.includes("(?") && /^T041/.test(ours.code ?? "")],
  ["what an update puts in is a copy, so that an object never holds itself",
    (ours, theirs, expr) => expr.includes("|**|")],
  ["two members made of one tuple: the reference takes the context away with the first",
    (ours, theirs, expr) => /[@#]\$|%/.test(expr) && /\{.*,.*\}/.test(expr)],
  ["a time zone that is none is refused", (ours) => ours.code === "D3134"],
  ["the reference's wildcards find the marks that it leaves on arrays itself",
    (ours, theirs, expr) => expr.includes("*") && (expr.includes("[]") || /\[[^[\]]*\*[^[\]]*\](\[[^\]]*\])*\./.test(expr))],
];

test(`${COUNT} expressions give what the reference gives`, async () => {
  const ours = new Ours();
  const grammar = new Grammar(makeRandom(SEED));
  const differences = [];
  let compared = 0;
  let failures = 0;
  for (let i = 0; i < COUNT; ++i) {
    const data = grammar.document();
    const expr = grammar.expression(1 + (i % 4));
    // A regular expression inside of ?? or ?: sends the reference into a loop without end.
    if (/\/\[/.test(expr) && /\?[?:]/.test(expr)) continue;
    const theirs = await reference(expr, structuredClone(data));
    const own = await ours.ask(expr, data);
    if (theirs === undefined) continue;
    ++compared;
    if (theirs.code !== undefined) ++failures;
    delete own.message;
    if (isDeepStrictEqual(own, theirs) || EXPLAINED.some(([, holds]) => holds(own, theirs, expr))) continue;
    differences.push({ expr, data, ours: own, theirs });
  }
  ours.stop();
  console.log(`${compared} compared, ${failures} of them failures, seed ${SEED}`);
  for (const each of differences.slice(0, 20)) console.log(JSON.stringify(each));
  assert.equal(differences.length, 0);
  assert.ok(compared > COUNT / 2 && failures < compared / 2);
});
