// openapi-typescript makes types of the document; a client that stands on them compiles strictly and works.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";

import { Hub, Receiver } from "./program.mjs";

const run = promisify(execFile);
const here = path.dirname(fileURLToPath(import.meta.url));
const modules = path.join(here, "node_modules");
const document = path.join(here, "../../api/openapi.json");
const METHODS = ["get", "put", "post", "delete", "options", "head", "patch"];

let directory;
before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), "crossdock-types-"));
  await symlink(modules, path.join(directory, "node_modules"));
  await writeFile(path.join(directory, "package.json"), '{"type": "module"}');
  await copyFile(path.join(here, "clients/first_delivery.ts"), path.join(directory, "first_delivery.ts"));
  const generator = path.join(modules, "openapi-typescript/bin/cli.js");
  await run(process.execPath, [generator, document, "-o", path.join(directory, "crossdock.d.ts")]);
});
after(() => rm(directory, { recursive: true }));

async function operationIds() {
  const { paths } = JSON.parse(await readFile(document, "utf8"));
  return Object.values(paths).flatMap((item) =>
    METHODS.filter((method) => item[method]).map((method) => item[method].operationId),
  );
}

/** Compiles what lies in the directory; the compiler's words where it refuses. */
async function compile() {
  const options = ["--strict", "--target", "es2022", "--module", "nodenext", "--skipLibCheck", "false"];
  const compiler = path.join(modules, "typescript/bin/tsc");
  try {
    await run(process.execPath, [compiler, ...options, "--lib", "es2022,dom,dom.iterable",
      "first_delivery.ts", "names.ts"], { cwd: directory });
  } catch (error) {
    assert.fail(error.stdout || error.stderr);
  }
}

test("the types know every operation, and a client made of them sees its first delivery", { timeout: 90_000 }, async (t) => {
  const names = await operationIds();
  assert.ok(names.length > 50);
  const lines = names.map((name, at) => `export type Answer${at} = Answer<${JSON.stringify(name)}>;`);
  await writeFile(path.join(directory, "names.ts"), `import type { Answer } from "./first_delivery.js";\n${lines.join("\n")}\n`);
  await compile();

  const hub = await Hub.start();
  t.after(() => hub.stop());
  const receiver = await Receiver.listen();
  t.after(() => receiver.close());
  const { firstDelivery } = await import(pathToFileURL(path.join(directory, "first_delivery.js")));
  const { subscription, event, delivery } = await firstDelivery(hub.url, hub.key, receiver.url);

  assert.match(subscription.secret_key, /^whsec_/);
  assert.equal(delivery.event_id, event.id);
  assert.equal(delivery.subscription_id, subscription.id);
  assert.equal(JSON.parse((await receiver.next()).body).data.number, 42);
});
