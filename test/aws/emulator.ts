import type { PolicyDocument } from "../../src/core/cloud-rights.ts";
import { type EmulatorClock, scaledClock, virtualClock } from "./clock.ts";
import { createInventory, type Inventory } from "./inventory.ts";
import { type KubernetesMade, kubernetesMade } from "./kubernetes-made.ts";
import { type MotoServer, startMoto } from "./moto.ts";
import { type CallLog, createCallLog } from "./shim/call-log.ts";
import { type Client, type ClientState, createClient } from "./shim/clients.ts";
import { createUnseen } from "./shim/consistency.ts";
import { createFaults, type Faults } from "./shim/faults.ts";
import { createForwarder } from "./shim/forward.ts";
import { createHolds, type Holds } from "./shim/holds.ts";
import { connectMoto, type Moto } from "./shim/moto-clients.ts";
import { startServer } from "./shim/server.ts";
import { type ServiceTimes, serviceTimes } from "./shim/service-times.ts";
import { createTimeline } from "./shim/timeline.ts";
import { createRegionState, type World, type WorldOptions } from "./shim/world.ts";

export interface EmulatorOptions extends Partial<WorldOptions> {
  /** So many times faster than real; undefined: time stands while anything is done, and jumps when everybody sleeps. */
  readonly speed?: number;
  readonly times?: Partial<ServiceTimes>;
  /** Milliseconds of the emulator's time that every answer takes. */
  readonly latencyMs?: number;
  /** Default region of its clients. */
  readonly region?: string;
  /** A moto that runs already; else that of this run of tests, else one of its own. */
  readonly moto?: MotoServer;
}

/** AWS on this machine: one account, empty at first, whose time goes as it is told. */
export interface Emulator extends AsyncDisposable {
  /** Always on the loopback interface. */
  readonly endpoint: string;
  readonly account: string;
  /** ARN that GetCallerIdentity tells. */
  readonly caller: string;
  /** Variables of the first client, for a child process or for an SDK client. */
  readonly variables: Readonly<Record<string, string>>;
  /** The time that clients under test must go by. */
  readonly clock: EmulatorClock;
  readonly calls: CallLog;
  readonly faults: Faults;
  readonly holds: Holds;
  /** What is there, as Describe calls tell it; see `Inventory`. */
  readonly inventory: Inventory;
  /** Makes what Kubernetes makes in a cluster that is up. */
  readonly kubernetes: KubernetesMade;
  /** moto, behind the emulator's back: to change things by hand. */
  moto(region?: string): Moto;
  /** From now on, whoever calls may do what these allow and nothing else. @returns what is refused, as it happens */
  allowOnly(policies: readonly PolicyDocument[]): readonly string[];
  /** One more program that uses this AWS, which can be killed and whose credentials can expire. */
  client(): Client;
  /** Every answer takes so long from now on. */
  setLatency(ms: number): void;
  /** AWS's clock is so far ahead of the clients' one. */
  setSkew(ms: number): void;
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const { speed, region = "us-east-1" } = options;
  await using stack = new AsyncDisposableStack();
  const moto = options.moto ?? (await sharedMoto()) ?? stack.use(await startMoto());
  const clock = speed === undefined ? virtualClock() : scaledClock(speed);
  const account = String(100_000_000_000 + Math.floor(Math.random() * 899_999_999_999));
  const connections = stack.use(new DisposableStack());
  const world = createWorld(options, clock, account, (name) =>
    connections.use(connectMoto(moto.endpoint, account, name)),
  );
  const [calls, faults, holds, unseen] = [createCallLog(), createFaults(), createHolds(), createUnseen(clock.now)];
  const forwarder = stack.use(createForwarder(moto.endpoint));
  const clients = new Map<string, ClientState>();
  let [latencyMs, skewMs] = [options.latencyMs ?? 0, 0];
  const server = stack.use(
    await startServer({
      ...{ world, calls, faults, holds, unseen, forwarder, clients },
      latencyMs: () => latencyMs,
      skewMs: () => skewMs,
    }),
  );
  const addClient = () => {
    // Of the form of a key, and told apart from a real one at a glance.
    const accessKey = `EMULATOR${account}${String(clients.size + 1).padStart(3, "0")}`;
    const client = createClient(accessKey, variablesOf(server.endpoint, accessKey, region));
    clients.set(accessKey, client);
    return client;
  };
  const { variables } = addClient();
  const owned = stack.move();
  return {
    ...{ endpoint: server.endpoint, account, caller: world.caller, variables, clock, calls, faults, holds },
    inventory: createInventory(world, region),
    kubernetes: kubernetesMade(world, region),
    moto: (name = region) => world.moto(name),
    allowOnly(policies) {
      world.rights.policies = policies;
      return world.rights.refused;
    },
    client: addClient,
    setLatency(ms) {
      latencyMs = ms;
    },
    setSkew(ms) {
      skewMs = ms;
    },
    [Symbol.asyncDispose]: () => owned[Symbol.asyncDispose](),
  };
}

function createWorld(
  options: EmulatorOptions,
  clock: EmulatorClock,
  account: string,
  connect: (region: string) => Moto,
): World {
  const regions = new Map<string, ReturnType<typeof createRegionState>>();
  const motos = new Map<string, Moto>();
  const { registry, controlPlane, denied = [], scarce = [], withoutAddons = [], quotas = {}, times } = options;
  return {
    account,
    caller: `arn:aws:iam::${account}:user/somebody`,
    clock,
    rights: { policies: undefined, refused: [] },
    timeline: createTimeline(clock.now),
    times: { ...serviceTimes, ...times },
    options: {
      denied,
      scarce,
      withoutAddons,
      quotas,
      ...(registry && { registry }),
      ...(controlPlane && { controlPlane }),
    },
    moto: (region) => motos.get(region) ?? remember(motos, region, connect(region)),
    in: (region) => regions.get(region) ?? remember(regions, region, createRegionState()),
    regions,
    roles: new Map(),
    objects: new Map(),
  };
}

function remember<Value>(all: Map<string, Value>, key: string, value: Value): Value {
  all.set(key, value);
  return value;
}

/** Nothing of the developer's own AWS settings may reach a test, nor a test any other AWS. */
function variablesOf(endpoint: string, accessKey: string, region: string): Record<string, string> {
  return {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: `secret-of-${accessKey}`,
    AWS_REGION: region,
    AWS_CONFIG_FILE: "/nonexistent/aws-config",
    AWS_SHARED_CREDENTIALS_FILE: "/nonexistent/aws-credentials",
    AWS_EC2_METADATA_DISABLED: "true",
  };
}

/** @returns the moto of this run of tests; undefined outside of one */
async function sharedMoto(): Promise<MotoServer | undefined> {
  if (!process.env.VITEST) return undefined;
  const { inject } = await import("vitest");
  const starter = inject("motoStarter");
  if (starter === undefined) return undefined;
  const { endpoint, problem } = (await (await fetch(starter)).json()) as { endpoint: string; problem?: string };
  if (problem !== undefined) throw new Error(problem);
  return { endpoint, [Symbol.asyncDispose]: async () => {} };
}
