import type { NodeHttpHandlerOptions } from "@smithy/types";
import type { Clock } from "../core/graph/resource.ts";
import { untilAborted } from "../core/streams.ts";
import type { Aws, AwsIdentity } from "./aws.ts";
import { type CallRules, sendUntilAnswered } from "./call.ts";
import { type AwsCredentials, credentialSource, readCredentials } from "./credentials.ts";
import { actionOf, endpointOf, regionOf, type ServiceName } from "./endpoints.ts";
import { FirstCall } from "./first-call.ts";
import { callLimiter } from "./limiter.ts";
import { answeredAt } from "./refusal.ts";
import type { Calls, Operations } from "./service.ts";

export interface AwsOptions {
  readonly region: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Goes before what the variables say. */
  readonly profile?: string;
  /** Asks for the code of a second factor; `serial` names the device. */
  askForCode?(serial: string): Promise<string>;
  /** How long a call is tried again; default five minutes. */
  readonly retryForMs?: number;
  /** How long one try may take, in real milliseconds; default half a minute. */
  readonly tryForMs?: number;
  /** Default: Math.random. */
  random?(): number;
  /** Told of each try of a call, e.g. `ec2:CreateVpc`, before it is sent; what it returns is disposed of at its end. */
  onTry?(call: { readonly action: string; readonly region: string }): Disposable;
  /** Calls under way at a time; default 20. */
  readonly mostCalls?: number;
}

/** What the regions of an account share. */
interface Account {
  readonly options: AwsOptions;
  readonly rules: CallRules;
  readonly profile: string | undefined;
  readonly regions: Map<string, Aws>;
  readonly opened: Set<() => void>;
  readonly first: FirstCall;
  handler(): Promise<NodeHttpHandlerOptions>;
  /** How far AWS's clock is ahead of this machine's, by the last answer, in milliseconds. */
  clockOffsetMs: number;
  identity: Promise<AwsIdentity> | undefined;
}

/** Nothing is loaded, read or asked before the first call. */
export function connectAws(options: AwsOptions): Aws {
  const { clock, variables, region } = options;
  const random = options.random ?? Math.random;
  const source = {
    variables,
    region,
    clock,
    profile: options.profile,
    endpoint: endpointOf("sts", variables),
    askForCode: options.askForCode?.bind(options),
  };
  const account: Account = {
    options,
    profile: options.profile ?? (variables.AWS_ACCESS_KEY_ID ? undefined : variables.AWS_PROFILE || undefined),
    rules: {
      clock,
      random,
      limiter: callLimiter({ clock, random, most: options.mostCalls ?? 20 }),
      credentials: credentialSource(() => readCredentials(source), clock),
      retryForMs: options.retryForMs ?? 5 * 60_000,
      ...(options.onTry && { onTry: options.onTry.bind(options) }),
      hasAnswered: false,
    },
    regions: new Map(),
    opened: new Set(),
    first: new FirstCall(),
    handler: onceAsked(() => makeHandler(options)),
    clockOffsetMs: 0,
    identity: undefined,
  };
  return regionOfAccount(account, region);
}

