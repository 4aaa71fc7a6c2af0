import { CreateLogStreamCommand, PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Aws } from "../../src/aws/aws.ts";
import { connectAws } from "../../src/aws/connect-aws.ts";
import { logArchive } from "../../src/cluster/log-archive.ts";
import { type Emulator, startEmulator } from "../aws/emulator.ts";

const { signal } = new AbortController();
const region = "us-east-1";
const group = "/cortex/models";
const minuteMs = 60_000;

describe("the log group of a cluster", () => {
  let emulator: Emulator;
  let aws: Aws;
  const now = Date.now() - 10 * minuteMs;

  beforeAll(async () => {
    emulator = await startEmulator();
    aws = connectAws({
      region,
      variables: emulator.variables,
      clock: emulator.clock,
      onTry: () => emulator.clock.busy(),
    });
    await (await aws.logs()).createLogGroup({ logGroupName: group }, signal);
    await send("models.iris-5d9c-aaaaa.iris.3", 25);
    await send("models.iris-5d9c-aaaaa.proxy.3", 1);
    await send("models.iris-v2-5d9c-bbbbb.iris-v2.1", 1);
    await send("shop.iris-5d9c-ccccc.iris.1", 1);
    await send("models.iris-5d9c.iris.1", 1);
  }, 2 * minuteMs);
  afterAll(async () => {
    await aws?.[Symbol.asyncDispose]();
    await emulator?.[Symbol.asyncDispose]();
  });

  async function send(logStreamName: string, lines: number): Promise<void> {
    const { logs } = emulator.moto(region);
    await logs.send(new CreateLogStreamCommand({ logGroupName: group, logStreamName }));
    const logEvents = Array.from({ length: lines }, (_, at) => ({
      timestamp: now + at * 1_000,
      message: `line ${at}\n`,
    }));
    await logs.send(new PutLogEventsCommand({ logGroupName: group, logStreamName, logEvents }));
  }

  const read = async (options: { readonly sinceMs?: number; readonly tail?: number } = {}) => {
    const { sinceMs, tail } = options;
    const lines = logArchive(aws, group).lines("models.iris-5d9c-aaaaa.iris.3", { sinceMs, tail }, signal);
    return (await Array.fromAsync(lines)).map(({ text }) => text);
  };

  test("has a stream per container, told apart by API and namespace", async () => {
    const streams = await logArchive(aws, group).streams("models", "iris", signal);
    expect(streams.map(({ pod, container, revision }) => [pod, container, revision])).toEqual([
      ["iris-5d9c-aaaaa", "iris", 3],
      ["iris-5d9c-aaaaa", "proxy", 3],
    ]);
    const v2 = await logArchive(aws, group).streams("models", "iris-v2", signal);
    expect(v2.map(({ pod }) => pod)).toEqual(["iris-v2-5d9c-bbbbb"]);
  });

  test("gives lines in order, from a time on, or the last of them", async () => {
    const all = await read();
    expect(all).toEqual(Array.from({ length: 25 }, (_, at) => `line ${at}`));
    expect(await read({ sinceMs: now + 20_000 })).toEqual(all.slice(20));
    expect(await read({ tail: 3 })).toEqual(all.slice(-3));
  });

  test("that is not there has no stream", async () => {
    expect(await logArchive(aws, "/cortex/none").streams("models", "iris", signal)).toEqual([]);
  });
});
