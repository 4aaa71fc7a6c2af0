import { showBytes } from "../shape/amounts.ts";
import { type Loose, withArticle } from "../shape/shape.ts";
import { exceeds, type RuleContext } from "./context.ts";

type Values = RuleContext["values"];
type ContainerValues = NonNullable<NonNullable<NonNullable<Values["pod"]>["containers"]>[number]>;
type ComputeValues = NonNullable<Values["compute"]>;

const proxyPorts = [8888, 15_000];
const proxyNames = ["proxy", "dequeuer"];

/** What runs, and what its parts may use. */
export function checkPod(context: RuleContext): void {
  const { values, report, at } = context;
  const { pod, kind, name, handler } = values;
  const containers = pod?.containers;
  if (handler === null && containers === null) {
    report.problem(at(""), "nothing says what runs", "add handler: {path: handler.py}, or pod.containers");
  }
  if (handler && containers) {
    report.problem(at("pod.containers"), "stands beside a handler; only one of them can run", "remove one of the two");
  }
  if (handler && values.compute) checkCompute(values.compute, "compute", context);
  if (!pod || !containers) return;
  if (values.compute) {
    report.problem(
      at("compute"),
      "goes with a handler; containers have their own",
      "move it to pod.containers[].compute",
    );
  }
  if (name?.startsWith("b-")) {
    report.problem(at("name"), `${name} begins with b-, which is taken with containers`, "choose another name");
  }
  if (kind === "AsyncAPI" && exceeds(pod.max_concurrency, 100)) {
    report.problem(at("pod.max_concurrency"), `${pod.max_concurrency} is out of range`, "an AsyncAPI takes 1 to 100");
  }
  checkPort(pod.port, "pod.port", context);
  checkContainers(containers, context);
}

function checkPort(port: number | null | undefined, path: string, { report, at }: RuleContext): void {
  if (typeof port === "number" && proxyPorts.includes(port)) {
    report.problem(
      at(path),
      `port ${port} is taken by the proxy beside the containers`,
      "choose another, such as 8080",
    );
  }
}

function checkContainers(containers: readonly ContainerValues[], context: RuleContext): void {
  const { report, at, values } = context;
  const names = new Set<string>();
  containers.forEach((container, index) => {
    const path = `pod.containers[${index}]`;
    const { name } = container;
    if (name !== undefined && (proxyNames.includes(name) || names.has(name))) {
      const cause = names.has(name) ? `${name} is the name of two containers` : `the name ${name} is taken`;
      report.problem(at(`${path}.name`), cause, "choose another name");
    }
    names.add(name ?? "");
    if ((values.kind === "BatchAPI" || values.kind === "TaskAPI") && container.command === null) {
      report.problem(
        at(`${path}.command`),
        `is missing: ${withArticle(values.kind)} needs it`,
        'for example command: ["python", "main.py"]',
      );
    }
    if (container.compute) checkCompute(container.compute, `${path}.compute`, context);
    checkWays(container.readiness_probe, `${path}.readiness_probe`, context);
    checkWays(container.liveness_probe, `${path}.liveness_probe`, context);
    checkWays(container.pre_stop, `${path}.pre_stop`, context);
  });
}

/** Of the ways to look at or stop a container, one is given. */
function checkWays(
  probe: Loose<ContainerValues["readiness_probe"] | ContainerValues["pre_stop"]>,
  path: string,
  { report, at }: RuleContext,
): void {
  if (!probe) return;
  const ways = ["http_get", "tcp_socket", "exec"].filter((way) => way in probe);
  const given = ways.filter((way) => (probe as Record<string, unknown>)[way] !== null);
  if (given.length === 1) return;
  const cause = given.length === 0 ? "says nothing" : `has ${given.join(" and ")}; one of them is allowed`;
  report.problem(at(path), cause, `give exactly one of ${ways.join(", ")}`);
}

function checkCompute(compute: ComputeValues, path: string, { report, at }: RuleContext): void {
  const { gpu, inf, shm, mem } = compute;
  if (exceeds(gpu, 0) && exceeds(inf, 0)) {
    report.problem(at(`${path}.inf`), "cannot go together with gpu", "remove one of the two");
  }
  if (exceeds(shm, mem)) {
    report.problem(
      at(`${path}.shm`),
      `${showBytes(shm ?? 0)} is above mem (${showBytes(mem ?? 0)})`,
      "raise mem or lower shm",
    );
  }
}
