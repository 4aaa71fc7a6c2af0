import { list, object } from "../shape/collections.ts";
import { defaulted, optional, required, section } from "../shape/field.ts";
import { anyText, integer, text } from "../shape/values.ts";
import { image, label, realtime, served, variablesMap, workloads } from "./common.ts";
import { compute } from "./compute.ts";

const port = integer({ min: 1, max: 65_535 });
const words = list(anyText(), { min: 1 });

const httpGet = object({
  port: required(port, { description: "Port to ask.", example: "port: 8080" }),
  path: defaulted(text(), { description: "Path to ask for.", fallback: "/", written: "/" }),
});
const tcpSocket = object({ port: required(port, { description: "Port to connect to.", example: "port: 8080" }) });
const exec = object({
  command: required(words, { description: "Command to run; it must end with 0.", example: 'command: ["true"]' }),
});

const seconds = (description: string, fallback: number, min = 1) =>
  defaulted(integer({ min, max: 86_400 }), { description, fallback, written: fallback });

const probe = (execKinds: typeof realtime) =>
  object({
    http_get: optional(httpGet, { description: "Asks the container over HTTP; 200 to 399 is well." }),
    tcp_socket: optional(tcpSocket, { description: "Opens a connection to the container." }),
    exec: optional(exec, { description: "Runs a command in the container.", kinds: execKinds }),
    initial_delay_seconds: seconds("Time before the first look.", 0, 0),
    timeout_seconds: seconds("Time after which a look has failed.", 1),
    period_seconds: seconds("Time between two looks.", 10),
    success_threshold: seconds("Looks in a row that must go well after a failure.", 1),
    failure_threshold: seconds("Looks in a row that must fail.", 3),
  });

const preStop = object({
  http_get: optional(httpGet, { description: "Asks the container over HTTP before it is stopped." }),
  exec: optional(exec, { description: "Runs a command in the container before it is stopped." }),
});

const container = object(
  {
    name: required(label(63), {
      description: "Name, once per API; `proxy` and `dequeuer` are taken.",
      example: "name: api",
    }),
    image: required(image(), { description: "Container image.", example: "image: quay.io/my-org/my-api:1.0" }),
    command: optional(words, {
      description: "Replaces the image's entrypoint. BatchAPI and TaskAPI need it.",
      example: 'command: ["python", "main.py"]',
    }),
    args: optional(words, { description: "Replaces the image's arguments." }),
    env: defaulted(variablesMap(["CORTEX_", "KUBEXIT_"]), {
      description: "Environment variables. Names that begin with CORTEX_ or KUBEXIT_ are reserved.",
      fallback: {},
      written: {},
    }),
    compute: section(compute, { description: "What this container may use." }),
    readiness_probe: optional(probe(realtime), {
      description: "Tells when the container can take requests; exactly one way to look.",
      kinds: ["RealtimeAPI", "AsyncAPI", "BatchAPI"],
    }),
    liveness_probe: optional(probe(workloads), {
      description: "Tells when the container must be restarted; exactly one way to look.",
    }),
    pre_stop: optional(preStop, {
      description: "What happens before the container is stopped; one of the two.",
      kinds: served,
    }),
  },
  "container",
);

export const pod = object({
  port: optional(integer({ min: 1, max: 65_535 }), {
    description: "Port that the containers listen on, handed to them as CORTEX_PORT. 8888 and 15000 are taken.",
    defaultText: "8080 with containers",
    kinds: ["RealtimeAPI", "AsyncAPI", "BatchAPI"],
  }),
  max_concurrency: optional(integer({ min: 1, max: 30_000 }), {
    description: "Most requests in-flight in one replica; 100 at most for an AsyncAPI.",
    defaultText: "processes_per_replica x threads_per_process of a handler, 1 with containers",
    kinds: served,
  }),
  max_queue_length: optional(integer({ min: 0, max: 65_535 }), {
    description: "Most requests waiting per replica; more are answered with 503.",
    defaultText: "100",
    kinds: realtime,
  }),
  containers: optional(list(container, { min: 1, max: 20 }), {
    description: "Containers to run instead of a handler. Only clusters run them.",
  }),
});
