import { mkdir } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import type { Project } from "../../../src/core/environment.ts";
import { CortexError, errorToJson } from "../../../src/core/errors.ts";
import { localEnvironment } from "../../../src/environments/local/local-environment.ts";
import { agentAddress } from "../../../src/platform/home.ts";
import { parseApis } from "../../../src/spec/parse-apis.ts";
import { temporaryFolder } from "../../project/folder.ts";

const splitter = "- name: split\n  kind: TrafficSplitter\n  apis: [{name: a, weight: 100}]\n";

/** Refuses the first changes that it is asked for, as an agent does that hands over: that moment is too short to be met. */
async function startLeavingAgent(home: string, refusals: number) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const path = `${request.method} ${request.url}`;
    asked.push(path);
    if (request.method === "GET")
      return response.end(JSON.stringify({ version: "1.0.0", build: "b", pid: 1, port: 1 }));
    if (asked.filter((other) => other === path).length > refusals)
      return response.end(`${JSON.stringify({ type: "live" })}\n`);
    response.statusCode = 409;
    response.end(JSON.stringify({ error: errorToJson(new CortexError("AGENT_REPLACED", "it is being replaced")) }));
  });
  const address = agentAddress(home);
  await mkdir(dirname(address), { recursive: true });
  await new Promise<void>((listening) => server.listen(address, listening));
  return {
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((closed) => server.close(closed));
    },
  };
}

test("what an agent that is being replaced refuses is asked of its successor", async () => {
  await using folder = await temporaryFolder();
  await using agent = await startLeavingAgent(folder.path, 2);
  const { apis } = await parseApis({ file: "cortex.yaml", text: splitter, variables: {} });
  const installation = { version: "1.0.0", build: "b", program: [], files: () => Promise.reject(new Error("unused")) };
  const environment = localEnvironment({ home: folder.path, installation, variables: {} });
  const options = { force: false, createdBy: "test@test", timeoutMs: 1_000 };
  const signal = AbortSignal.timeout(20_000);
  const events = [];
  for await (const event of environment.rollOut(apis[0]!, {} as Project, options as never, signal)) events.push(event);
  expect(events).toEqual([{ type: "live" }]);
  expect(agent.asked).toEqual(["GET /v1/agent", ...Array(3).fill("PUT /v1/apis/split")]);
});
