/**
 * What the gateway costs: a replica's throughput and latency through it, beside the same replica addressed directly and
 * beside a plain node:http proxy, interleaved in one run. Needs wrk and python3; the ceiling needs cc.
 *
 *   node test/bench/gateway.ts [--json FILE] [--seconds 3] [--rounds 3] [--venv FOLDER]
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent, createServer, request } from "node:http";
import { type AddressInfo, createServer as createNetServer } from "node:net";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { createGateway } from "../../src/environments/local/gateway/gateway.ts";

const run = promisify(execFile);

/** Like a replica: one process, uvicorn with uvloop and httptools; here on a port as well, so that wrk can address it. */
const replicaCode = `
import socket, sys, uvicorn
small, big = b'{"ok":true}', b"x" * (1 << 20)
async def app(scope, receive, send):
    if scope["type"] != "http": return
    more = True
    while more: more = (await receive()).get("more_body", False)
    body = big if scope["path"] == "/big" else small
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
tcp = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
local = socket.socket(socket.AF_UNIX)
local.bind(sys.argv[2])
config = uvicorn.Config(app, lifespan="off", access_log=False, log_level="warning", loop="uvloop", http="httptools", timeout_keep_alive=75)
uvicorn.Server(config).run(sockets=[tcp, local])
`;

const wrkScript = (size: number) => `
${size > 0 ? `wrk.method = "POST"\nwrk.body = string.rep("x", ${size})` : ""}
done = function(summary, latency)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format("RESULT %d %d %d %d %d\\n", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failed))
end
`;

interface Measured {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

interface Scenario {
  readonly name: string;
  readonly origin: "replica" | "ceiling";
  readonly path: string;
  readonly connections: number;
  readonly bodyBytes: number;
  /** Least share of the direct throughput, and most milliseconds that the median may grow by. */
  readonly atLeast?: number;
  readonly atMostAddedMs?: number;
}

const MiB = 1 << 20;
const scenarios: readonly Scenario[] = [
  { name: "no-op", origin: "replica", path: "/", connections: 32, bodyBytes: 0, atLeast: 0.5, atMostAddedMs: 0.5 },
  { name: "no-op, 1 connection", origin: "replica", path: "/", connections: 1, bodyBytes: 0, atMostAddedMs: 0.5 },
  { name: "1 MiB response", origin: "replica", path: "/big", connections: 32, bodyBytes: 0, atLeast: 0.45 },
  { name: "1 MiB request", origin: "replica", path: "/", connections: 32, bodyBytes: MiB, atLeast: 0.45 },
  { name: "no-op, origin in C", origin: "ceiling", path: "/", connections: 32, bodyBytes: 0 },
];

const { values: flags } = parseArgs({
  options: {
    json: { type: "string" },
    seconds: { type: "string", default: "3" },
    rounds: { type: "string", default: "3" },
    venv: { type: "string" },
    role: { type: "string" },
    port: { type: "string" },
    upstream: { type: "string" },
  },
});

if (flags.role === "gateway") await serveGateway(Number(flags.port), flags.upstream!);
else if (flags.role === "proxy") serveProxy(Number(flags.port), flags.upstream!);
else await measureAll();

async function serveGateway(port: number, path: string): Promise<void> {
  const gateway = createGateway({ onAccess() {}, onWaiting() {} });
  gateway.setRoute({ api: "bench", endpoint: "/bench", maxQueueLength: 1000 });
  const address = { path };
  gateway.addBackend("bench", { id: "1", replica: "1", revision: 1, address, maxConcurrency: 1, prefetch: true });
  await gateway.listen(port);
}

/** What one writes first: a proxy of twenty lines. */
function serveProxy(port: number, socketPath: string): void {
  const agent = new Agent({ keepAlive: true });
  const server = createServer((incoming, outgoing) => {
    const { method, headers } = incoming;
    const path = incoming.url!.slice("/bench".length) || "/";
    const forward = request({ agent, socketPath, method: method!, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(outgoing);
    });
    forward.on("error", () => outgoing.destroy());
    incoming.pipe(forward);
  });
  server.listen(port, "127.0.0.1");
}

async function measureAll(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "cortex-bench-"));
  const children: ChildProcess[] = [];
  try {
    const targets = await startAll(folder, children);
    const rows = [];
    for (const scenario of scenarios) {
      if (scenario.origin === "ceiling" && !targets.ceiling) continue;
      rows.push(
        await measureScenario(scenario, scenario.origin === "ceiling" ? targets.ceiling! : targets.replica, folder),
      );
    }
    console.table(Object.fromEntries(rows.map(({ name, ...row }) => [name, rounded(row)])));
    const machine = { cores: cpus().length, cpu: cpus()[0]?.model, node: process.version, platform: process.platform };
    if (flags.json)
      await writeFile(flags.json, `${JSON.stringify({ benchmark: "gateway", machine, rows }, null, 2)}\n`);
  } finally {
    for (const child of children) child.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  }
}

/** Base URLs by who answers there. */
interface Target {
  readonly direct: string;
  readonly gateway: string;
  readonly proxy?: string;
}

