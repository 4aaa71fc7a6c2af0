import { mkdtemp, readdir, rm } from "node:fs/promises";
import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { expect, test } from "vitest";
import { ownCertificate } from "../../scripts/build/own-certificate.ts";
import { downloadFile, downloadText } from "../../src/upgrade/download.ts";

const signal = AbortSignal.timeout(60_000);
const { key, certificate } = ownCertificate();
setDefaultCACertificates([...getCACertificates("default"), certificate]);

interface Listening extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly string[];
}

async function listening(protocol: "http" | "https", answer: RequestListener): Promise<Listening> {
  const asked: string[] = [];
  const heard: RequestListener = (request, response) => {
    asked.push(request.url!);
    answer(request, response);
  };
  const server: Server = protocol === "http" ? createServer(heard) : createTlsServer({ key, cert: certificate }, heard);
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `${protocol}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

const saying =
  (text: string): RequestListener =>
  (_, response) =>
    response.end(text);
const leadingTo =
  (url: string): RequestListener =>
  (_, response) =>
    response.writeHead(302, { location: url }).end("elsewhere");

test("a redirect is followed to https, also one that names no server", async () => {
  await using last = await listening("https", ({ url }, response) =>
    url === "/a" ? response.writeHead(307, { location: "b?c" }).end() : response.end("the file"),
  );
  await using first = await listening("http", leadingTo(`${last.url}/a`));
  expect(await downloadText(`${first.url}/x`, {}, signal)).toBe("the file");
  expect(last.asked).toEqual(["/a", "/b?c"]);
});

test("a redirect to http is not followed, wherever that would have led, be it on this machine", async () => {
  await using last = await listening("https", saying("the file"));
  await using plain = await listening("http", leadingTo(last.url));
  await using first = await listening("https", leadingTo(`${plain.url}/x`));
  await expect(downloadText(first.url, {}, signal)).rejects.toMatchObject({
    code: "FAILED",
    message: `cannot download ${first.url}: it leads to ${plain.url}/x, which is not https`,
  });
  expect([plain.asked, last.asked]).toEqual([[], []]);
});

test("redirects that go on and on are given up", async () => {
  await using circle = await listening("https", leadingTo("/again"));
  await expect(downloadText(circle.url, {}, signal)).rejects.toThrow("it leads on more than 10 times");
  expect(circle.asked).toHaveLength(11);
});

test("this machine is asked without a proxy, and everything else by it", async () => {
  await using proxy = await listening("http", saying("from the proxy"));
  await using here = await listening("http", saying("from here"));
  const variables = { http_proxy: proxy.url, HTTP_PROXY: proxy.url, https_proxy: proxy.url, HTTPS_PROXY: proxy.url };
  expect(await downloadText(`${here.url}/x`, variables, signal)).toBe("from here");
  expect(proxy.asked).toEqual([]);
  expect(await downloadText("http://releases.test/x", variables, signal)).toBe("from the proxy");
});

test("a server that goes away in the middle is told of by its address, not taken for the end of the file", async () => {
  await using server = await listening("http", (_, response) => {
    response.writeHead(200, { "content-length": 1_000 });
    response.write("half", () => response.destroy());
  });
  const folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
  try {
    const download = downloadFile(`${server.url}/x`, join(folder, "x"), {}, () => {}, signal);
    await expect(download).rejects.toThrow(`cannot download ${server.url}/x: other side closed`);
    expect(await readdir(folder)).toEqual(["x"]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
