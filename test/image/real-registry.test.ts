import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cp, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import type { ImageEvent } from "../../src/image/image.ts";
import { imageBuilder } from "../../src/image/image-builder.ts";
import { installation } from "../../src/platform/installation.ts";
import { readProject } from "../../src/project/read-project.ts";
import { eventually } from "../support/cortex.ts";
import { handler, noAbort } from "./support/scene.ts";

/** Host and port of a registry that may be written to, and that has `library/python:3.11-slim`. */
const registry = process.env.CORTEX_TEST_REGISTRY;
/** Of a disposable cluster that pulls from that registry. */
const kubeconfig = process.env.CORTEX_TEST_KUBECONFIG;
const example = resolve(import.meta.dirname, "../../examples/iris");
const sample = { sepal_length: 5.2, sepal_width: 3.6, petal_length: 1.4, petal_width: 0.3 };

describe.skipIf(!registry)("the iris example (needs CORTEX_TEST_REGISTRY)", { timeout: 300_000 }, () => {
  /** A copy of the example, pushed once. */
  async function pushed() {
    const folder = await mkdtemp(join(tmpdir(), "cortex-iris-"));
    const project = join(folder, "project");
    await cp(example, project, { recursive: true });
    const repository = `${registry}/cortex-test/${randomBytes(4).toString("hex")}`;
    const home = join(folder, "home");
    const push = async () => {
      const events: ImageEvent[] = [];
      const { version, files } = installation();
      const runtime = await files(home, noAbort);
      const builder = imageBuilder({ home, variables: process.env, installation: { version, ...runtime } });
      const read = await readProject(project, { configFile: "cortex.yaml", signal: noAbort });
      const baseImage = `${registry}/library/python:3.11-slim`;
      const input = { project: read, handler, architecture: "amd64", repository, baseImage };
      const image = await builder.build(input, (event) => events.push(event), noAbort);
      await builder.push(image, (event) => events.push(event), noAbort);
      const last = events.findLast((one) => one.type === "upload");
      return { image, sentBytes: last?.sentBytes ?? 0 };
    };
    return {
      project,
      push,
      first: await push(),
      [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
    };
  }

  test("is pushed, and again for changed code with at most 64 KiB", async () => {
    await using iris = await pushed();
    expect(iris.first.sentBytes).toBeGreaterThan(10 << 20);
    expect((await iris.push()).sentBytes).toBe(0);
    await writeFile(join(iris.project, "more.py"), "answer = 42\n");
    const second = await iris.push();
    expect(second.image.reference).not.toBe(iris.first.image.reference);
    expect(second.sentBytes).toBeGreaterThan(0);
    expect(second.sentBytes).toBeLessThan(64 * 1024);
  });

  test.skipIf(!kubeconfig)("answers in a cluster as user 1000 (needs CORTEX_TEST_KUBECONFIG)", async () => {
    await using iris = await pushed();
    await using cluster = await namespace();
    const settings = {
      ...{ api: "iris", revision: 1, replica: "test", project_dir: "/cortex/project" },
      ...{ site_packages: ["/cortex/packages"], wheels_dir: "/cortex/wheels" },
      ...{ listen: [{ host: "0.0.0.0", port: 8080 }], handler: { path: "handler.py" } },
    };
    const container = {
      ...{ name: "api", image: iris.first.image.reference },
      env: [{ name: "CORTEX_REPLICA", value: JSON.stringify(settings) }],
      securityContext: {
        ...{ runAsNonRoot: true, runAsUser: 1000, allowPrivilegeEscalation: false },
        ...{ capabilities: { drop: ["ALL"] }, seccompProfile: { type: "RuntimeDefault" } },
      },
    };
    await cluster.create({
      ...{ apiVersion: "v1", kind: "Pod", metadata: { name: "iris" } },
      spec: { terminationGracePeriodSeconds: 1, containers: [container] },
    });
    const answer = await eventually(async () => {
      const { status } = JSON.parse(await cluster.kubectl("get", "pod", "iris", "-o", "json"));
      const response = await fetch(`http://${status.podIP}:8080/`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(sample),
        signal: AbortSignal.timeout(5_000),
      });
      return response.text();
    }, 120_000);
    expect(answer).toContain("setosa");
  });
});

async function namespace() {
  const name = `image-test-${randomBytes(3).toString("hex")}`;
  const options = { env: { ...process.env, KUBECONFIG: kubeconfig } };
  const run = async (...args: string[]) => (await promisify(execFile)("kubectl", args, options)).stdout;
  const kubectl = (...args: string[]) => run("-n", name, ...args);
  await run("create", "namespace", name);
  return {
    kubectl,
    async create(object: object) {
      const file = join(tmpdir(), `${name}.json`);
      await writeFile(file, JSON.stringify(object));
      await kubectl("create", "-f", file);
      await rm(file);
    },
    [Symbol.asyncDispose]: async () => void (await run("delete", "namespace", name, "--wait=false")),
  };
}
