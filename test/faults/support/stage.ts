import { once } from "node:events";
import { join } from "node:path";
import { DeleteObjectCommand, ListBucketsCommand } from "@aws-sdk/client-s3";
import { connectAws } from "../../../src/aws/connect-aws.ts";
import { cloudClusters } from "../../../src/cluster/cloud-clusters.ts";
import type { CloudClusters, WalkFailure } from "../../../src/core/cloud-cluster.ts";
import { CortexError } from "../../../src/core/errors.ts";
import { parseCluster } from "../../../src/spec/parse-cluster.ts";
import { type Emulator, startEmulator } from "../../aws/emulator.ts";
import type { Call } from "../../aws/shim/call-log.ts";
import type { Client } from "../../aws/shim/clients.ts";
import { emptyInside } from "../../cluster/support/lifecycle.ts";
import { temporaryFolder } from "../../project/folder.ts";
import type { Scene } from "./scenes.ts";

/** Waits are short, so that there are few polls and every call of a run can be a place to kill it. */
const shortTimes = {
  createCluster: 8_000,
  updateCluster: 2_000,
  deleteCluster: 5_000,
  createNodeGroup: 5_000,
  updateNodeGroup: 2_000,
  failNodeGroup: 4_000,
  deleteNodeGroup: 5_000,
  createAddon: 1_000,
  updateAddon: 1_000,
  deleteAddon: 1_000,
  createNatGateway: 3_000,
  deleteNatGateway: 3_000,
  deleteLoadBalancer: 3_000,
  propagateRole: 3_000,
};

export type Command = "up" | "down";

/** Where a command dies: with its n-th call, or with its n-th call of one operation, which is still carried out. */
export type Death = number | { readonly op: string; readonly nth: number };

export interface RunOptions {
  readonly client?: Client;
  /** Real milliseconds that one try of a call may take. */
  readonly tryForMs?: number;
}

/** What a run gave. */
export interface Ran {
  /** `id: message` of all that failed; of what stopped the whole, `all: message`. */
  readonly failed: readonly string[];
  /** Codes of the errors. */
  readonly codes: readonly string[];
  readonly calls: readonly Call[];
}

/** An account of its own, with a cluster to make there and to take away. */
export interface Stage extends AsyncDisposable {
  readonly emulator: Emulator;
  up(options?: RunOptions): Promise<Ran>;
  /** It has also gone well when there was nothing to remove. @throws Error when its own sweep finds something left */
  down(options?: RunOptions): Promise<Ran>;
  run(command: Command, options?: RunOptions): Promise<Ran>;
  /** Runs a command whose process dies; it may have ended before that. @returns the calls it made */
  killed(command: Command, death: Death): Promise<readonly Call[]>;
  /** What the next command does by itself after a process that has ended on the same machine, which this one has not. */
  endLease(): Promise<void>;
  /** What Kubernetes makes in the cluster. */
  live(): Promise<void>;
  /** What is there beyond what was there before, as sentences without random ids. */
  names(): Promise<readonly string[]>;
  /** What is there now and was not before; what was there and is not as it was. Empty when all is as if nothing had been. */
  traces(): Promise<readonly string[]>;
}

export async function startStage(scene: Scene): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const emulator = stack.use(await startEmulator({ times: shortTimes }));
  const text = `${scene.file}${(await scene.prepare?.(emulator)) ?? ""}`;
  const { cluster } = await parseCluster({ file: "cluster.yaml", text, variables: {} });
  const id = { name: cluster.cluster_name, region: cluster.region };
  const [before, namesBefore] = await Promise.all([things(emulator), emulator.inventory.names()]);
  const commands: Record<Command, (clouds: CloudClusters, signal: AbortSignal) => Promise<readonly WalkFailure[]>> = {
    async up(clouds, signal) {
      const plan = await clouds.planUp(cluster, signal);
      return (await clouds.apply(plan, ignore, signal)).failures;
    },
    async down(clouds, signal) {
      const nothingKept = { keepAwsResources: false };
      const plan = await clouds.planDown(id, nothingKept, signal);
      const { failures, left } = await clouds.down(plan, nothingKept, ignore, signal);
      const labels = left.map(({ label }) => label).join(", ");
      if (failures.length === 0 && labels !== "") throw new Error(`left: ${labels}`);
      return failures;
    },
  };
  const run = async (command: Command, { client = emulator.client(), tryForMs = 60_000 }: RunOptions = {}) => {
    const failures = await withClouds(emulator, { client, tryForMs }, commands[command]).catch((error: unknown) =>
      ofTheWhole(error, command),
    );
    return {
      failed: failures.map(({ id: what, error }) => `${what}: ${error.message}`),
      codes: failures.map(({ error }) => error.code),
      calls: emulator.calls.of("*", client.accessKey),
    };
  };
  const owned = stack.move();
  return {
    emulator,
    run,
    up: (options) => run("up", options),
    down: (options) => run("down", options),
    async killed(command, death) {
      const client = emulator.client();
      if (typeof death === "number") client.killAt(death);
      else client.killAt(death.nth, "after", death.op);
      const running = run(command, { client }).catch((error: unknown) => {
        if (!client.dead.aborted) throw error;
      });
      // What is left of it here may still try to tidy up, and is not waited for, as nothing of a dead process is.
      await Promise.race([running, once(client.dead, "abort")]);
      if (client.dead.aborted) await endLease(emulator);
      return emulator.calls.of("*", client.accessKey);
    },
    endLease: () => endLease(emulator),
    live: async () => scene.live?.(emulator),
    names: async () => without(await emulator.inventory.names(), namesBefore),
    async traces() {
      const now = await things(emulator);
      return [...without(now, before), ...without(before, now).map((one) => `gone or changed: ${one}`)];
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

const ignore = () => {};

async function withClouds<T>(
  emulator: Emulator,
  { client, tryForMs }: Required<RunOptions>,
  run: (clouds: CloudClusters, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  await using folder = await temporaryFolder();
  const onTry = () => emulator.clock.busy();
  const settings = { region: "us-east-1", variables: client.variables, clock: emulator.clock, tryForMs, onTry };
  await using clouds = cloudClusters({
    aws: connectAws(settings),
    home: join(folder.path, "home"),
    inside: emptyInside(),
  });
  return await run(clouds, client.dead);
}

/** @throws what is no answer to a user */
function ofTheWhole(error: unknown, command: Command): readonly WalkFailure[] {
  if (!(error instanceof CortexError)) throw error;
  if (command === "down" && error.code === "ENVIRONMENT_NOT_FOUND") return [];
  return [{ id: "all", title: `cluster ${command}`, error }];
}

async function endLease(emulator: Emulator): Promise<void> {
  const { s3 } = emulator.moto();
  const { Buckets = [] } = await s3.send(new ListBucketsCommand({}));
  for (const { Name: Bucket } of Buckets) await s3.send(new DeleteObjectCommand({ Bucket, Key: "lease.json" }));
}

async function things(emulator: Emulator): Promise<readonly string[]> {
  return (await emulator.inventory.all()).map(({ type, id, tags }) => `${type} ${id} ${JSON.stringify(tags)}`);
}

/** @returns `all` without `others`, each taken away once */
function without(all: readonly string[], others: readonly string[]): readonly string[] {
  const left = [...others];
  return all.filter((one) => {
    const index = left.indexOf(one);
    if (index >= 0) left.splice(index, 1);
    return index < 0;
  });
}
