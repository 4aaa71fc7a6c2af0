import { apiKinds } from "../api.ts";
import { list, object } from "../shape/collections.ts";
import { defaulted, optional, required, section } from "../shape/field.ts";
import type { Values } from "../shape/shape.ts";
import { boolean, choice, integer, text } from "../shape/values.ts";
import { autoscaling, updateStrategy } from "./autoscaling.ts";
import { label, served, workloads } from "./common.ts";
import { compute } from "./compute.ts";
import { handler } from "./handler.ts";
import { pod } from "./pod.ts";

const endpointHint = "use letters, digits, -, _, . and single slashes, as in /iris or /team/iris";

const endpoint = text({
  type: "path",
  limits: "at most 1000 characters",
  maxLength: 1000,
  parse(written) {
    const path = `/${written.replace(/^\//, "").replace(/\/$/, "")}`;
    const parts = path.slice(1).split("/");
    const isClean = parts.every((part) => /^[-\w.]+$/.test(part) && part !== "." && part !== "..");
    return isClean ? path : { cause: "is not a valid path", hint: endpointHint };
  },
});

const networking = object({
  endpoint: optional(endpoint, {
    description: "Path of the API, once per cluster. Paths below it are forwarded, without this prefix.",
    defaultText: "/ and the name",
    example: "endpoint: /iris",
  }),
});

const target = object(
  {
    name: required(label(42), {
      description: "A RealtimeAPI, deployed already or in this file.",
      example: "name: iris",
    }),
    weight: required(integer({ min: 0, max: 100 }), {
      description:
        "Share of the requests in percent. Those without `shadow` sum up to 100; with `shadow`, of how many it gets a copy.",
      example: "weight: 80",
    }),
    shadow: defaulted(boolean(), {
      description:
        "Gets copies of requests besides the API that answers, and its own answers are dropped; one API at most.",
      fallback: false,
      written: false,
    }),
  },
  "target",
);

/** Everything that an item of cortex.yaml may hold. */
export const apiFields = {
  name: required(label(42), { description: "Name of the API, once per file and cluster.", example: "name: iris" }),
  kind: defaulted(choice(...apiKinds), {
    description:
      "What it is: answers requests at once, from a queue, or runs as a job over batches or once; or splits traffic.",
    fallback: "RealtimeAPI",
    written: "RealtimeAPI",
  }),
  handler: optional(handler, {
    description: "A Python class to run. Either this or `pod.containers`.",
    kinds: workloads,
    example: "handler: {path: handler.py}",
  }),
  pod: section(pod, {
    description: "How many requests a replica takes, and containers where there is no handler.",
    kinds: workloads,
  }),
  compute: optional(compute, {
    description: "What one replica of a handler may use; containers have a `compute` of their own.",
    kinds: workloads,
  }),
  autoscaling: section(autoscaling, { description: "How many replicas run.", kinds: served }),
  update_strategy: section(updateStrategy, { description: "How a new revision takes over.", kinds: served }),
  networking: section(networking, { description: "Where the API is reached." }),
  node_groups: optional(list(text({ type: "name", maxLength: 63 }), { max: 100 }), {
    description: "Node groups of the cluster that may run it.",
    defaultText: "any",
    kinds: workloads,
  }),
  apis: optional(list(target, { min: 1, max: 100 }), {
    description: "APIs that the traffic is split among; a TrafficSplitter needs it.",
    kinds: ["TrafficSplitter"],
  }),
} as const;

export type ApiValues = Values<typeof apiFields>;
