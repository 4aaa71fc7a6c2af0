import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

export interface MotoServer extends AsyncDisposable {
  readonly endpoint: string;
}

const root = resolve(import.meta.dirname, "../..");
const python = join(root, process.platform === "win32" ? ".venv/Scripts/python.exe" : ".venv/bin/python");

/** Starts moto, which ends with this process however that ends. @throws Error that says how to get it */
export async function startMoto(): Promise<MotoServer> {
  if (!existsSync(python))
    throw new Error(`moto is not installed: run node scripts/python-dev.mjs, which makes ${python}`);
  const child = spawn(python, [join(import.meta.dirname, "moto_server.py")], {
    stdio: ["pipe", "pipe", "pipe"],
    env: {
      PATH: process.env.PATH,
      MOTO_IAM_LOAD_MANAGED_POLICIES: "true",
      // Instances need no image that exists.
      MOTO_EC2_LOAD_DEFAULT_AMIS: "true",
    },
  });
  const ended = new Promise<void>((done) => child.once("close", () => done()));
  let words = "";
  child.stderr.on("data", (part: Buffer) => {
    words = `${words}${part}`.slice(-4000);
  });
  const [first] = await Array.fromAsync(firstLine(child.stdout));
  if (first === undefined) throw new Error(`moto did not start: ${words}`);
  const { port } = JSON.parse(first) as { readonly port: number };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}

async function* firstLine(stream: NodeJS.ReadableStream): AsyncGenerator<string> {
  for await (const line of createInterface({ input: stream })) {
    yield line;
    return;
  }
}
