import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import type { LogLine, LogOptions } from "../../../src/core/environment.ts";
import { LogPosition, logLines, readStamp } from "../../../src/environments/kubernetes/logs/stamped-line.ts";
import { podLogs } from "../../../src/environments/kubernetes/pod-logs.ts";
import { connect } from "../../../src/kubernetes/connect.ts";
import { resource } from "../../../src/kubernetes/objects.ts";
import { clusterTest, clusterVariables, scratchNamespace } from "../../support/cluster.ts";
import { irisPod, isRunning, untilPods } from "./support/pods.ts";

const { signal } = new AbortController();
const plain: LogOptions = { follow: false, previous: false };

describe("lines of a log", () => {
  test("have the time in front of them, to the nanosecond", () => {
    expect(readStamp("2026-03-01T10:00:00.123456789Z hello  there")).toEqual({
      time: Date.parse("2026-03-01T10:00:00.123Z"),
      nanos: 456789,
      text: "hello  there",
    });
    expect(readStamp("2026-03-01T12:00:00.5+02:00 ")).toEqual({
      time: Date.parse("2026-03-01T10:00:00.500Z"),
      nanos: 0,
      text: "",
    });
    expect(readStamp("unable to retrieve container logs")).toBeUndefined();
  });

  test("are cut when they are longer than a MiB, whatever the chunks", async () => {
    const long = "x".repeat(3 * 1024 * 1024);
    const text = Buffer.from(`a\r\n${long}\nÄ\nlast`);
    const chunks = async function* () {
      for (let at = 0; at < text.length; at += 65_537) yield text.subarray(at, at + 65_537);
    };
    const lines = await Array.fromAsync(logLines(chunks()));
    expect(lines.map((line) => (line.length < 10 ? line : line.length))).toEqual([
      "a",
      expect.any(Number),
      "Ä",
      "last",
    ]);
    expect(lines[1]).toMatch(/^x{1048576}x* … \(cut: /);
    expect(lines[1]!.length).toBeLessThan(1024 * 1024 + 200);
  });

  test("are told once, also those of one instant, when they are read again", () => {
    const line = (nanos: number, text: string) => ({ time: 1_000, nanos, text });
    const position = new LogPosition();
    const read = (...lines: ReturnType<typeof line>[]) => {
      position.restart();
      return lines.filter((one) => position.accept(one)).map(({ text }) => text);
    };
    expect(read(line(1, "a"), line(2, "b"), line(2, "c"))).toEqual(["a", "b", "c"]);
    expect(read(line(1, "a"), line(2, "b"), line(2, "c"), line(2, "d"), line(3, "e"))).toEqual(["d", "e"]);
    expect(read(line(2, "b"), line(3, "e"), line(3, "f"))).toEqual(["f"]);
  });
});

clusterTest("logs of pods", () => {
  test("are merged by time, with tail, since, pattern and one replica", async () => {
    await using scratch = await scratchNamespace("client");
    const { client, name: namespace } = scratch;
    const script =
      "import time,sys\nfor i in range(20): print(sys.argv[1], i, flush=True); time.sleep(0.02)\ntime.sleep(600)";
    await Promise.all(
      ["one", "two"].map((name) => client.create(irisPod(namespace, `iris-${name}`, script, name), signal)),
    );
    await untilPods(client, namespace, (pods) => pods.length === 2 && pods.every(isRunning));
    const read = (options: Partial<LogOptions>) =>
      Array.fromAsync(podLogs({ client, namespace, archive: undefined }, "iris", { ...plain, ...options }, signal));
    await expect.poll(async () => (await read({})).length, { timeout: 90_000, interval: 200 }).toBe(40);

    const all = await read({});
    expect(all.map(({ time }) => time)).toEqual(all.map(({ time }) => time).toSorted((a, b) => a - b));
    expect(all[0]).toMatchObject({
      api: "iris",
      revision: 3,
      stream: "stdout",
      text: expect.stringMatching(/^(one|two) 0$/),
    });
    expect(await read({ tail: 7 })).toEqual(all.slice(-7));
    expect(await read({ tail: 0 })).toEqual([]);
    expect(await read({ sinceMs: all[25]!.time })).toEqual(all.filter(({ time }) => time >= all[25]!.time));
    expect((await read({ grep: "^one 1\\d$", tail: 3 })).map(({ text }) => text)).toEqual([
      "one 17",
      "one 18",
      "one 19",
    ]);
    expect((await read({ replica: "two" })).every(({ replica }) => replica === "iris-two")).toBe(true);
    expect((await read({ replica: "iris-two" })).length).toBe(20);
    expect(await read({ previous: true })).toEqual([]);
    expect(await Array.fromAsync(podLogs({ client, namespace, archive: undefined }, "none", plain, signal))).toEqual(
      [],
    );
  }, 240_000);

  test("are followed over restarts of containers and into new pods, each line once", async () => {
    await using scratch = await scratchNamespace("client");
    const { client, name: namespace } = scratch;
    // Ends by itself twice in the test: kubelet starts it again.
    const script =
      "import time,sys\nfor i in range(30): print(sys.argv[1], time.time_ns(), i, flush=True); time.sleep(0.05)";
    await client.create(irisPod(namespace, "iris-one", script, "one"), signal);
    const stop = new AbortController();
    const seen: LogLine[] = [];
    const following = (async () => {
      for await (const line of podLogs(
        { client, namespace, archive: undefined },
        "iris",
        { ...plain, follow: true },
        stop.signal,
      ))
        seen.push(line);
    })().catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    await expect.poll(() => seen.length, { timeout: 90_000 }).toBeGreaterThan(10);
    await client.create(irisPod(namespace, "iris-two", script, "two"), signal);
    await expect.poll(() => ended(seen, "one"), { timeout: 90_000, interval: 200 }).toBeGreaterThanOrEqual(2);
    await expect.poll(() => ended(seen, "two"), { timeout: 90_000, interval: 200 }).toBeGreaterThanOrEqual(1);
    await client.remove(resource.pod, namespace, "iris-two", {}, signal);
    await untilPods(client, namespace, (pods) => pods.length === 1);
    stop.abort(new Error("enough"));
    await following;
    for (const name of ["one", "two"]) {
      const texts = seen.filter(({ text }) => text.startsWith(name)).map(({ text }) => text);
      expect(new Set(texts).size).toBe(texts.length);
      // Numbers run from 0 to 29 and begin anew, without a gap.
      const numbers = texts.map((text) => Number(text.split(" ")[2]));
      expect(numbers).toEqual(numbers.map((_, index) => index % 30));
    }
    // For a moment between two runs kubelet has the log of neither.
    const previous = async () => {
      const lines = await Array.fromAsync(
        podLogs({ client, namespace, archive: undefined }, "iris", { ...plain, previous: true }, signal),
      );
      return lines.map(({ text }) => Number(text.split(" ")[2]));
    };
    const whole = Array.from({ length: 30 }, (_, index) => index);
    await expect.poll(previous, { timeout: 90_000 }).toEqual(whole);
  }, 240_000);

  test("are followed over a rolling update and over connections that break, each line once", async () => {
    await using scratch = await scratchNamespace("client");
    const { client, name: namespace } = scratch;
    await using cut = await cuttingProxy();
    await using proxied = await cut.client();
    const script =
      "import os,time,signal,sys\nsignal.signal(15, lambda *a: sys.exit(0))\ni=0\nwhile True: print(os.environ['HOSTNAME'], i, flush=True); i+=1; time.sleep(0.02)";
    const template = (version: string) => {
      const { metadata, spec } = irisPod(namespace, "iris", script);
      return { metadata: { labels: metadata.labels, annotations: { version } }, spec };
    };
    const deployment = (version: string) => ({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "iris", namespace },
      spec: {
        replicas: 2,
        strategy: { rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } },
        selector: { matchLabels: { "app.kubernetes.io/name": "iris" } },
        template: { ...template(version), spec: { ...template(version).spec, terminationGracePeriodSeconds: 5 } },
      },
    });
    await client.apply(deployment("1"), {}, signal);
    const stop = new AbortController();
    const seen: LogLine[] = [];
    const following = (async () => {
      for await (const line of podLogs(
        { client: proxied, namespace, archive: undefined },
        "iris",
        { ...plain, follow: true },
        stop.signal,
      ))
        seen.push(line);
    })().catch((error: unknown) => {
      if (!stop.signal.aborted) throw error;
    });
    const replicas = () => new Set(seen.map(({ replica }) => replica)).size;
    await expect.poll(replicas, { timeout: 90_000 }).toBe(2);
    for (let round = 0; round < 3; round += 1) {
      const before = seen.length;
      cut.cut();
      await expect.poll(() => seen.length, { timeout: 90_000 }).toBeGreaterThan(before + 20);
    }
    await client.apply(deployment("2"), {}, signal);
    await expect.poll(replicas, { timeout: 90_000 }).toBe(4);
    cut.cut();
    await untilPods(client, namespace, (pods) => pods.length === 2 && pods.every(isRunning));
    const settled = seen.length;
    await expect.poll(() => seen.length, { timeout: 90_000 }).toBeGreaterThan(settled + 50);
    stop.abort(new Error("enough"));
    await following;
    for (const lines of Map.groupBy(seen, ({ replica }) => replica).values()) {
      expect(lines.map(({ text }) => Number(text.split(" ")[1]))).toEqual(lines.map((_, index) => index));
    }
  }, 240_000);
});

/** A proxy to the cluster whose connections can be cut, as a server that restarts cuts them. */
async function cuttingProxy() {
  const sockets = new Set<Socket>();
  const proxy = createServer();
  proxy.on("connect", (request, socket) => {
    const [host, port] = (request.url ?? "").split(":");
    const onward = connectTcp(Number(port), host, () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
    for (const one of [onward, socket as Socket]) sockets.add(one.on("error", () => {}));
    onward.pipe(socket).pipe(onward);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const { port } = proxy.address() as AddressInfo;
  const cut = () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
  };
  return {
    cut,
    client: () => connect({ variables: { ...clusterVariables, HTTPS_PROXY: `http://127.0.0.1:${port}` } }, signal),
    async [Symbol.asyncDispose]() {
      cut();
      proxy.close();
    },
  };
}

function ended(lines: readonly LogLine[], name: string): number {
  return lines.filter(({ text }) => text.startsWith(name) && text.endsWith(" 29")).length;
}
