import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** What code caches are filled by in place of AWS. */
export interface StandInAws extends AsyncDisposable {
  /** Of whoever is to ask it. */
  readonly variables: Readonly<Record<string, string>>;
}

const identity = "<Arn>arn:aws:iam::123456789012:user/warm</Arn><UserId>warm</UserId><Account>123456789012</Account>";

/** An account that is empty, and that nobody but the build asks. */
export async function startStandInAws(): Promise<StandInAws> {
  const server = createServer(async (request, response) => {
    const action = new URLSearchParams(await text(request)).get("Action");
    if (action === null) {
      response.writeHead(404, { "content-type": "application/json", "x-amzn-errortype": "ResourceNotFoundException" });
      return response.end('{"message":"there is none"}');
    }
    const result = action === "GetCallerIdentity" ? identity : "";
    response.writeHead(200, { "content-type": "text/xml" });
    return response.end(`<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    variables: {
      AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: "warm",
      AWS_SECRET_ACCESS_KEY: "warm",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_CONFIG_FILE: "/nonexistent",
      AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
      AWS_PROFILE: "",
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
