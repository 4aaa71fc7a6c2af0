import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestProject } from "vitest/node";
import { type MotoServer, startMoto } from "./moto.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where a test asks for the moto of this run of tests. */
    readonly motoStarter: string;
  }
}

/** One moto for all tests of a run, started when the first of them asks for it: every emulator has an account of its own in it. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let moto: Promise<MotoServer> | undefined;
  const server = createServer((_, response) => {
    moto ??= startMoto();
    moto.then(
      ({ endpoint }) => response.end(JSON.stringify({ endpoint })),
      (error: Error) => response.end(JSON.stringify({ problem: error.message })),
    );
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  project.provide("motoStarter", `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  return async () => {
    server.close();
    server.closeAllConnections();
    await (await moto?.catch(() => undefined))?.[Symbol.asyncDispose]();
  };
}
