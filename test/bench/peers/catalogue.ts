import { join } from "node:path";

/** A server that others would take for the same model, with one worker. */
export interface Peer {
  readonly name: string;
  /** Its requirements-*.txt. */
  readonly requirements: string;
  /** Where it takes a flower as JSON. */
  readonly path: string;
  /** @param bin the virtual environment's folder of programs */
  argv(bin: string, port: number): readonly string[];
  /** @param spare two more free ports */
  variables?(port: number, spare: readonly [number, number]): Readonly<Record<string, string>>;
}

export const peersFolder = import.meta.dirname;

/** What bare uvicorn gives in its two forms, without an access log; the better one is the mark for Cortex. */
export const bareForms: readonly Peer[] = [
  {
    name: "FastAPI (async def)",
    requirements: "fastapi",
    path: "/predict",
    argv: (bin) => [join(bin, "python"), "serve_fastapi.py", "async"],
  },
  {
    name: "FastAPI (def)",
    requirements: "fastapi",
    path: "/predict",
    argv: (bin) => [join(bin, "python"), "serve_fastapi.py"],
  },
];

/** Servers made for models, with their own defaults; those that log each request by default do so here, as Cortex does. */
export const modelServers: readonly Peer[] = [
  {
    name: "LitServe",
    requirements: "litserve",
    path: "/predict",
    argv: (bin) => [join(bin, "python"), "serve_litserve.py"],
  },
  {
    name: "BentoML",
    requirements: "bentoml",
    path: "/predict",
    argv: (bin, port) => {
      const address = ["--host", "127.0.0.1", "--port", String(port)];
      return [join(bin, "bentoml"), "serve", "serve_bentoml:Iris", ...address];
    },
    variables: () => ({ BENTOML_DO_NOT_TRACK: "true" }),
  },
  {
    name: "MLServer",
    requirements: "mlserver",
    path: "/predict",
    argv: (bin) => [join(bin, "mlserver"), "start", "."],
    variables: (port, [grpcPort, metricsPort]) => ({
      MLSERVER_HOST: "127.0.0.1",
      MLSERVER_HTTP_PORT: String(port),
      MLSERVER_GRPC_PORT: String(grpcPort),
      MLSERVER_METRICS_PORT: String(metricsPort),
      // The model in the server's own process: a worker beside it would be a second one.
      MLSERVER_PARALLEL_WORKERS: "0",
      MLSERVER_MODEL_NAME: "iris",
      MLSERVER_MODEL_IMPLEMENTATION: "serve_mlserver.Iris",
    }),
  },
  {
    name: "KServe",
    requirements: "kserve",
    path: "/v1/models/iris:predict",
    argv: (bin) => [join(bin, "python"), "serve_kserve.py"],
  },
];
