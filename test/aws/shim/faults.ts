import { matchesName, nameOf } from "./call-log.ts";
import { Refused } from "./reply.ts";
import type { AwsRequest } from "./request.ts";

/**
 * `throttle` `error` `unavailable` `denied` `expired` `quota` `dependency`: refused, as the service says it.
 * `capacity`: what is asked for cannot be had, which some services say only later. `reset`: the connection breaks before
 * anything is done. `lostReply`: it is done and the connection breaks. `timeout`: it is done and never answered.
 * `notFoundAfterCreate`: what was made is not seen by the next calls.
 */
export type FaultKind =
  | "throttle"
  | "error"
  | "unavailable"
  | "denied"
  | "expired"
  | "quota"
  | "dependency"
  | "capacity"
  | "reset"
  | "lostReply"
  | "timeout"
  | "notFoundAfterCreate";

export interface FaultRule {
  /** `ec2:CreateVpc`, `eks:*`, `*:Describe*`, `*`. */
  readonly op: string;
  readonly kind: FaultKind;
  /** Only the n-th of the calls that match, from 1; that is the first unless something else is said. */
  readonly nth?: number;
  /** The first so many. */
  readonly first?: number;
  /** Each with this probability, 0 to 1: the same ones for the same seed. */
  readonly rate?: number;
  readonly seed?: number;
  /** Access key of the only client that meets it. */
  readonly client?: string;
  /** Only calls that this is true of. */
  where?(request: AwsRequest): boolean;
  /** How many calls do not see what was made; default 3. */
  readonly unseen?: number;
}

export interface Faults {
  /** @returns how to take it away again; `met`: how many calls have met it */
  add(rule: FaultRule): Disposable & { readonly met: number };
  clear(): void;
}

export interface FaultSource extends Faults {
  /** Counts the call. @returns the first rule that it meets */
  of(request: AwsRequest): FaultRule | undefined;
}

export function createFaults(): FaultSource {
  let active: { readonly rule: FaultRule; readonly random: () => number; seen: number; met: number }[] = [];
  return {
    add(rule) {
      const entry = { rule, random: mulberry(rule.seed ?? 1), seen: 0, met: 0 };
      active.push(entry);
      return {
        get met() {
          return entry.met;
        },
        [Symbol.dispose]() {
          active = active.filter((one) => one !== entry);
        },
      };
    },
    clear() {
      active = [];
    },
    of(request) {
      let hit: FaultRule | undefined;
      for (const entry of active) {
        const { rule } = entry;
        const isMeant =
          matchesName(rule.op, nameOf(request)) && (rule.client ?? request.accessKey) === request.accessKey;
        if (!isMeant || rule.where?.(request) === false) continue;
        entry.seen += 1;
        if (hit !== undefined || !isTurn(rule, entry.seen, entry.random)) continue;
        entry.met += 1;
        hit = rule;
      }
      return hit;
    },
  };
}

function isTurn({ nth, first, rate }: FaultRule, n: number, random: () => number): boolean {
  if (rate !== undefined) return random() < rate;
  if (first !== undefined) return n <= first;
  return n === (nth ?? 1);
}

type Words = readonly [code: string, status: number, message: string];

/** Codes by protocol, in the order ec2, query, json, rest-json, s3. */
const codes: Readonly<Partial<Record<FaultKind, Readonly<Record<AwsRequest["protocol"], Words>>>>> = {
  throttle: {
    ec2: ["RequestLimitExceeded", 503, "Request limit exceeded."],
    query: ["Throttling", 400, "Rate exceeded"],
    json: ["ThrottlingException", 400, "Rate exceeded"],
    "rest-json": ["ThrottlingException", 429, "Rate exceeded"],
    s3: ["SlowDown", 503, "Please reduce your request rate."],
  },
  error: {
    ec2: ["InternalError", 500, "An internal error has occurred"],
    query: ["ServiceFailure", 500, "An internal failure has occurred"],
    json: ["InternalFailure", 500, "An internal failure has occurred"],
    "rest-json": ["ServerException", 500, "These errors are usually caused by a server-side issue."],
    s3: ["InternalError", 500, "We encountered an internal error. Please try again."],
  },
  unavailable: {
    ec2: ["Unavailable", 503, "The server is overloaded and can't handle the request."],
    query: ["ServiceUnavailable", 503, "Service is unable to handle request."],
    json: ["ServiceUnavailableException", 503, "Service is unable to handle request."],
    "rest-json": ["ServiceUnavailableException", 503, "The service is unavailable."],
    s3: ["ServiceUnavailable", 503, "Service is unable to handle request."],
  },
  expired: {
    ec2: ["RequestExpired", 400, "Request has expired."],
    query: ["ExpiredToken", 403, "The security token included in the request is expired"],
    json: ["ExpiredTokenException", 400, "The security token included in the request is expired"],
    "rest-json": ["ExpiredTokenException", 403, "The security token included in the request is expired"],
    s3: ["ExpiredToken", 400, "The provided token has expired."],
  },
};

