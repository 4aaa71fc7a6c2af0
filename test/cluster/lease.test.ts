import { spawn } from "node:child_process";
import { once } from "node:events";
import { DeleteObjectCommand, GetObjectCommand } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { Aws } from "../../src/aws/aws.ts";
import { connectAws } from "../../src/aws/connect-aws.ts";
import { type LeaseOptions, takeLease } from "../../src/cluster/lease.ts";
import { hasEnded, markOfProcess } from "../../src/cluster/lease-holder.ts";
import { type Emulator, startEmulator } from "../aws/emulator.ts";
import { never } from "./support/network.ts";

// The first calls to a service make the emulator load it.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let emulator: Emulator;
let aws: Aws;
let buckets = 0;
beforeAll(async () => {
  emulator = await startEmulator();
  const { clock, variables } = emulator;
  aws = connectAws({ region: "us-east-1", variables, clock, onTry: () => clock.busy() });
});
afterAll(async () => {
  await aws[Symbol.asyncDispose]();
  await emulator[Symbol.asyncDispose]();
});

async function newBucket(): Promise<string> {
  buckets += 1;
  const bucket = `lease-${emulator.account}-${buckets}`;
  await (await aws.s3()).createBucket({ Bucket: bucket }, never);
  return bucket;
}

const ann = (bucket: string, more: Partial<LeaseOptions> = {}) =>
  takeLease({ aws, bucket, who: "ann on laptop", what: "cluster up", ...more }, never);
const bob = (bucket: string, more: Partial<LeaseOptions> = {}) =>
  takeLease({ aws, bucket, who: "bob on server", what: "cluster down", ...more }, never);
const sleep = (seconds: number) => emulator.clock.sleep(seconds * 1_000, never);

describe("a cluster's lease", () => {
  test("is held by one at a time, who is named to others", async () => {
    const bucket = await newBucket();
    {
      await using _lease = await ann(bucket);
      await expect(bob(bucket)).rejects.toMatchObject({
        code: "CONFLICT",
        message: expect.stringMatching(/^ann on laptop is changing this cluster \(cortex cluster up, since \d{4}-/),
      });
    }
    await using lease = await bob(bucket);
    expect(lease.lost.aborted).toBe(false);
  });

  test("is held for as long as it takes", async () => {
    const bucket = await newBucket();
    await using lease = await ann(bucket);
    await sleep(300);
    await expect(bob(bucket)).rejects.toMatchObject({ code: "CONFLICT" });
    expect(lease.lost.aborted).toBe(false);
  });

  test("can be taken and given back again and again, also while it is renewed", async () => {
    const bucket = await newBucket();
    for (let times = 0; times < 5; times += 1) {
      await using lease = await ann(bucket, { expiresMs: 3_000 });
      await sleep(times);
      expect(lease.lost.aborted).toBe(false);
    }
  });

  test("of one who is never heard of again is taken over when it has expired, which is said", async () => {
    const bucket = await newBucket();
    const dead = emulator.client();
    const { clock } = emulator;
    const { variables } = dead;
    const gone = connectAws({ region: "us-east-1", variables, clock, onTry: () => clock.busy(), tryForMs: 500 });
    await using lease = await ann(bucket, { aws: gone });
    dead.killAt(1, "before");
    await sleep(30);
    await expect(bob(bucket)).rejects.toMatchObject({ code: "CONFLICT" });
    await sleep(180);
    const said: string[] = [];
    await using _lease = await bob(bucket, { onTakenOver: (message) => said.push(message) });
    expect(said).toEqual([expect.stringMatching(/^cortex cluster up of ann on laptop has ended without/)]);
    expect(lease.lost.reason).toMatchObject({ code: "CONFLICT" });
    await gone[Symbol.asyncDispose]();
  });

  test("is lost when somebody removes it", async () => {
    const bucket = await newBucket();
    await using lease = await ann(bucket);
    await emulator.moto().s3.send(new DeleteObjectCommand({ Bucket: bucket, Key: "lease.json" }));
    await sleep(60);
    expect(lease.lost.reason).toMatchObject({ code: "CONFLICT" });
  });

  test("is lost with the cause when the right to write ends", async () => {
    const bucket = await newBucket();
    await using lease = await ann(bucket);
    using _fault = emulator.faults.add({ op: "PutObject", kind: "denied", first: 1_000 });
    await sleep(90);
    expect(lease.lost.reason).toMatchObject({ code: "NOT_AUTHORISED" });
  });

  test("is taken once when the answer is lost", async () => {
    const bucket = await newBucket();
    using fault = emulator.faults.add({ op: "PutObject", kind: "lostReply" });
    await using lease = await ann(bucket);
    expect(fault.met).toBe(1);
    await sleep(90);
    expect(lease.lost.aborted).toBe(false);
  });

  test("of a process of this machine that has ended is taken over at once", async () => {
    const bucket = await newBucket();
    const mark = await markOfProcess();
    const child = spawn(process.execPath, ["-e", ""]);
    await once(child, "exit");
    const ended = { ...mark, pid: child.pid ?? 0, startedAt: "1" };
    await using _first = await ann(bucket, { process: ended });
    await using _lease = await bob(bucket);
  });

  test("holds no name of the machine", async () => {
    const bucket = await newBucket();
    await using _lease = await ann(bucket, { process: await markOfProcess() });
    const { Body } = await emulator.moto().s3.send(new GetObjectCommand({ Bucket: bucket, Key: "lease.json" }));
    expect(JSON.parse((await Body?.transformToString()) ?? "")).toMatchObject({
      process: { machine: expect.stringMatching(/^[0-9a-f]{16}$/), pid: process.pid },
    });
  });

  test("of a bucket that is not there cannot be taken", async () => {
    await expect(ann(`lease-${emulator.account}-none`)).rejects.toMatchObject({ code: "AWS_FAILED" });
  });
});

describe("a process", () => {
  test("has not ended while it runs, whatever is known of it", async () => {
    const mark = await markOfProcess();
    expect(await hasEnded(mark)).toBe(false);
    expect(await hasEnded({ machine: mark.machine, pid: mark.pid })).toBe(false);
  });

  test("has ended when another one has its number", async () => {
    const mark = await markOfProcess();
    expect(await hasEnded({ ...mark, startedAt: "1" })).toBe(mark.startedAt !== undefined);
  });

  test("of another machine is never known to have ended", async () => {
    expect(await hasEnded({ machine: "another", pid: 2 ** 22 + 1 })).toBe(false);
  });
});