function regionOfAccount(account: Account, region: string): Aws {
  const known = account.regions.get(region);
  if (known) return known;
  const open = opener(account, region);
  const sts = open("sts", async () => {
    const { Client, stsOperations } = await import("./services/sts.ts");
    return { Client, operations: stsOperations };
  });
  const aws: Aws = {
    region,
    clock: account.options.clock,
    async identity(signal) {
      account.identity ??= askIdentity(sts, signal);
      try {
        return await account.identity;
      } catch (error) {
        account.identity = undefined;
        throw error;
      }
    },
    autoScaling: open("autoScaling", async () => {
      const { Client, autoScalingOperations } = await import("./services/auto-scaling.ts");
      return { Client, operations: autoScalingOperations };
    }),
    certificates: open("certificates", async () => {
      const { Client, certificateOperations } = await import("./services/certificates.ts");
      return { Client, operations: certificateOperations };
    }),
    classicLoadBalancers: open("classicLoadBalancers", async () => {
      const { Client, classicLoadBalancerOperations } = await import("./services/classic-load-balancers.ts");
      return { Client, operations: classicLoadBalancerOperations };
    }),
    ec2: open("ec2", async () => {
      const { Client, ec2Operations } = await import("./services/ec2.ts");
      return { Client, operations: ec2Operations };
    }),
    ecr: open("ecr", async () => {
      const { Client, ecrOperations } = await import("./services/ecr.ts");
      return { Client, operations: ecrOperations };
    }),
    eks: open("eks", async () => {
      const { Client, eksOperations } = await import("./services/eks.ts");
      return { Client, operations: eksOperations };
    }),
    iam: open("iam", async () => {
      const { Client, iamOperations } = await import("./services/iam.ts");
      return { Client, operations: iamOperations };
    }),
    loadBalancers: open("loadBalancers", async () => {
      const { Client, loadBalancerOperations } = await import("./services/load-balancers.ts");
      return { Client, operations: loadBalancerOperations };
    }),
    logs: open("logs", async () => {
      const { Client, logsOperations } = await import("./services/logs.ts");
      return { Client, operations: logsOperations };
    }),
    pricing: open("pricing", async () => {
      const { Client, pricingOperations } = await import("./services/pricing.ts");
      return { Client, operations: pricingOperations };
    }),
    quotas: open("quotas", async () => {
      const { Client, quotaOperations } = await import("./services/quotas.ts");
      return { Client, operations: quotaOperations };
    }),
    s3: open("s3", async () => {
      const { Client, s3Operations } = await import("./services/s3.ts");
      return { Client, operations: s3Operations };
    }),
    sts,
    clusterToken: (cluster, signal) => signToken(account, { cluster, region }, signal),
    inRegion: (other) => regionOfAccount(account, other),
    async [Symbol.asyncDispose]() {
      for (const close of account.opened) close();
      account.opened.clear();
    },
  };
  account.regions.set(region, aws);
  return aws;
}

/** Settings that every client of the SDK understands. */
interface ClientSettings {
  readonly region: string;
  readonly endpoint?: string;
  readonly forcePathStyle?: boolean;
  readonly maxAttempts: number;
  readonly requestHandler: NodeHttpHandlerOptions;
  credentials(): Promise<AwsCredentials>;
}

