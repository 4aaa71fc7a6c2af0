import { describe, expect, test } from "vitest";
import type { Environment, ExecOptions, ExecStreams, PortForwardOptions } from "../../src/core/environment.ts";
import { FakeEnvironment } from "./support/fake-environment.ts";
import { type RunOptions, runCommand } from "./support/run-command.ts";

/** An environment on a cluster whose commands answer with what they were asked and given. */
class EchoEnvironment extends FakeEnvironment implements Environment {
  async exec(name: string, options: ExecOptions, streams: ExecStreams): Promise<number> {
    const input = streams.stdin && Buffer.concat(await Array.fromAsync(streams.stdin)).toString();
    const sizes = streams.sizes && (await Array.fromAsync(streams.sizes));
    await streams.stdout(Buffer.from(JSON.stringify({ name, ...options, input, sizes })));
    await streams.stderr(Buffer.from("words"));
    return 3;
  }

  async forwardPort(name: string, options: PortForwardOptions, onListening: (port: number) => void): Promise<void> {
    this.calls.push({ name, ...options });
    onListening(options.localPort || 40_000);
  }
}

const environment = new EchoEnvironment();
const run = (args: readonly string[], options: RunOptions = {}) => runCommand(args, { environment, ...options });

describe("exec", () => {
  test("exits as the command does, and passes no input on unless it is asked to", async () => {
    const ran = await run(["exec", "iris", "--replica", "x7k2p", "-c", "model", "--", "ls", "-la"], {
      input: "unread",
    });
    expect({ status: ran.status, stderr: ran.stderr }).toEqual({ status: 3, stderr: "words" });
    expect(JSON.parse(ran.stdout)).toEqual({
      name: "iris",
      command: ["ls", "-la"],
      isTerminal: false,
      replica: "x7k2p",
      container: "model",
    });
    expect(JSON.parse((await run(["exec", "-i", "iris", "--", "cat"], { input: "text" })).stdout)).toMatchObject({
      input: "text",
    });
  });

  test("is a shell on a terminal when no command is named", async () => {
    const { stdout } = await run(["exec", "iris"], { isTerminal: true, input: "exit\r" });
    expect(JSON.parse(stdout)).toMatchObject({
      command: ["sh", "-c", expect.stringContaining("exec bash")],
      isTerminal: true,
      input: "exit\r",
      sizes: [{ columns: 100, rows: 30 }],
    });
    expect(JSON.parse((await run(["exec", "iris", "--no-tty"], { isTerminal: true })).stdout).isTerminal).toBe(false);
    expect(JSON.parse((await run(["exec", "iris"], { input: "pwd\n" })).stdout)).toMatchObject({
      isTerminal: false,
      input: "pwd\n",
    });
  });

  test("refuses a terminal that is none, and an environment that has no commands", async () => {
    expect(await run(["exec", "-t", "iris"])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("no terminal"),
    });
    const local = await run(["exec", "iris"], { environment: new FakeEnvironment() });
    expect(local).toMatchObject({ status: 2, stderr: expect.stringMatching(/local: .*\nhint: .* -e /) });
  });
});

describe("port-forward", () => {
  test("prints the URL, and takes ports as kubectl writes them", async () => {
    const ran = await run(["port-forward", "iris", "8080"]);
    expect(ran).toEqual({
      status: 0,
      stdout: "http://127.0.0.1:8080\n",
      stderr: "forwarded to iris; Ctrl-C ends it\n",
    });
    expect((await run(["port-forward", "iris"])).stdout).toBe("http://127.0.0.1:40000\n");
    await run(["port-forward", "iris", "9000:5678", "--replica", "abc"]);
    await run(["port-forward", "iris", ":5678"]);
    expect(environment.calls).toEqual([
      { name: "iris", localPort: 8080 },
      { name: "iris", localPort: 0 },
      { name: "iris", localPort: 9000, remotePort: 5678, replica: "abc" },
      { name: "iris", localPort: 0, remotePort: 5678 },
    ]);
  });

  test.for(["x", ":", "70000", "80:0", "1:2:3"])("refuses %s as ports", async (ports) => {
    expect(await run(["port-forward", "iris", ports])).toMatchObject({
      status: 2,
      stderr: expect.stringContaining("LOCAL:REMOTE"),
    });
  });

  test("says where APIs of this machine are", async () => {
    const ran = await run(["port-forward", "iris"], { environment: new FakeEnvironment() });
    expect(ran).toMatchObject({ status: 2, stderr: expect.stringContaining("cortex get iris") });
  });
});
