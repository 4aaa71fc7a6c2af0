import { describe, expect, test } from "vitest";
import type { WatchEvent } from "../../src/kubernetes/kube-client.ts";
import { type KubeObject, resource } from "../../src/kubernetes/objects.ts";
import { type Exchange, scriptedServer } from "./support/scripted-server.ts";

const { signal } = new AbortController();
const list = (items: readonly unknown[], metadata: object = { resourceVersion: "10" }) => ({
  kind: "ConfigMapList",
  metadata,
  items,
});
const item = (name: string, resourceVersion = "1") => ({ metadata: { name, resourceVersion } });
const object = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "one", namespace: "default" } };
const status = (code: number, reason: string, message = reason, details = {}) => ({
  kind: "Status",
  code,
  reason,
  message,
  details,
});
const change = (type: string, name: string, resourceVersion: string) =>
  `${JSON.stringify({ type, object: { ...item(name, resourceVersion), kind: "ConfigMap" } })}\n`;
const gone = `${JSON.stringify({ type: "ERROR", object: status(410, "Expired") })}\n`;

describe.for(["http", "https", "h2"] as const)("over %s", (speech) => {
  test("a server that answered once and then loses connections is asked again", async () => {
    await using server = await scriptedServer(speech, (exchange, index) => {
      if (index === 1 || index === 2) exchange.reset();
      else exchange.json(200, list([item("a")]));
    });
    await server.client.list(resource.configMap, {}, signal);
    expect(await server.client.list(resource.configMap, {}, signal)).toMatchObject({ items: [{ kind: "ConfigMap" }] });
    expect(server.requests.length).toBe(4);
    expect(server.requests[0]!.headers.authorization).toBe("Bearer s3cret");
  });

  test("an answer that breaks off is asked for again", async () => {
    await using server = await scriptedServer(speech, async (exchange, index) => {
      if (index !== 1) return exchange.json(200, list([item("a")]));
      exchange.begin();
      await exchange.write('{"metadata":{},"items":[{"metada');
      setTimeout(() => exchange.reset(), 20);
    });
    await server.client.list(resource.configMap, {}, signal);
    expect((await server.client.list(resource.configMap, {}, signal))?.items.length).toBe(1);
  });

  test("one that is too busy is left alone for as long as it says", async () => {
    const times: number[] = [];
    await using server = await scriptedServer(speech, (exchange, index) => {
      times.push(performance.now());
      if (index === 0) exchange.json(429, status(429, "TooManyRequests"), { "retry-after": "1" });
      else exchange.json(200, object);
    });
    await server.client.create(object, signal);
    expect(times[1]! - times[0]!).toBeGreaterThan(950);
  });

  test("what may have been carried out with its answer lost is told apart", async () => {
    await using server = await scriptedServer(speech, (exchange, index) => {
      if (index === 0) exchange.json(200, list([]));
      else if (index === 1) exchange.reset();
      else if (exchange.method === "POST") exchange.json(409, status(409, "AlreadyExists"));
      else exchange.json(404, status(404, "NotFound"));
    });
    await server.client.list(resource.configMap, {}, signal);
    await expect(server.client.create(object, signal)).rejects.toMatchObject({
      reason: "AlreadyExists",
      isAfterLostReply: true,
    });
    await expect(server.client.create(object, signal)).rejects.toMatchObject({ isAfterLostReply: false });
    expect(await server.client.remove(resource.configMap, "default", "one", {}, signal)).toBe(false);
  });

  test("a list whose server forgets its beginning is begun anew", async () => {
    let restarted = false;
    await using server = await scriptedServer(speech, ({ url, json }) => {
      const from = url.searchParams.get("continue");
      if (from === "second" && !restarted) {
        restarted = true;
        json(410, status(410, "Expired"));
      } else if (from === "second") json(200, list([item("c")], { resourceVersion: "12" }));
      else json(200, list([item("a"), item("b")], { resourceVersion: "12", continue: "second" }));
    });
    const found = await server.client.list(resource.configMap, {}, signal);
    expect(found?.items.map(({ metadata }) => metadata.name)).toEqual(["a", "b", "c"]);
    expect(server.requests.map(({ url }) => url.searchParams.get("limit"))).toEqual(["500", "500", "500", "500"]);
  });

  test("a watch goes on where it was when the connection breaks, and lists anew when the server forgot", async () => {
    let watches = 0;
    let lists = 0;
    await using server = await scriptedServer(speech, async (exchange) => {
      if (!exchange.url.searchParams.has("watch")) {
        lists += 1;
        return exchange.json(200, list([item(`list${lists}`)], { resourceVersion: `${lists}0` }));
      }
      watches += 1;
      exchange.begin();
      if (watches === 1) {
        await exchange.write(
          change("ADDED", "a", "11") + change("BOOKMARK", "", "15") + change("ADDED", "b", "16").slice(0, 20),
        );
        setTimeout(() => exchange.reset(), 30);
      } else if (watches === 2) {
        await exchange.write(change("MODIFIED", "b", "16"));
        await exchange.write(gone);
        exchange.end();
      } else await exchange.write(change("DELETED", "b", "21"));
    });
    const seen: string[] = [];
    for await (const event of server.client.watch(resource.configMap, {}, AbortSignal.timeout(60_000))) {
      seen.push(wordsFor(event));
      if (event.type === "deleted") break;
    }
    expect(seen).toEqual(["listed list1", "added a", "modified b", "listed list2", "deleted b"]);
    const asked = server.requests.filter(({ url }) => url.searchParams.has("watch"));
    expect(asked.map(({ url }) => url.searchParams.get("resourceVersion"))).toEqual(["10", "15", "20"]);
    expect(asked[0]!.url.searchParams.get("allowWatchBookmarks")).toBe("true");
  });

  test("a watch is not read faster than its reader reads", async () => {
    let written = 0;
    const padding = "x".repeat(10_000);
    await using server = await scriptedServer(speech, async (exchange) => {
      if (!exchange.url.searchParams.has("watch")) return exchange.json(200, list([]));
      exchange.begin();
      for (; written < 5_000; written += 1) {
        await exchange.write(
          `${JSON.stringify({ type: "ADDED", object: { ...item(`n${written}`, `${written + 11}`), padding } })}\n`,
        );
      }
    });
    let read = 0;
    for await (const event of server.client.watch(resource.configMap, {}, AbortSignal.timeout(60_000))) {
      if (event.type !== "added") continue;
      if (++read === 5) {
        await expect
          .poll(async () => {
            const before = written;
            await new Promise((later) => setTimeout(later, 200));
            return written - before;
          })
          .toBe(0);
        expect(written).toBeLessThan(2_500);
      }
      if (read === 3_000) break;
    }
  });

  test("waiting ends with the signal's reason, in a request and in a watch", async () => {
    await using server = await scriptedServer(speech, (exchange) => {
      if (exchange.url.searchParams.has("watch")) exchange.begin();
      else if (exchange.url.pathname.endsWith("configmaps")) exchange.json(200, list([]));
    });
    const stop = new AbortController();
    const waiting = server.client.get(resource.pod, "default", "x", stop.signal);
    const watching = (async () => {
      for await (const _ of server.client.watch(resource.configMap, {}, stop.signal));
    })();
    setTimeout(() => stop.abort(new Error("enough")), 100);
    await Promise.all([waiting, watching].map((one) => expect(one).rejects.toThrow("enough")));
  });
});

