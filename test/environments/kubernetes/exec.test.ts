import { afterAll, beforeAll, expect, test } from "vitest";
import type { ExecOptions } from "../../../src/core/environment.ts";
import { execInReplica } from "../../../src/environments/kubernetes/exec.ts";
import { clusterTest, type ScratchNamespace, scratchNamespace } from "../../support/cluster.ts";
import { irisPod, isReady, untilPods } from "./support/pods.ts";

const { signal } = new AbortController();

clusterTest("a command in a replica", () => {
  let scratch: ScratchNamespace;
  beforeAll(async () => {
    scratch = await scratchNamespace("client");
    await scratch.client.create(irisPod(scratch.name, "iris-7f9c-abcde", "import time; time.sleep(3600)"), signal);
    await untilPods(scratch.client, scratch.name, (pods) => pods.some(isReady));
  }, 240_000);
  afterAll(() => scratch[Symbol.asyncDispose]());

  async function run(
    command: readonly string[],
    input?: AsyncIterable<Uint8Array>,
    options: Partial<ExecOptions> = {},
    within = signal,
  ) {
    const outputs = { stdout: [] as Uint8Array[], stderr: [] as Uint8Array[] };
    const streams = {
      stdin: input,
      stdout: async (chunk: Uint8Array) => void outputs.stdout.push(chunk),
      stderr: async (chunk: Uint8Array) => void outputs.stderr.push(chunk),
      ...(options.isTerminal && {
        sizes: (async function* () {
          yield { columns: 91, rows: 17 };
        })(),
      }),
    };
    const all = { command, isTerminal: false, ...options };
    const status = await execInReplica(scratch.client, scratch.name, "iris", all, streams, within);
    return { status, stdout: Buffer.concat(outputs.stdout), stderr: Buffer.concat(outputs.stderr).toString() };
  }

  test("gives its output, its errors and its exit status", async () => {
    const ran = await run(["sh", "-c", "echo out; echo err >&2; exit 7"]);
    expect({ ...ran, stdout: ran.stdout.toString() }).toEqual({ status: 7, stdout: "out\n", stderr: "err\n" });
    expect((await run(["true"], undefined, { replica: "abcde", container: "api" })).status).toBe(0);
  });

  test("reads standard input to its end, byte for byte", async () => {
    const input = Buffer.alloc(
      3_000_000,
      Uint8Array.from({ length: 256 }, (_, index) => index),
    );
    const ran = await run(
      ["cat"],
      (async function* () {
        for (let at = 0; at < input.length; at += 100_000) yield input.subarray(at, at + 100_000);
      })(),
    );
    expect(ran.status).toBe(0);
    expect(ran.stdout.equals(input)).toBe(true);
  });

  test("has a terminal of the size of one's own", async () => {
    const script =
      "import os,sys,time\nfor _ in range(600):\n s=os.get_terminal_size()\n if s.columns==91: break\n time.sleep(0.1)\nprint(sys.stdout.isatty(), s.columns, s.lines)";
    const keyboard = (async function* () {
      yield* [];
      await new Promise(() => {});
    })();
    const ran = await run(["python3", "-c", script], keyboard, { isTerminal: true });
    expect(ran.stdout.toString()).toBe("True 91 17\r\n");
  });

  test("ends when its signal aborts", async () => {
    const stop = new AbortController();
    const running = run(["sleep", "60"], undefined, {}, stop.signal);
    setTimeout(() => stop.abort(new Error("enough")), 300);
    await expect(running).rejects.toThrow("enough");
  });

  test("that is not there, or in a replica or container that is not there, is named", async () => {
    await expect(run(["no-such-program"])).rejects.toMatchObject({
      message: "iris-7f9c-abcde has no program no-such-program",
    });
    await expect(run(["true"], undefined, { replica: "zzz" })).rejects.toMatchObject({
      message: "iris has no replica zzz that runs",
      hint: "there are iris-7f9c-abcde",
    });
    await expect(run(["true"], undefined, { container: "zzz" })).rejects.toMatchObject({ hint: "it has api" });
  });
});