/** @returns how the service refuses a call; undefined for faults that are no refusal */
export function refusalOf(kind: FaultKind, request: AwsRequest, caller: string): Refused | undefined {
  const words = codes[kind]?.[request.protocol];
  if (words !== undefined) return new Refused(words[0], words[2], words[1]);
  if (kind === "denied") return denied(request, caller);
  if (kind === "quota") return overQuota(request);
  if (kind === "dependency") return hangsOn(request);
  if (kind === "capacity") return noCapacity(request);
  return undefined;
}

/** @returns the action of a call as IAM names it */
export function actionOf({ service, operation }: AwsRequest): string {
  const renamed: Readonly<Record<string, string>> = {
    ListBuckets: "ListAllMyBuckets",
    HeadBucket: "ListBucket",
    ListObjectsV2: "ListBucket",
    DeleteObjects: "DeleteObject",
    GetPublicAccessBlock: "GetBucketPublicAccessBlock",
    PutPublicAccessBlock: "PutBucketPublicAccessBlock",
  };
  const prefix = service.startsWith("elb") ? "elasticloadbalancing" : service;
  return `${prefix}:${service === "s3" ? (renamed[operation] ?? operation) : operation}`;
}

export function denied(request: AwsRequest, caller: string): Refused {
  const action = actionOf(request);
  const words = `User: ${caller} is not authorized to perform: ${action} because no identity-based policy allows the ${action} action`;
  switch (request.protocol) {
    case "ec2":
      return new Refused("UnauthorizedOperation", `You are not authorized to perform this operation. ${words}`, 403);
    case "json":
      return new Refused("AccessDeniedException", words, 400);
    case "rest-json":
      return new Refused("AccessDeniedException", words, 403);
    default:
      return new Refused("AccessDenied", request.protocol === "s3" ? "Access Denied" : words, 403);
  }
}

const quotas: Readonly<Record<string, Words>> = {
  CreateVpc: ["VpcLimitExceeded", 400, "The maximum number of VPCs has been reached."],
  CreateSubnet: ["SubnetLimitExceeded", 400, "The maximum number of subnets has been reached."],
  CreateInternetGateway: [
    "InternetGatewayLimitExceeded",
    400,
    "The maximum number of internet gateways has been reached.",
  ],
  AllocateAddress: ["AddressLimitExceeded", 400, "The maximum number of addresses has been reached."],
  CreateNatGateway: ["NatGatewayLimitExceeded", 400, "The maximum number of NAT gateways has been reached."],
  CreateRouteTable: ["RouteTableLimitExceeded", 400, "The maximum number of route tables has been reached."],
  CreateVpcEndpoint: ["VpcEndpointLimitExceeded", 400, "The maximum number of VPC endpoints has been reached."],
  CreateSecurityGroup: ["SecurityGroupLimitExceeded", 400, "The maximum number of security groups has been reached."],
  CreateRole: ["LimitExceeded", 409, "Cannot exceed quota for RolesPerAccount: 1000"],
  CreateBucket: ["TooManyBuckets", 400, "You have attempted to create more buckets than allowed"],
};

function overQuota({ protocol, operation }: AwsRequest): Refused {
  const known = quotas[operation];
  if (known) return new Refused(known[0], known[2], known[1]);
  if (protocol === "rest-json")
    return new Refused("ResourceLimitExceededException", "You have reached a limit on the resource.");
  if (protocol === "json") return new Refused("LimitExceededException", "You have reached a limit on the resource.");
  if (protocol === "ec2") return new Refused("ResourceCountExceeded", "You have reached a limit on the resource.");
  return new Refused("LimitExceeded", "You have reached a limit on the resource.", 409);
}

function hangsOn({ protocol, service }: AwsRequest): Refused {
  const message = "The resource has a dependent object";
  if (protocol === "ec2") return new Refused("DependencyViolation", message);
  if (service === "iam") return new Refused("DeleteConflict", message, 409);
  if (service === "elbv2") return new Refused("ResourceInUse", message);
  if (service === "ecr") return new Refused("RepositoryNotEmptyException", message);
  if (protocol === "s3") return new Refused("BucketNotEmpty", message, 409);
  return new Refused("ResourceInUseException", message, 409);
}

/** Groups, control planes and NAT gateways say it in ways of their own. */
function noCapacity({ operation }: AwsRequest): Refused | undefined {
  if (["CreateNodegroup", "CreateCluster", "CreateNatGateway"].includes(operation)) return undefined;
  if (operation === "AllocateAddress") {
    return new Refused("InsufficientAddressCapacity", "Not enough available addresses to satisfy your request.");
  }
  return new Refused("InsufficientInstanceCapacity", "There is not enough capacity to fulfill your request.", 500);
}

/** A small generator of numbers from 0 to 1, the same for the same seed. */
function mulberry(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
