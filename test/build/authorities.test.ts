import { execFile } from "node:child_process";
import { copyFile } from "node:fs/promises";
import { createServer as createPlainServer } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { nodeFlags } from "../../scripts/build/launchers.ts";
import { ownCertificate } from "../../scripts/build/own-certificate.ts";
import { temporaryFolder } from "../project/folder.ts";

const loader = resolve(import.meta.dirname, "../../scripts/build/loader.cjs");

/** Runs the body of a chunk as the built program does. @returns what it logs, as JSON */
async function ranByLoader(body: string, env: Readonly<Record<string, string>> = {}): Promise<unknown> {
  await using folder = await temporaryFolder({
    "entry.js": `(function(exports,require){const log=(value)=>console.log(JSON.stringify(value));${body}\n})`,
    "authority.pem": env.authority ?? "",
  });
  await copyFile(loader, join(folder.path, "main.cjs"));
  const variables = { PATH: process.env.PATH ?? "", NODE_EXTRA_CA_CERTS: join(folder.path, "authority.pem") };
  const args = [...nodeFlags, join(folder.path, "main.cjs")];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...variables, ...env } });
  return JSON.parse(stdout) as unknown;
}

test("the authorities of the web are there for whoever asks for them, and only then", async () => {
  const counted = await ranByLoader(`
    const tls = require("node:tls");
    const count = () => tls.getCACertificates("default").length;
    log([count() === tls.getCACertificates("bundled").length, count() > 100]);`);
  expect(counted).toEqual([true, true]);
});

test.each([
  ["fetch", "const get = async (url) => (await fetch(url)).text();"],
  [
    "https",
    `const get = (url) => new Promise((done, fail) => require("node:https").get(url, (answer) => {
      answer.setEncoding("utf8").on("data", done);
    }).on("error", fail));`,
  ],
])("%s trusts the authorities of NODE_EXTRA_CA_CERTS, and nobody else's", async (_, get) => {
  const { key, certificate } = ownCertificate();
  const server = createServer({ key, cert: certificate }, (_request, response) => response.end("hello"));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const body = `${get} get(${JSON.stringify(url)}).then(log, (error) => log("refused: " + (error.cause ?? error).code));`;
  try {
    expect(await ranByLoader(body, { authority: certificate })).toBe("hello");
    // Neither does a variable that is meant for other programs change that.
    for (const env of [{}, { NODE_TLS_REJECT_UNAUTHORIZED: "0" }] as const) {
      expect(await ranByLoader(body, env)).toMatch(/^refused: .*CERT/);
    }
  } finally {
    server.close();
  }
});

test("a proxy that other programs on Node are to use is not asked for what is on this machine", async () => {
  const server = createPlainServer((_request, response) => response.end("hello"));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const body = `fetch(${JSON.stringify(url)}).then((answer) => answer.text()).then(log, (error) => log(error.cause.code));`;
  try {
    expect(await ranByLoader(body, { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: "http://127.0.0.1:1" })).toBe("hello");
  } finally {
    server.close();
  }
});
