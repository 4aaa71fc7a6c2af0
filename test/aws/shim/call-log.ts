import type { AwsRequest } from "./request.ts";

/** One request that reached the emulator. */
export interface Call {
  /** From 1, over all clients, in the order of arrival. */
  readonly n: number;
  /** `ec2:CreateVpc`. */
  readonly name: string;
  readonly region: string;
  /** Access key of who asked. */
  readonly client: string;
  readonly isRead: boolean;
  /** What it was about, as far as it stands in the request: names, ids and tags. */
  readonly about: string;
  /** Milliseconds since the epoch, of the emulator's clock. */
  readonly at: number;
  /** 0: it was never answered. */
  status: number;
  /** Code of the error that was answered. */
  error?: string;
  /** The fault that it met. */
  fault?: string;
}

export interface CallLog {
  readonly all: readonly Call[];
  /** @param name `ec2:CreateVpc`, `eks:*`, or a part of a name after a star: `*:Create*` */
  of(name: string, client?: string): readonly Call[];
  /** @returns how often each operation was called, by name */
  counts(client?: string): Readonly<Record<string, number>>;
  clear(): void;
}

export interface WritableCallLog extends CallLog {
  add(request: AwsRequest, at: number, isRead: boolean): Call;
}

export function createCallLog(): WritableCallLog {
  let calls: Call[] = [];
  let last = 0;
  return {
    get all() {
      return calls;
    },
    of: (name, client) =>
      calls.filter((call) => matchesName(name, call.name) && (client === undefined || call.client === client)),
    counts: (client) => {
      const counts: Record<string, number> = {};
      for (const call of calls) {
        if (client === undefined || call.client === client) counts[call.name] = (counts[call.name] ?? 0) + 1;
      }
      return counts;
    },
    clear() {
      calls = [];
    },
    add(request, at, isRead) {
      last += 1;
      const { region, accessKey: client } = request;
      const call: Call = {
        n: last,
        name: nameOf(request),
        region,
        client,
        isRead,
        about: about(request),
        at,
        status: 0,
      };
      calls.push(call);
      return call;
    },
  };
}

export function nameOf({ service, operation }: Pick<AwsRequest, "service" | "operation">): string {
  return `${service}:${operation}`;
}

/** @returns whether a name is meant by a pattern, in which a star stands for anything */
export function matchesName(pattern: string, name: string): boolean {
  const full = pattern.includes(":") || pattern === "*" ? pattern : `*:${pattern}`;
  return new RegExp(`^${full.replaceAll("*", ".*")}$`).test(name);
}

function about({ form, json, path, protocol }: AwsRequest): string {
  const boring = /^(Action|Version|ClientToken|.*\.ResourceType|AssumeRolePolicyDocument|PolicyDocument)$/;
  const words =
    form.size > 0
      ? [...form].filter(([name]) => !boring.test(name)).map(([name, value]) => `${name}=${value}`)
      : Object.entries(json)
          .filter(([, value]) => typeof value === "string")
          .map(([name, value]) => `${name}=${value}`);
  return (protocol === "s3" ? path : words.join(" ")).slice(0, 400);
}
