import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { text } from "node:stream/consumers";
import type { Aws } from "../../../src/aws/aws.ts";
import type { AwsOptions } from "../../../src/aws/connect-aws.ts";
import { connectAws } from "../../../src/aws/connect-aws.ts";
import type { Clock } from "../../../src/core/graph/resource.ts";

export interface AskedCall {
  readonly operation: string;
  readonly body: string;
  readonly authorization: string;
  /** As the request was signed, in milliseconds since the epoch. */
  readonly signedAt: number;
}

export interface Spoken {
  readonly status?: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export type Reply = Spoken | "reset" | "hang";

export interface ScriptedAws extends AsyncDisposable {
  readonly aws: Aws;
  readonly asked: readonly AskedCall[];
  readonly endpoint: string;
}

export const keys = { AWS_ACCESS_KEY_ID: "AKIDTEST", AWS_SECRET_ACCESS_KEY: "s3cret" } as const;

/** What stands for AWS: answers as `answer` says, `index` counting all calls. */
export async function scriptedAws(
  answer: (call: AskedCall, index: number) => Reply,
  options: Partial<AwsOptions> = {},
): Promise<ScriptedAws> {
  const asked: AskedCall[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(async (request, response) => {
    const body = await text(request);
    const target = String(request.headers["x-amz-target"] ?? "").split(".")[1];
    const operation = new URLSearchParams(body).get("Action") ?? target ?? `${request.method} ${request.url}`;
    const call = {
      operation,
      body,
      authorization: request.headers.authorization ?? "",
      signedAt: Date.parse(
        String(request.headers["x-amz-date"]).replace(/^(....)(..)(..T..)(..)(..Z)$/, "$1-$2-$3:$4:$5"),
      ),
    };
    asked.push(call);
    const reply = answer(call, asked.length - 1);
    if (reply === "hang") return;
    if (reply === "reset") return request.socket.destroy();
    response.writeHead(reply.status ?? 200, { "content-type": "text/xml", ...reply.headers }).end(reply.body);
  });
  server.on("connection", (socket) => sockets.add(socket.once("close", () => sockets.delete(socket))));
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const aws = connectAws({
    region: "eu-west-1",
    clock: virtualClock(),
    random: () => 0.5,
    ...options,
    variables: { AWS_ENDPOINT_URL: endpoint, ...keys, ...options.variables },
  });
  return {
    aws,
    asked,
    endpoint,
    async [Symbol.asyncDispose]() {
      await aws[Symbol.asyncDispose]();
      for (const socket of sockets) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

/** Sleeping takes no time; what is slept is counted. */
export function virtualClock(): Clock {
  let now = 1_000_000;
  return {
    now: () => now,
    async sleep(ms, signal) {
      signal.throwIfAborted();
      now += ms;
      await new Promise((soon) => setImmediate(soon));
    },
  };
}

export const vpcs: Spoken = {
  body: `<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>`,
};
export const made: Spoken = {
  body: `<CreateVpcResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpc><vpcId>vpc-2</vpcId></vpc></CreateVpcResponse>`,
};

/** A refusal as EC2 words it. */
export function ec2Error(code: string, message = "no", status = 400, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers,
    body: `<?xml version="1.0"?><Response><Errors><Error><Code>${code}</Code><Message>${message}</Message></Error></Errors><RequestID>r-1</RequestID></Response>`,
  };
}

/** A refusal as services that speak JSON word it. */
export function jsonError(type: string, message: string, status = 400): Reply {
  return {
    status,
    headers: { "content-type": "application/x-amz-json-1.1" },
    body: JSON.stringify({ __type: type, message }),
  };
}

/** A refusal as IAM and STS word it. */
export function queryError(code: string, message: string, status = 400): Reply {
  return {
    status,
    body: `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
  };
}
