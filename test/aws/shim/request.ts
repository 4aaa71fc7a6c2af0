import type { IncomingHttpHeaders } from "node:http";
import { eksOperation } from "./eks/routes.ts";
import { s3Operation } from "./s3-operation.ts";

/** How a service speaks: what its requests look like, and how it says no. */
export type Protocol = "ec2" | "query" | "json" | "rest-json" | "s3";

/** One call of a client, as far as it can be told from the wire. */
export interface AwsRequest {
  /** As IAM names it, `elasticloadbalancing` divided into `elb` and `elbv2`. */
  readonly service: string;
  /** `CreateVpc`. */
  readonly operation: string;
  readonly protocol: Protocol;
  readonly region: string;
  /** Who asks: every client of an emulator has a key of its own. Empty when the request is not signed. */
  readonly accessKey: string;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** Parameters of the query protocols; empty for others. */
  readonly form: URLSearchParams;
  /** Body of the JSON protocols together with what stands in the path; empty for others. */
  readonly json: Readonly<Record<string, unknown>>;
}

export interface Wire {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

const scope = /Credential=([^/]+)\/\d+\/([^/]+)\/([^/]+)\/aws4_request/;

export function parseRequest({ method, url, headers, body }: Wire): AwsRequest {
  const { pathname: path, searchParams: query } = new URL(url, "http://emulator");
  const credential = String(headers.authorization ?? `Credential=${query.get("X-Amz-Credential") ?? ""}`);
  const [, accessKey = "", region = "us-east-1", signedFor = ""] = scope.exec(credential) ?? [];
  const common = { region, accessKey, method, path, query, headers, body };
  const nothing = { form: new URLSearchParams(), json: {} };
  const target = headers["x-amz-target"];
  if (typeof target === "string") {
    const operation = target.slice(target.lastIndexOf(".") + 1);
    return {
      ...common,
      ...nothing,
      service: jsonService(target, signedFor),
      operation,
      protocol: "json",
      json: parse(body),
    };
  }
  if (signedFor === "eks") {
    const { operation, parameters } = eksOperation(method, path);
    const json = { ...parse(body), ...parameters };
    return { ...common, ...nothing, service: "eks", operation, protocol: "rest-json", json };
  }
  const isForm = String(headers["content-type"]).startsWith("application/x-www-form-urlencoded");
  const form = isForm ? new URLSearchParams(body.toString()) : query;
  if (form.has("Action")) {
    const service = queryService(signedFor, form);
    const protocol = service === "ec2" ? "ec2" : "query";
    return { ...common, ...nothing, service, operation: form.get("Action")!, protocol, form };
  }
  return { ...common, ...nothing, service: "s3", operation: s3Operation(method, path, query), protocol: "s3" };
}

/** @returns values of `Name.1`, `Name.2` … in order */
export function listOf(form: URLSearchParams, name: string): string[] {
  const found: string[] = [];
  for (let n = 1; form.has(`${name}.${n}`); n += 1) found.push(form.get(`${name}.${n}`)!);
  return found;
}

export interface Filter {
  readonly name: string;
  readonly values: readonly string[];
}

export function filtersOf(form: URLSearchParams): Filter[] {
  const found: Filter[] = [];
  for (let n = 1; form.has(`Filter.${n}.Name`); n += 1) {
    found.push({ name: form.get(`Filter.${n}.Name`)!, values: listOf(form, `Filter.${n}.Value`) });
  }
  return found;
}

/** @returns the same request with other parameters of the query protocol */
export function withForm(request: AwsRequest, form: URLSearchParams): AwsRequest {
  return { ...request, form, body: Buffer.from(form.toString()) };
}

/** @returns whether it changes nothing */
export function isRead({ operation, service }: AwsRequest): boolean {
  if (service === "pricing" || service === "sts") return true;
  return /^(Describe|List|Get|Head|Simulate|Filter|BatchGet|BatchCheck)/.test(operation);
}

function queryService(signedFor: string, form: URLSearchParams): string {
  if (signedFor !== "elasticloadbalancing") return signedFor || "sts";
  return form.get("Version") === "2012-06-01" ? "elb" : "elbv2";
}

function jsonService(target: string, signedFor: string): string {
  if (target.startsWith("AWSPriceListService")) return "pricing";
  return signedFor;
}

function parse(body: Buffer): Record<string, unknown> {
  return body.length === 0 ? {} : (JSON.parse(body.toString()) as Record<string, unknown>);
}