describe("requests", () => {
  test("beyond so many wait their turn", async () => {
    const waiting: Exchange[] = [];
    await using server = await scriptedServer("h2", (exchange) => void waiting.push(exchange));
    const all = Promise.all(Array.from({ length: 60 }, () => server.client.list(resource.configMap, {}, signal)));
    await expect.poll(() => waiting.length).toBeGreaterThan(10);
    let most = 0;
    for (let answered = 0; answered < 60; answered += 1) {
      await expect.poll(() => waiting.length).toBeGreaterThan(0);
      most = Math.max(most, waiting.length);
      waiting.shift()!.json(200, list([]));
    }
    await all;
    expect(most).toBeLessThanOrEqual(24);
  });

  test("after a restart, a server that knows nobody yet is given a moment", async () => {
    await using server = await scriptedServer("h2", (exchange, index) => {
      if (index === 1) exchange.reset();
      else if (index === 2 || index === 3) exchange.json(403, status(403, "Forbidden"));
      else exchange.json(200, list([]));
    });
    await server.client.list(resource.configMap, {}, signal);
    expect((await server.client.list(resource.configMap, {}, signal))?.items).toEqual([]);
  });

  test("an answer that is no list is no empty list", async () => {
    await using server = await scriptedServer("http", ({ json }) => json(200, {}));
    await expect(server.client.list(resource.configMap, {}, signal)).rejects.toThrow("really a Kubernetes API");
  });

  test("an object that makes no sense to the server is not sent again, though it answers with 500", async () => {
    await using server = await scriptedServer("http", (exchange) =>
      exchange.json(500, status(500, "", ".spec.x: field not declared in schema")),
    );
    await expect(server.client.apply(object, {}, signal)).rejects.toMatchObject({
      message: expect.stringContaining("not declared"),
    });
    expect(server.requests.length).toBe(1);
  });
});

function wordsFor(event: WatchEvent<KubeObject>): string {
  if (event.type !== "listed") return `${event.type} ${event.object.metadata.name}`;
  return `listed ${event.items.map(({ metadata }) => metadata.name).join(" ")}`;
}
