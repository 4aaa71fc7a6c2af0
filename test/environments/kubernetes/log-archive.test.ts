import { describe, expect, test } from "vitest";
import type { LogOptions } from "../../../src/core/environment.ts";
import { CortexError } from "../../../src/core/errors.ts";
import {
  type ArchivedStream,
  archivedSources,
  type LogArchive,
} from "../../../src/environments/kubernetes/logs/log-archive.ts";
import { podLogs } from "../../../src/environments/kubernetes/pod-logs.ts";
import { describedCluster, object } from "../../cluster/support/described-cluster.ts";

const { signal } = new AbortController();
const plain: LogOptions = { follow: false, previous: false };

function stream(pod: string, container: string, lastAt: number, revision = 3): ArchivedStream {
  return { name: `default.${pod}.${container}.${revision}`, pod, container, revision, lastAt };
}

function archiveOf(lines: Readonly<Record<string, readonly (readonly [time: number, text: string])[]>>): LogArchive {
  return {
    async streams() {
      return Object.entries(lines).map(([name, all]) => {
        const [, pod = "", container = "", revision = "0"] = name.split(".");
        return { name, pod, container, revision: Number(revision), lastAt: Math.max(...all.map(([time]) => time)) };
      });
    },
    async *lines(name, { sinceMs = 0, tail }) {
      const all = lines[name]!.filter(([time]) => time >= sinceMs);
      for (const [time, text] of tail === undefined ? all : all.slice(-tail)) yield { time, text };
    },
  };
}

const none = describedCluster([]);
const read = async (archive: LogArchive | undefined, options: Partial<LogOptions> = {}) => {
  const lines = await Array.fromAsync(
    podLogs({ client: none, namespace: "default", archive }, "iris", { ...plain, ...options }, signal),
  );
  return lines.map(({ replica, revision, text }) => [replica, revision, text]);
};

describe("replicas that are gone", () => {
  const archive = archiveOf({
    "default.iris-5d9c-aaaaa.iris.3": [
      [1_000, "first"],
      [3_000, "third"],
    ],
    "default.iris-5d9c-aaaaa.proxy.3": [
      [1_500, "[2026-01-01 00:00:00.000][1][info][main] starting"],
      [3_500, "[2026-01-01 00:00:00.000][1][error][main] no port"],
    ],
    "default.iris-77fd-bbbbb.iris.4": [[2_000, "second"]],
  });

  test("say in the order of time what they said, the sidecar only what went wrong", async () => {
    const error = "[2026-01-01 00:00:00.000][1][error][main] no port";
    expect(await read(archive, { previous: true })).toEqual([
      ["iris-5d9c-aaaaa", 3, "first"],
      ["iris-77fd-bbbbb", 4, "second"],
      ["iris-5d9c-aaaaa", 3, "third"],
      ["iris-5d9c-aaaaa", 3, error],
    ]);
    expect(await read(archive, { previous: true, tail: 2 })).toHaveLength(2);
    expect(await read(archive, { previous: true, replica: "bbbbb" })).toEqual([["iris-77fd-bbbbb", 4, "second"]]);
    expect(await read(archive, { previous: true, sinceMs: 2_500, grep: "ir" })).toEqual([
      ["iris-5d9c-aaaaa", 3, "third"],
    ]);
  });

  test("stand in where no replica is there, and are not mixed into what is followed", async () => {
    expect(await read(archive)).toHaveLength(4);
    expect(await read(undefined, { previous: true })).toEqual([]);
  });

  test("are not told twice: those whose pods are there are read from them", () => {
    const streams = [stream("iris-5d9c-aaaaa", "iris", 2_000), stream("iris-77fd-bbbbb", "iris", 1_000)];
    const found = archivedSources(streams, new Set(["iris-5d9c-aaaaa"]), {});
    expect(found.map(({ source }) => source.pod)).toEqual(["iris-77fd-bbbbb"]);
  });

  test("name the container where a replica has several, and come newest first", () => {
    const pod = "iris-5d9c-aaaaa";
    const streams = [
      stream(pod, "a", 1),
      stream(pod, "b", 2),
      stream(pod, "proxy", 3),
      stream("iris-77fd-bbbbb", "a", 4),
    ];
    expect(archivedSources(streams, new Set(), {}).map(({ source }) => source.replica)).toEqual([
      "iris-77fd-bbbbb",
      pod,
      `${pod}/b`,
      `${pod}/a`,
    ]);
  });

  test("may be late: an archive that knows of no line in the last hour is read all the same", () => {
    const hours = 3_600_000;
    const streams = [stream("iris-5d9c-aaaaa", "iris", 9.5 * hours), stream("iris-77fd-bbbbb", "iris", 8 * hours)];
    const found = archivedSources(streams, new Set(), { sinceMs: 10 * hours });
    expect(found.map(({ source }) => source.pod)).toEqual(["iris-5d9c-aaaaa"]);
  });

  test("whose archive may not be read keep nobody from the logs of those that are there", async () => {
    const closed: LogArchive = {
      streams: () => Promise.reject(new CortexError("NOT_AUTHORISED", "logs:DescribeLogStreams is missing")),
      lines: archive.lines,
    };
    await expect(read(closed, { previous: true })).rejects.toThrow("logs:DescribeLogStreams is missing");
    const labels = { "app.kubernetes.io/managed-by": "cortex", "app.kubernetes.io/name": "iris" };
    const ended = object(
      "v1",
      "Pod",
      { name: "iris-1-ccccc", namespace: "default", uid: "1", labels },
      { spec: { containers: [{ name: "iris" }] }, status: { phase: "Failed" } },
    );
    const body = async function* () {
      yield Buffer.from("2026-01-01T00:00:00Z from its pod\n");
    };
    const client = {
      ...describedCluster([ended]),
      request: async () => ({ status: 200, headers: {}, body: body() }),
    };
    const ports = { client, namespace: "default", archive: closed };
    const lines = await Array.fromAsync(podLogs(ports, "iris", { ...plain, previous: true }, signal));
    expect(lines.map(({ text }) => text)).toEqual([
      "lines of replicas that are gone cannot be read: logs:DescribeLogStreams is missing",
      "from its pod",
    ]);
  });
});
