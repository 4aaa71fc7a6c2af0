import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { sha256 } from "../../src/cluster/addons/manifest.ts";
import { releases } from "../../src/cluster/addons/releases.ts";
import { downloadRelease } from "../../src/cluster/addons/sources.ts";

const { signal } = new AbortController();
const text = "kind: Namespace\n";

async function served(answer: RequestListener) {
  const server = createServer(answer);
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    release: { ...releases.keda, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keda.yaml` },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

test("a release is downloaded, over redirects and a server that fails once", async () => {
  let asked = 0;
  await using server = await served((request, response) => {
    asked += 1;
    if (asked === 1) return response.writeHead(503).end();
    if (request.url === "/keda.yaml") return response.writeHead(302, { location: "/elsewhere" }).end();
    response.end(text);
  });
  const fetched = await downloadRelease({ ...server.release, sha256: sha256(text) }, signal);
  expect(fetched).toEqual({ text, source: server.release.url, sha256: sha256(text) });
});

test("what is not what it should be is refused, and both digests are named", async () => {
  await using server = await served((_, response) => response.end("something else"));
  const wanted = sha256(text);
  await expect(downloadRelease({ ...server.release, sha256: wanted }, signal)).rejects.toMatchObject({
    code: "FAILED",
    message: `${server.release.url} has SHA-256 ${sha256("something else")}, not ${wanted}`,
  });
});

test("what is not there is not asked for again, and the way for closed networks is said", async () => {
  let asked = 0;
  await using server = await served((_, response) => {
    asked += 1;
    response.writeHead(404).end();
  });
  await expect(downloadRelease(server.release, signal)).rejects.toMatchObject({
    message: expect.stringContaining("404"),
    hint: expect.stringContaining("--addons-dir"),
  });
  expect(asked).toBe(1);
});

test("a download that never ends is given up with Ctrl-C", async () => {
  const controller = new AbortController();
  await using server = await served((_, response) => {
    response.write("kind:");
    controller.abort(new Error("interrupted"));
  });
  await expect(downloadRelease(server.release, controller.signal)).rejects.toThrow("interrupted");
});
