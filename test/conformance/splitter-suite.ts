import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Bench, eventually } from "../support/cortex.ts";
import { runLoad } from "../support/load.ts";
import { echoing, failing, noting, speaking, spec, splitter } from "./handlers.ts";

interface SplitterJson {
  readonly metadata: { readonly name: string; readonly kind: string; readonly id: string };
  readonly status: { readonly status_code: string };
  readonly num_traffic_splitter_targets?: number;
}

/**
 * What a TrafficSplitter does in every environment, seen through the command line and through HTTP.
 * @param environment for the names of the tests
 * @param create a place where nothing is deployed
 */
export function describeSplitters(environment: string, create: () => Promise<Bench>): void {
  describe.concurrent(`a TrafficSplitter on ${environment}`, { timeout: 480_000 }, () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await create();
    });
    afterAll(async () => {
      await bench[Symbol.asyncDispose]();
    });

    const deploy = (folder: string, ...flags: string[]) => bench.cortex(["deploy", folder, ...flags]);
    const get = async (name: string) => (await bench.cortex(["get", name, "-o", "json"])).json<SplitterJson[]>()[0]!;
    const post = (path: string, body: unknown) =>
      bench.request(path, {
        method: "POST",
        body: JSON.stringify(body),
        headers: { "content-type": "application/json" },
      });
    /** @returns how often each text was the answer to `requests` requests */
    const tally = async (name: string, requests: number): Promise<Record<string, number>> => {
      const counts: Record<string, number> = {};
      for (let sent = 0; sent < requests; sent += 1) {
        const response = await post(`/${name}`, sent);
        const key = response.ok ? ((await response.json()) as { text: string }).text : String(response.status);
        if (!response.ok) await response.body?.cancel();
        counts[key] = (counts[key] ?? 0) + 1;
      }
      return counts;
    };
    /** Returns once the gateway sends requests to each of those that say `texts`, and none into the void. */
    const reaches = (name: string, ...texts: readonly string[]) =>
      bench.heard(async () => expect(Object.keys(await tally(name, 40)).toSorted()).toEqual(texts.toSorted()));
    /** Two APIs that say their own names, in one file with what `more` says. */
    const pair = (one: string, two: string, more: string) =>
      bench.project({
        "cortex.yaml": spec(one, "", "one.py") + spec(two, "", "two.py") + more,
        "one.py": speaking(one),
        "two.py": speaking(two),
      });

    test("is deployed after the APIs of its file, splits by weight, and is deleted with them", async () => {
      const folder = await pair("heavy", "light", splitter("split", { heavy: 80, light: 20 }));
      const deployed = await deploy(folder);
      expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
      await reaches("split", "heavy", "light");
      const counts = await tally("split", 200);
      expect(counts.heavy! + counts.light!).toBe(200);
      // Five standard deviations, for environments that draw lots.
      expect(Math.abs(counts.light! - 40)).toBeLessThan(29);

      expect(await get("split")).toMatchObject({
        metadata: { name: "split", kind: "TrafficSplitter" },
        status: { status_code: "status_live" },
        num_traffic_splitter_targets: 2,
      });
      const shown = (await bench.cortex(["get", "split"])).stdout.split("\n");
      expect(shown.slice(0, 3).map((line) => line.split("\t").slice(1, 5).join(" "))).toEqual([
        "apis weights live up-to-date",
        "heavy 80 1/1 1",
        "light 20 1/1 1",
      ]);
      const predicted = await bench.cortex(["predict", "split", "-d", "7"]);
      expect(predicted.json()).toMatchObject({ payload: 7 });

      const deleted = await bench.cortex(["delete", "heavy", "split", "light", "-f"]);
      expect(deleted, deleted.stderr).toMatchObject({ status: 0 });
      await eventually(async () => (await post("/split", 1)).status === 404 || undefined);
      expect((await bench.cortex(["get", "split"])).status).toBe(4);
    });

    test("strips its own endpoint, and passes methods, subpaths and queries on", async () => {
      const folder = await bench.project({
        "cortex.yaml": spec("plain") + splitter("front", { plain: 100 }).concat("  networking: {endpoint: /a/b}\n"),
        "handler.py": echoing,
      });
      const deployed = await deploy(folder);
      expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
      await bench.heard(async () => {
        const asked = await (await bench.request("/a/b/some/where?a=1&b=two")).json();
        expect(asked).toEqual({ method: "get", query: { a: "1", b: "two" } });
      });
      expect(await (await bench.request("/a/b", { method: "PUT", body: "x" })).text()).toBe("put");
      expect((await bench.request("/a", { method: "PUT", body: "x" })).status).toBe(404);
    });

    test("copies requests for a shadow, whose slowness and failures nobody sees", async () => {
      const folder = await bench.project({
        "cortex.yaml":
          spec("seen", "", "seen.py") +
          spec("unseen").replace("path: handler.py", "path: handler.py\n    threads_per_process: 2") +
          splitter("copied", { seen: 100, unseen: "shadow 100" }),
        "seen.py": speaking("seen"),
        "handler.py": noting,
      });
      const deployed = await deploy(folder);
      expect(deployed, deployed.stderr).toMatchObject({ status: 0 });
      const copies = async () => (await (await bench.request("/unseen")).json()) as unknown[];
      await eventually(async () => {
        expect((await post("/copied", "is it heard?")).status).toBe(200);
        return (await copies()).length > 0;
      });
      expect(await tally("copied", 30)).toEqual({ seen: 30 });
      const startedAt = performance.now();
      expect((await post("/copied", { ms: 30_000, fail: true })).status).toBe(200);
      expect(performance.now() - startedAt).toBeLessThan(20_000);
      await eventually(async () => {
        const all = (await copies()).filter((one) => one !== "is it heard?");
        expect(all).toHaveLength(31);
        expect(all).toEqual(expect.arrayContaining([...Array(30).keys(), { ms: 30_000, fail: true }]));
        return true;
      });
      const shown = (await bench.cortex(["get", "copied"])).stdout;
      expect(shown).toMatch(/unseen \(shadow\)\t100\t/);
    });

    test("weights that change under load lose no request, and hold from then on", async () => {
      const weights = (one: number) => splitter("shifts", { "shifts-a": one, "shifts-b": 100 - one });
      const apis = spec("shifts-a", "", "one.py") + spec("shifts-b", "", "two.py");
      const folder = await pair("shifts-a", "shifts-b", weights(100));
      expect((await deploy(folder)).status).toBe(0);
      const stop = new AbortController();
      const url = `http://127.0.0.1:${bench.port}/shifts`;
      await reaches("shifts", "shifts-a");
      const load = runLoad({ url, ratePerSecond: 20, until: stop.signal, body: "1", connections: 8 });
      for (const one of [50, 0, 90, 0]) {
        await writeFile(join(folder, "cortex.yaml"), apis + weights(one));
        const changed = await deploy(folder);
        expect(changed, changed.stderr).toMatchObject({ status: 0 });
        expect(changed.stdout).toContain("shifts-a is up to date");
      }
      await eventually(async () => (await tally("shifts", 20))["shifts-b"] === 20 || undefined);
      expect((await bench.cortex(["rollback", "shifts", "1", "-y"])).status).toBe(0);
      await eventually(async () => (await tally("shifts", 20))["shifts-a"] === 20 || undefined);
      stop.abort();
      const report = await load;
      expect(report.failures).toEqual([]);
      expect(report.ok).toBeGreaterThan(20);
      expect((await bench.cortex(["history", "shifts", "-o", "json"])).json<unknown[]>()).toHaveLength(6);
    });

    test("keeps its APIs from being deleted: exit status 6, and its name", async () => {
      const folder = await pair("needed", "spare", splitter("needs", { needed: 100 }));
      expect((await deploy(folder)).status).toBe(0);
      const refused = await bench.cortex(["delete", "needed", "-f"]);
      expect(refused.status).toBe(6);
      expect(refused.stderr).toContain("needed is in use: the TrafficSplitter needs sends requests to it");
      await reaches("needs", "needed");
      expect((await bench.cortex(["delete", "spare", "-f"])).status).toBe(0);
      expect((await bench.cortex(["delete", "needs", "-f"])).status).toBe(0);
      expect((await bench.cortex(["delete", "needed", "-f"])).status).toBe(0);
    });

    test("to an API that is not there changes nothing: exit status 2", async () => {
      const folder = await bench.project({
        "cortex.yaml": spec("present") + splitter("nowhere", { present: 50, presnt: 50 }),
        "handler.py": speaking("present"),
      });
      const refused = await deploy(folder);
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain("presnt is neither deployed nor in this file");
      expect(refused.stderr).toContain("did you mean present?");
      expect((await bench.cortex(["get", "present"])).status).toBe(4);
    });

    test("is not created when a new API that it needs fails, and follows when an older one serves on", async () => {
      const folder = await bench.project({
        "cortex.yaml": spec("fragile") + splitter("depends", { fragile: 100 }),
        "handler.py": failing('raise ValueError("no such weights")'),
      });
      const failed = await deploy(folder);
      expect(failed.status).toBe(1);
      expect(failed.stderr).toContain("its API fragile failed and was never live; depends was not created");
      expect((await bench.cortex(["get", "depends"])).status).toBe(4);
      const split = await bench.project({ "cortex.yaml": splitter("hopes", { fragile: 100 }) });
      expect((await deploy(split)).status).toBe(0);
      await bench.heard(async () => {
        const unavailable = await post("/hopes", 1);
        expect(unavailable.status).toBe(503);
        expect(await unavailable.json()).toHaveProperty("error");
      });

      await writeFile(join(folder, "handler.py"), speaking("mended"));
      expect((await deploy(folder)).status).toBe(0);
      await eventually(async () => (await tally("depends", 5)).mended === 5 || undefined);
      await writeFile(join(folder, "handler.py"), failing('raise ValueError("again")'));
      await writeFile(
        join(folder, "cortex.yaml"),
        spec("fragile") + splitter("depends", { fragile: 100 }) + splitter("other", { fragile: 100 }),
      );
      expect((await deploy(folder)).status).toBe(1);
      await eventually(async () => (await tally("other", 5)).mended === 5 || undefined);
    });

    test("has neither replicas to refresh nor lines to show: exit status 2, with what to ask instead", async () => {
      const folder = await pair("first", "second", splitter("bare", { first: 50, second: 50 }));
      expect((await deploy(folder)).status).toBe(0);
      const refreshed = await bench.cortex(["refresh", "bare"]);
      expect(refreshed.status).toBe(2);
      expect(refreshed.stderr).toMatch(/cortex refresh first(?: -e \S+)?, cortex refresh second/);
      const logs = await bench.cortex(["logs", "bare"]);
      expect(logs.status).toBe(2);
      expect(logs.stderr).toContain("cortex logs first");

      await writeFile(join(folder, "one.py"), speaking("first, changed"));
      const again = await deploy(folder);
      expect(again.stdout).toContain("bare is up to date");
      expect(again.stdout).toContain("second (RealtimeAPI)");
      await reaches("bare", "first, changed", "second");
      await writeFile(join(folder, "cortex.yaml"), spec("bare", "", "one.py"));
      expect((await deploy(folder)).status).toBe(2);
    });
  });
}
