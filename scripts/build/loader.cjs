// The first file of the built program (as main.js): loads the chunks beside it, each with V8's code cache.
// Chunks are CommonJS in scripts of our own because Node starts those fastest: `import("node:http")` alone costs more than
// all of `node -e 0` (an ES module touches every export of a builtin), and only a script takes a cache that is filled after
// the functions in it were compiled. A cache that V8 does not like (another version or processor) is ignored.
"use strict";
const { existsSync, openSync, readFileSync, readSync, renameSync, writeFileSync } = require("node:fs");
const { pathToFileURL } = require("node:url");
const vm = require("node:vm");

// What a user set to have other programs trust anybody is not meant for this one, which reads it whenever it connects.
delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;

// The build puts in where each chunk lies in the pack, and for an executable of its own that the pack lies in that.
const index = undefined;
const isExecutable = false;
startWithout(["NODE_DEBUG", "NODE_DEBUG_NATIVE", "NODE_V8_COVERAGE"]);
const pack = index === undefined ? undefined : isExecutable ? executablePack() : filePack();
const url = pathToFileURL(__filename).href;
const chunks = new Map();
const scripts = new Map();
// Builtins that take milliseconds to load and that most commands import but never call.
const slowBuiltins = new Set(["node:child_process", "node:crypto", "node:readline", "node:sqlite", "node:zlib"]);
const secureBuiltins = new Set(["tls", "https", "http2"].flatMap((name) => [name, `node:${name}`]));
const fillsCaches = index === undefined && process.env.CORTEX_FILL_CODE_CACHES === "1";
// What an agent has run by the time that it ends is a matter of time: it fills caches of its own, for chunks that it alone loads.
const cacheSuffix = process.argv[2] === "__agent" ? ".agent.cache" : ".cache";

function load(id) {
  if (slowBuiltins.has(id)) return lazily(id);
  if (secureBuiltins.has(id)) trustWebWhenAsked();
  if (!id.startsWith("./")) return require(id);
  const loaded = chunks.get(id);
  if (loaded) return loaded.exports;
  const name = id.slice(2);
  const file = `${__dirname}/${name}`;
  const { code, cachedData } = pack === undefined ? readChunk(file) : readPacked(name);
  // The name stands in code caches and stack traces: the same wherever it was built, and wherever it lies.
  if (fillsCaches) setBaseline(true);
  const script = new vm.Script(code, { filename: `cortex/${name}`, cachedData });
  if (fillsCaches) {
    scripts.set(file, script);
    setBaseline(false);
  }
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

let isAskedFor = false;

/**
 * Node is started with --use-openssl-ca, since else it parses the certificates of the web's 150 authorities whenever TLS is loaded,
 * which costs half as much as all of `node -e 0`, and a cluster has an authority of its own. Here they come when a connection
 * trusts the web, so that the flag changes nothing else.
 */
function trustWebWhenAsked() {
  if (isAskedFor) return;
  isAskedFor = true;
  const tls = require("node:tls");
  const { createSecureContext, getCACertificates, setDefaultCACertificates } = tls;
  let isTrusted = false;
  const trustWeb = () => {
    if (isTrusted) return;
    isTrusted = true;
    const kinds = ["bundled", "extra", ...(process.env.NODE_USE_SYSTEM_CA === "1" ? ["system"] : [])];
    setDefaultCACertificates(kinds.flatMap((kind) => getCACertificates(kind)));
  };
  tls.createSecureContext = (options) => {
    if (!options?.ca) trustWeb();
    return createSecureContext(options);
  };
  tls.getCACertificates = (kind) => {
    if (kind === undefined || kind === "default") trustWeb();
    return getCACertificates(kind);
  };
}

const { fetch } = globalThis;
globalThis.fetch = (...request) => {
  trustWebWhenAsked();
  return fetch(...request);
};

/**
 * Starts this executable anew, as this very process, without variables that make Node write where a user did not ask Cortex to:
 * Node has read them by now. A script that starts Node does without them itself; on Windows no process can become another, and an
 * executable that was replaced just now, or whose parent speaks to it by a channel of Node's, stays what it is.
 */
function startWithout(names) {
  const isDisturbed = names.some((name) => process.env[name] !== undefined);
  if (!isExecutable || !isDisturbed || process.platform === "win32") return;
  if (process.channel || !existsSync(process.execPath)) return;
  const others = Object.entries(process.env).filter(([name]) => !names.includes(name));
  process.execve(process.execPath, [process.argv0, ...process.argv.slice(2)], Object.fromEntries(others));
}

function readPacked(name) {
  const [offset, codeBytes, cacheBytes, deflatedBytes] = index[name];
  const stored = pack(offset, deflatedBytes ?? codeBytes + cacheBytes);
  const bytes = deflatedBytes === undefined ? stored : require("node:zlib").inflateRawSync(stored);
  const cachedData = cacheBytes > 0 ? bytes.subarray(codeBytes) : undefined;
  return { code: bytes.latin1Slice(0, codeBytes), cachedData };
}

/** The file stays open, so that it can be read though a later build removes it. */
function filePack() {
  const file = openSync(`${__dirname}/chunks.pack`);
  return (offset, length) => {
    const bytes = Buffer.allocUnsafeSlow(length);
    // A read may give less than was asked for.
    for (let at = 0; at < length; ) {
      const read = readSync(file, bytes, at, length - at, offset + at);
      if (read === 0) throw new Error("the build's chunks.pack is cut off");
      at += read;
    }
    return bytes;
  };
}

/** What lies in the executable is mapped into memory already. */
function executablePack() {
  const asset = require("node:sea").getRawAsset("chunks.pack");
  return (offset, length) => Buffer.from(asset, offset, length);
}

/** While the caches are being filled, every chunk is still a file. */
function readChunk(file) {
  const code = readFileSync(file, "latin1");
  try {
    return { code, cachedData: readFileSync(`${file}${cacheSuffix}`) };
  } catch {
    return { code, cachedData: undefined };
  }
}

/** A cache also notes which functions wait for V8's baseline compiler, which is never twice the same, and by which flags it was made. */
function setBaseline(isOn) {
  require("node:v8").setFlagsFromString(isOn ? "--sparkplug" : "--no-sparkplug");
}

if (fillsCaches) {
  process.on("exit", () => {
    setBaseline(true);
    for (const [file, script] of scripts) writeCache(file, script);
  });
}

function writeCache(file, script) {
  const partial = `${file}.${process.pid}.partial`;
  writeFileSync(partial, script.createCachedData());
  renameSync(partial, `${file}${cacheSuffix}`);
}

load("./entry.js");
