// How fast the same scikit-learn model is served by Cortex, through its gateway, and by others, asked directly; and how
// much memory one replica takes. `node test/bench/peers.ts [--json FILE] [--quick]`
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../support/cortex.ts";
import { cortexHome, replicaPids } from "./harness/cortex-home.ts";
import { groupBytes } from "./harness/memory.ts";
import { benchmark, type Row, type Run } from "./harness/program.ts";
import { startServer } from "./harness/server.ts";
import { interleave } from "./harness/stats.ts";
import { virtualEnvironment } from "./harness/virtual-environment.ts";
import { requireWrk, runWrk } from "./harness/wrk.ts";
import { bareForms, modelServers, type Peer, peersFolder } from "./peers/catalogue.ts";
import { startDirectReplica } from "./peers/direct-replica.ts";
import { deployIris, flower, trainModel } from "./peers/iris.ts";
import { batchingName, cortexName, directName, type Measured, peerRows } from "./peers/rows.ts";

const python = "python3.11";
const bareNames = bareForms.map(({ name }) => name);

/** Where to ask for a prediction, and how much memory what answers there takes. */
interface Subject {
  readonly name: string;
  readonly url: string;
  residentBytes(): number;
}

await benchmark("iris", async (run) => {
  await requireWrk();
  await using scope = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), "cortex-bench-"));
  scope.defer(() => rm(folder, { recursive: true, force: true }));
  const model = join(folder, "iris.joblib");
  const bare = await virtualEnvironment(python, requirementsOf("fastapi"), run.say, run.signal);
  await trainModel(join(bare, "bin/python"), model, run.signal);

  const [plain, direct, batching] = await startCortex(model, folder, scope, run);
  const peers: Subject[] = [];
  const absent: Row[] = [];
  for (const peer of [...bareForms, ...modelServers]) {
    try {
      peers.push(await startPeer(peer, { folder, model }, scope, run));
    } catch (error) {
      run.signal.throwIfAborted();
      const note = error instanceof Error ? error.message : String(error);
      run.say(`${peer.name} is left out: ${note}`);
      absent.push({ what: peer.name, figure: "not measured", note });
    }
  }
  const [first, ...rest] = peers;
  const subjects = [plain, direct, first, batching, ...rest].filter((subject) => subject !== undefined);
  return [...peerRows(await measure(subjects, run), bareNames), ...absent];
});

/** Short slices, in which those that are compared stand side by side: then what else the machine does hits both. */
async function measure(subjects: readonly Subject[], { quick, signal, say }: Run): Promise<Measured[]> {
  const [rounds, seconds] = quick ? [2, 1] : [9, 2];
  const ask = (url: string, connections: number, seconds: number) =>
    runWrk({ url, connections, seconds, body: flower, contentType: "application/json" }, signal);
  say(`warming up ${subjects.map(({ name }) => name).join("; ")}`);
  for (const { url } of subjects) await ask(url, 32, 1);

  const underLoad = (connections: number) => {
    say(`${connections === 1 ? "1 connection" : `${connections} connections`}, ${rounds} rounds of ${seconds} s each`);
    const measureOne = async ({ url, residentBytes }: Subject) => {
      const result = await ask(url, connections, seconds);
      return { ...result, residentBytes: residentBytes() };
    };
    const bySubject = Object.fromEntries(subjects.map((subject) => [subject.name, () => measureOne(subject)]));
    return interleave(rounds, bySubject, signal);
  };
  const one = await underLoad(1);
  const many = await underLoad(32);
  return subjects.map(({ name }) => ({ name, one: one[name]!, many: many[name]! }));
}

async function startCortex(
  model: string,
  folder: string,
  scope: AsyncDisposableStack,
  { say, signal }: Run,
): Promise<[Subject, Subject, Subject]> {
  const home = scope.use(await cortexHome());
  say("deploying the model with Cortex (its packages are installed once)");
  await deployIris(home, model);
  const subject = async (name: string, api: string): Promise<Subject> => {
    const [pid] = await replicaPids(home, api);
    return { name, url: `http://127.0.0.1:${home.port}/${api}`, residentBytes: () => groupBytes(pid!) };
  };
  const [pid] = await replicaPids(home, "iris");
  const { url, residentBytes } = scope.use(await startDirectReplica(pid!, folder, signal));
  const direct = { name: directName, url, residentBytes };
  return [await subject(cortexName, "iris"), direct, await subject(batchingName, "iris-batching")];
}

async function startPeer(
  peer: Peer,
  { folder, model }: { folder: string; model: string },
  scope: AsyncDisposableStack,
  run: Run,
): Promise<Subject> {
  const environment = await virtualEnvironment(python, requirementsOf(peer.requirements), run.say, run.signal);
  const bin = join(environment, "bin");
  const [port, ...spare] = [await freePort(), await freePort(), await freePort()] as const;
  const server = await startServer(
    {
      argv: peer.argv(bin, port),
      env: {
        PATH: `${bin}:${process.env.PATH}`,
        HOME: process.env.HOME ?? "/",
        PYTHONDONTWRITEBYTECODE: "1",
        PYTHONPATH: peersFolder,
        IRIS_MODEL: model,
        PORT: String(port),
        ...peer.variables?.(port, spare),
      },
      cwd: peersFolder,
      url: `http://127.0.0.1:${port}${peer.path}`,
      body: flower,
      readyWithinMs: 60_000,
      logFile: join(folder, `${port}.log`),
    },
    run.signal,
  );
  scope.use(server);
  if (!server.answer.includes("setosa")) throw new Error(`it answered ${server.answer}`);
  return { name: peer.name, url: server.url, residentBytes: server.residentBytes };
}

function requirementsOf(name: string): string {
  return join(peersFolder, `requirements-${name}.txt`);
}