async function startAll(folder: string, children: ChildProcess[]): Promise<{ replica: Target; ceiling?: Target }> {
  const start = (command: string, args: readonly string[]) => {
    children.push(spawn(command, args, { stdio: ["ignore", "inherit", "inherit"] }));
  };
  const self = fileURLToPath(import.meta.url);
  const startRole = (role: string, port: number, upstream: string) =>
    start(process.execPath, [self, "--role", role, "--port", String(port), "--upstream", upstream]);
  const ports = await freePorts(5);
  const url = (index: number, path = "") => `http://127.0.0.1:${ports[index]}${path}`;

  const python = await pythonWithUvicorn(folder);
  const replicaPath = join(folder, "replica");
  start(python, ["-c", replicaCode, String(ports[0]), replicaPath]);
  startRole("gateway", ports[1]!, replicaPath);
  startRole("proxy", ports[2]!, replicaPath);
  const replica = { direct: url(0), gateway: url(1, "/bench"), proxy: url(2, "/bench") };
  await Promise.all(Object.values(replica).map(untilAnswers));

  const binary = join(folder, "origin");
  const source = fileURLToPath(new URL("gateway-origin.c", import.meta.url));
  const isBuilt = await run("cc", ["-O2", "-o", binary, source]).then(
    () => true,
    () => false,
  );
  if (!isBuilt) return { replica };
  const originPath = join(folder, "fast");
  start(binary, [String(ports[3]), originPath]);
  startRole("gateway", ports[4]!, originPath);
  const ceiling = { direct: url(3), gateway: url(4, "/bench") };
  await Promise.all(Object.values(ceiling).map(untilAnswers));
  return { replica, ceiling };
}

async function pythonWithUvicorn(folder: string): Promise<string> {
  const venv = flags.venv ?? join(folder, "venv");
  if (!flags.venv) {
    await run("python3", ["-m", "venv", venv]);
    await run(join(venv, "bin", "pip"), ["install", "--quiet", "uvicorn", "uvloop", "httptools"]);
  }
  return join(venv, "bin", "python");
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createNetServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as AddressInfo).port);
  for (const server of servers) server.close();
  return ports;
}

async function untilAnswers(url: string): Promise<void> {
  const until = performance.now() + 15_000;
  for (;;) {
    const status = await fetch(`${url}/`).then(
      (reply) => reply.status,
      () => 0,
    );
    if (status === 200) return;
    if (performance.now() > until) throw new Error(`nothing answers at ${url}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Measures all ways to the origin in turn, several times, and takes medians, so that what else the machine does hits all alike. */
async function measureScenario(scenario: Scenario, target: Target, folder: string) {
  const script = join(folder, `wrk-${scenario.bodyBytes}.lua`);
  await writeFile(script, wrkScript(scenario.bodyBytes));
  const ways = Object.entries(target) as [keyof Target, string][];
  const results = new Map<keyof Target, Measured[]>(ways.map(([way]) => [way, []]));
  for (const [, url] of ways) await load(scenario, url, script, 0.5);
  for (let round = 0; round < Number(flags.rounds); round++) {
    for (const [way, url] of ways) results.get(way)!.push(await load(scenario, url, script, Number(flags.seconds)));
  }
  const direct = medianOf(results.get("direct")!);
  const gateway = medianOf(results.get("gateway")!);
  const proxy = results.has("proxy") ? medianOf(results.get("proxy")!) : undefined;
  const share = gateway.requestsPerSecond / direct.requestsPerSecond;
  const addedMs = gateway.p50Ms - direct.p50Ms;
  const isMet =
    gateway.failed === 0 &&
    (scenario.atLeast === undefined || share >= scenario.atLeast) &&
    (scenario.atMostAddedMs === undefined || addedMs <= scenario.atMostAddedMs);
  return {
    name: scenario.name,
    connections: scenario.connections,
    directPerSecond: direct.requestsPerSecond,
    gatewayPerSecond: gateway.requestsPerSecond,
    percentOfDirect: share * 100,
    proxyPercentOfDirect: proxy && (proxy.requestsPerSecond / direct.requestsPerSecond) * 100,
    p50DirectMs: direct.p50Ms,
    p50AddedMs: addedMs,
    p99DirectMs: direct.p99Ms,
    p99AddedMs: gateway.p99Ms - direct.p99Ms,
    failed: gateway.failed,
    met: scenario.atLeast === undefined && scenario.atMostAddedMs === undefined ? "-" : isMet ? "yes" : "no",
  };
}

async function load(scenario: Scenario, url: string, script: string, seconds: number): Promise<Measured> {
  const { connections, path } = scenario;
  const args = ["-t1", `-c${connections}`, `-d${Math.max(1, Math.round(seconds))}s`, "-s", script, `${url}${path}`];
  const { stdout } = await run("wrk", args);
  const match = /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(stdout);
  if (!match) throw new Error(`wrk printed no result: ${stdout}`);
  const [requests, microseconds, p50, p99, failed] = match.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  return { requestsPerSecond: requests / (microseconds / 1e6), p50Ms: p50 / 1000, p99Ms: p99 / 1000, failed };
}

function medianOf(all: readonly Measured[]): Measured {
  const median = (pick: (one: Measured) => number) => all.map(pick).sort((a, b) => a - b)[Math.floor(all.length / 2)]!;
  return {
    requestsPerSecond: median((one) => one.requestsPerSecond),
    p50Ms: median((one) => one.p50Ms),
    p99Ms: median((one) => one.p99Ms),
    failed: all.reduce((sum, one) => sum + one.failed, 0),
  };
}

function rounded(row: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const round = (value: unknown) =>
    typeof value === "number" ? Math.round(value * (value < 100 ? 100 : 1)) / (value < 100 ? 100 : 1) : value;
  return Object.fromEntries(Object.entries(row).map(([key, value]) => [key, round(value)]));
}