interface Client {
  // It takes the commands of its own service only, which the lists of operations see to.
  send(command: never, options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
  destroy(): void;
  readonly middlewareStack: object;
}

/** The SDK's own type of it differs from service to service. */
interface AnswersPass {
  add(middleware: (next: Next) => Next, options: { readonly step: "deserialize"; readonly priority: "high" }): void;
}

type Next = (args: never) => Promise<{ readonly response: unknown; readonly output: object }>;

interface Loaded<O extends Operations> {
  readonly Client: new (settings: ClientSettings) => Client;
  readonly operations: O;
}

function opener(account: Account, region: string) {
  return <O extends Operations>(name: ServiceName, load: () => Promise<Loaded<O>>): (() => Promise<Calls<O>>) =>
    onceAsked(() =>
      account.first.open(async () => {
        const [loaded, requestHandler] = await Promise.all([load(), account.handler()]);
        const endpoint = endpointOf(name, account.options.variables);
        const { credentials } = account.rules;
        const client = new loaded.Client({
          region: regionOf(name, region),
          // What stands for AWS elsewhere knows no names of hosts for buckets.
          ...(endpoint !== undefined && { endpoint, forcePathStyle: true }),
          // Whether and when a call is tried again depends on what it does, which only `call.ts` knows.
          maxAttempts: 1,
          requestHandler,
          // `memoized`: asked for every call, so that new ones are used as soon as there are any.
          credentials: Object.assign(() => credentials.current(), { memoized: true }),
        });
        (client.middlewareStack as AnswersPass).add(noteDate(account), { step: "deserialize", priority: "high" });
        account.opened.add(() => client.destroy());
        return callsOf(loaded.operations, client, { account, name, region });
      }),
    );
}

/** Keeps the answer's `Date`, which the SDK drops: see `answeredAt`. */
function noteDate(account: Account): (next: Next) => Next {
  return (next) => async (args) => {
    try {
      const answer = next(args);
      account.first.sent();
      const result = await answer;
      const { headers } = result.response as { readonly headers?: Readonly<Record<string, string>> };
      const { $metadata } = result.output as { readonly $metadata?: object };
      if ($metadata && headers?.date !== undefined) Object.assign($metadata, { date: headers.date });
      setClock(account, result.output);
      return result;
    } catch (error) {
      setClock(account, error);
      throw error;
    }
  };
}

function setClock(account: Account, answer: unknown): void {
  const at = answeredAt(answer);
  if (at !== undefined) account.clockOffsetMs = at - Date.now();
}

/** Less than this is an answer's way here, or the seconds that dates are told in. */
const tolerableOffsetMs = 30_000;

async function signToken(
  { rules, clockOffsetMs }: Account,
  { cluster, region }: { readonly cluster: string; readonly region: string },
  signal: AbortSignal,
) {
  const [{ eksToken, tokenLifeMs }, credentials] = await Promise.all([
    import("./eks-token.ts"),
    untilAborted(rules.credentials.current(), signal),
  ]);
  const now = Date.now();
  const offsetMs = Math.abs(clockOffsetMs) > tolerableOffsetMs ? clockOffsetMs : 0;
  const token = eksToken({ cluster, region, credentials, now: now + offsetMs });
  return {
    token,
    expiresAt: Math.min(now + tokenLifeMs, credentials.expiration?.getTime() ?? Number.POSITIVE_INFINITY),
  };
}

interface CallPlace {
  readonly account: Account;
  readonly name: ServiceName;
  readonly region: string;
}

function callsOf<O extends Operations>(operations: O, client: Client, { account, name, region }: CallPlace): Calls<O> {
  const calls = Object.entries(operations).map(([key, { command: Command, effect }]) => {
    const asked = { action: actionOf(name, key), region, profile: account.profile };
    const call = (input: unknown, signal: AbortSignal) => {
      const send = (abortSignal: AbortSignal) => client.send(new Command(input) as never, { abortSignal });
      account.first.made();
      return sendUntilAnswered({ asked, effect, lane: `${region}/${name}`, send }, account.rules, signal).finally(() =>
        account.first.sent(),
      );
    };
    return [key, call] as const;
  });
  return Object.fromEntries(calls) as unknown as Calls<O>;
}

async function askIdentity(sts: Aws["sts"], signal: AbortSignal): Promise<AwsIdentity> {
  const { Account: accountId = "", Arn: arn = "" } = await (await sts()).getCallerIdentity({}, signal);
  return { accountId, arn, partition: arn.split(":")[1] || "aws" };
}

/** One for all services: their connections are few, and a proxy is Node's own to find. */
async function makeHandler({ variables, tryForMs = 30_000, mostCalls = 20 }: AwsOptions) {
  const [{ Agent: SecureAgent }, { Agent }] = await Promise.all([import("node:https"), import("node:http")]);
  const bundle = variables.AWS_CA_BUNDLE;
  const ca = bundle ? await (await import("node:fs/promises")).readFile(bundle) : undefined;
  const shared = { keepAlive: true, maxSockets: mostCalls * 2, proxyEnv: { ...variables } };
  return {
    connectionTimeout: Math.min(10_000, tryForMs),
    requestTimeout: tryForMs,
    throwOnRequestTimeout: true,
    httpAgent: new Agent(shared),
    httpsAgent: new SecureAgent({ ...shared, ...(ca && { ca }) }),
  };
}

/** @returns `make`, done once; that it failed is forgotten */
function onceAsked<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    return made;
  };
}
