import type { AwsRequest } from "./request.ts";
import { type Element, escapeXml, printXml } from "./xml.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | string;
}

/** What a service refuses, in words of its own; how it looks on the wire is left to `refusal`. */
export class Refused extends Error {
  readonly code: string;
  readonly status: number;
  /** Further members of a JSON error. */
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, status = 400, members: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.members = members;
  }
}

const namespaces: Readonly<Record<string, string>> = {
  ec2: "http://ec2.amazonaws.com/doc/2016-11-15/",
  autoscaling: "http://autoscaling.amazonaws.com/doc/2011-01-01/",
  iam: "https://iam.amazonaws.com/doc/2010-05-08/",
  sts: "https://sts.amazonaws.com/doc/2011-06-15/",
  elb: "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/",
  elbv2: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
};
const requestId = "11111111-2222-3333-4444-555555555555";

export function refusal({ protocol, service }: AwsRequest, refused: Refused): Reply {
  const { code, message, status, members } = refused;
  const words = `<Code>${code}</Code><Message>${escapeXml(message)}</Message>`;
  switch (protocol) {
    case "ec2":
      return xml(
        status,
        `<Response><Errors><Error>${words}</Error></Errors><RequestID>${requestId}</RequestID></Response>`,
      );
    case "query": {
      const type = `<Type>${status >= 500 ? "Receiver" : "Sender"}</Type>`;
      const inner = `<Error>${type}${words}</Error><RequestId>${requestId}</RequestId>`;
      return xml(status, `<ErrorResponse xmlns="${namespaces[service] ?? ""}">${inner}</ErrorResponse>`);
    }
    case "s3":
      return xml(
        status,
        `<?xml version="1.0" encoding="UTF-8"?><Error>${words}<RequestId>${requestId}</RequestId></Error>`,
      );
    case "json":
      return json({ __type: code, message, ...members }, status, code);
    case "rest-json":
      return json({ message, ...members }, status, code);
  }
}

export function json(value: unknown, status = 200, errorType?: string): Reply {
  const type = errorType === undefined ? {} : { "x-amzn-errortype": errorType };
  return { status, headers: { "content-type": "application/json", ...type }, body: JSON.stringify(value) };
}

export function xml(status: number, body: string): Reply {
  return { status, headers: { "content-type": "text/xml;charset=UTF-8" }, body };
}

/** The answer of an operation of EC2. */
export function ec2Answer(operation: string, content: readonly Element[]): Reply {
  const inner = `<requestId>${requestId}</requestId>${content.map(printXml).join("")}`;
  return xml(200, `<${operation}Response xmlns="${namespaces.ec2}">${inner}</${operation}Response>`);
}

/** The answer of an operation of the other services that speak XML. */
export function queryAnswer({ service, operation }: AwsRequest, content: readonly Element[]): Reply {
  const result = `<${operation}Result>${content.map(printXml).join("")}</${operation}Result>`;
  const meta = `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata>`;
  return xml(200, `<${operation}Response xmlns="${namespaces[service] ?? ""}">${result}${meta}</${operation}Response>`);
}

export function bodyText(reply: Reply): string {
  return typeof reply.body === "string" ? reply.body : reply.body.toString();
}
