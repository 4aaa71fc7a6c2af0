// The first file of the built program (as main.js): loads the chunks beside it, each with V8's code cache.
// Chunks are CommonJS in scripts of our own because Node starts those fastest: `import("node:http")` alone costs more than
// all of `node -e 0` (an ES module touches every export of a builtin), and only a script takes a cache that is filled after
// the functions in it were compiled. A cache that V8 does not like (another version or processor) is ignored.
"use strict";
const { readFileSync, renameSync, writeFileSync } = require("node:fs");
const { pathToFileURL } = require("node:url");
const vm = require("node:vm");

const url = pathToFileURL(__filename).href;
const chunks = new Map();
const scripts = new Map();
// Builtins that take milliseconds to load and that most commands import but never call.
const slowBuiltins = new Set(["node:child_process", "node:crypto", "node:readline", "node:sqlite", "node:zlib"]);
const fillsCaches = process.env.CORTEX_FILL_CODE_CACHES === "1";

function load(id) {
  if (slowBuiltins.has(id)) return lazily(id);
  if (!id.startsWith("./")) return require(id);
  const loaded = chunks.get(id);
  if (loaded) return loaded.exports;
  const file = __dirname + id.slice(1);
  const script = new vm.Script(readFileSync(file, "latin1"), { filename: file, cachedData: readCache(file) });
  if (fillsCaches) scripts.set(file, script);
  const chunk = { exports: {} };
  chunks.set(id, chunk);
  script.runInThisContext()(chunk.exports, load, chunk, url, __dirname, __filename);
  return chunk.exports;
}

// What `import * as x` gives for a builtin: its properties, and itself as `default`.
load.namespace = (id) => {
  const builtin = load(id);
  return Object.create(builtin, { default: { value: builtin } });
};

// Stands for a builtin, which is loaded when something of it is first asked for.
function lazily(id) {
  return new Proxy({}, { get: (_, name) => require(id)[name], has: (_, name) => name in require(id) });
}

function readCache(file) {
  try {
    return readFileSync(`${file}.cache`);
  } catch {
    return undefined;
  }
}

if (fillsCaches) {
  process.on("exit", () => {
    for (const [file, script] of scripts) writeCache(file, script);
  });
}

function writeCache(file, script) {
  const partial = `${file}.${process.pid}.partial`;
  writeFileSync(partial, script.createCachedData());
  renameSync(partial, `${file}.cache`);
}

load("./entry.js");
