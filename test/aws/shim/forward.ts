import { Agent, request as httpRequest } from "node:http";
import { accountHeader } from "./moto-clients.ts";
import type { Reply } from "./reply.ts";
import type { AwsRequest } from "./request.ts";

export interface Forwarder extends Disposable {
  /** Lets moto answer a request in an account. */
  forward(request: AwsRequest, account: string): Promise<Reply>;
}

/** Headers that are about one connection only. */
const ofConnection = ["connection", "keep-alive", "transfer-encoding", "expect", "content-length", "host"];

export function createForwarder(endpoint: string): Forwarder {
  const { hostname, port } = new URL(endpoint);
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  return {
    forward: (request, account) =>
      new Promise((resolve, reject) => {
        const { method, path, query, headers, body } = request;
        const kept = Object.entries(headers).filter(
          ([name, value]) => value !== undefined && !ofConnection.includes(name),
        );
        const sent = httpRequest(
          {
            ...{ agent, hostname, port, method },
            path: query.size > 0 ? `${path}?${query}` : path,
            headers: {
              ...(Object.fromEntries(kept) as Record<string, string>),
              host: `${hostname}:${port}`,
              "content-length": body.length,
              [accountHeader]: account,
            },
          },
          (response) => {
            const parts: Buffer[] = [];
            response.on("data", (part: Buffer) => parts.push(part));
            response.on("error", reject);
            response.on("end", () => {
              const rest = Object.entries(response.headers).filter(([name]) => !ofConnection.includes(name));
              resolve({
                status: response.statusCode ?? 500,
                headers: Object.fromEntries(rest) as Record<string, string>,
                body: Buffer.concat(parts),
              });
            });
          },
        );
        sent.on("error", reject);
        sent.end(body);
      }),
    [Symbol.dispose]: () => agent.destroy(),
  };
}
