import { parseQuantity } from "../../spec/shape/amounts.ts";
import type { KubePod } from "./kube-shapes.ts";

/** Cores, bytes, devices. */
export interface Use {
  readonly cpu: number;
  readonly memory: number;
  readonly gpu: number;
  readonly inf: number;
}

export const nothing: Use = { cpu: 0, memory: 0, gpu: 0, inf: 0 };

/** What Kubernetes calls them; Inferentia of both generations. */
const infNames = ["aws.amazon.com/neuron", "aws.amazon.com/neurondevice"];

type Amounts = Readonly<Record<string, string>>;

/** What is not told, or cannot be read, is nothing. */
export function useFrom(amounts: Amounts = {}): Use {
  const count = (name: string) => parseQuantity(amounts[name] ?? "0") ?? 0;
  return {
    cpu: (parseQuantity(amounts.cpu ?? "0", 3) ?? 0) / 1000,
    memory: count("memory"),
    gpu: count("nvidia.com/gpu"),
    inf: infNames.reduce((most, name) => Math.max(most, count(name)), 0),
  };
}

/** What the scheduler keeps for a pod: of its containers and sidecars together, or of an init container that needs more. */
export function requestedBy({ spec }: Pick<KubePod, "spec">): Use {
  const requests = (container: { readonly resources?: { readonly requests?: Amounts } }) =>
    useFrom(container.resources?.requests);
  const init = spec.initContainers ?? [];
  const sidecars = init.filter(({ restartPolicy }) => restartPolicy === "Always").map(requests);
  const running = [...spec.containers.map(requests), ...sidecars].reduce(add, nothing);
  // An init container runs beside the sidecars that began before it.
  const starting = init
    .filter(({ restartPolicy }) => restartPolicy !== "Always")
    .map((container) => {
      const before = init.slice(0, init.indexOf(container)).filter(({ restartPolicy }) => restartPolicy === "Always");
      return before.map(requests).reduce(add, requests(container));
    });
  return add(starting.reduce(larger, running), useFrom(spec.overhead));
}

export function add(a: Use, b: Use): Use {
  return combine(a, b, (one, other) => one + other);
}

function larger(a: Use, b: Use): Use {
  return combine(a, b, Math.max);
}

function combine(a: Use, b: Use, by: (one: number, other: number) => number): Use {
  return {
    cpu: by(a.cpu, b.cpu),
    memory: by(a.memory, b.memory),
    gpu: by(a.gpu, b.gpu),
    inf: by(a.inf, b.inf),
  };
}

/** @returns how much of `whole` is used, by what is scarcest: 0 to 1, or above where more is used than there is */
export function shareOf(used: Use, whole: Use): number {
  const share = (one: number, all: number) => (all > 0 ? one / all : 0);
  return Math.max(
    share(used.cpu, whole.cpu),
    share(used.memory, whole.memory),
    share(used.gpu, whole.gpu),
    share(used.inf, whole.inf),
  );
}
