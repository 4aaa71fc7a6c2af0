import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { ApiPlace } from "../../src/cli/app.ts";
import { settingsIn } from "../../src/cli/settings.ts";
import type { Check } from "../../src/core/check.ts";
import type { CloudInfo, ClusterConfig, ClusterId, ClusterList } from "../../src/core/cloud-cluster.ts";
import type { AddonHealth, ClusterAdmin } from "../../src/core/cluster.ts";
import { CortexError } from "../../src/core/errors.ts";
import { parseApis } from "../../src/spec/parse-apis.ts";
import { temporaryFolder } from "../project/folder.ts";
import { cost, FakeClouds } from "./support/fake-clouds.ts";
import { expectGolden } from "./support/golden.ts";
import { runCommand } from "./support/run-command.ts";
import { apiState, realtimeApi, revision } from "./support/states.ts";

const use = (requested: number, allocatable: number) => ({ requested, allocatable });
const node = {
  name: "ip-1",
  instanceType: "m5.large",
  lifecycle: "on-demand",
  nodeGroup: "cpu",
  replicas: 3,
  cpu: use(1.25, 1.93),
  memory: use(3 * 2 ** 30, 7 * 2 ** 30),
  gpu: use(0, 0),
  inf: use(0, 0),
  perHour: 0.096,
} as const;

const info: CloudInfo = {
  cluster: { name: "cortex", region: "us-east-1" },
  status: "active",
  kubernetesVersion: "1.34",
  endpoint: "https://ABC.gr7.us-east-1.eks.amazonaws.com",
  apiEndpoint: "http://abc.elb.us-east-1.amazonaws.com",
  bucket: "cortex-1a2b3c4d",
  registry: "123456789012.dkr.ecr.us-east-1.amazonaws.com/cortex",
  nodes: [
    node,
    {
      ...node,
      name: "ip-2",
      instanceType: "g4dn.xlarge",
      lifecycle: "spot",
      nodeGroup: "gpu",
      replicas: 1,
      gpu: use(1, 1),
      perHour: 0.16,
    },
  ],
  unscheduledReplicas: 2,
  cost: {
    ...cost,
    lines: [
      { what: "EKS control plane", perHour: { min: 0.1, max: 0.1 } },
      { what: "node group cpu: 1 m5.large", perHour: { min: 0.096, max: 0.096 } },
      { what: "node group gpu: 1 g4dn.xlarge, spot" },
    ],
    perHour: { min: 0.196, max: 0.196 },
  },
  apis: [
    { namespace: "default", api: "iris", replicas: 3, perHour: 0.144 },
    { namespace: "default", api: "digits", replicas: 3, perHour: 0.03 },
  ],
  idlePerHour: 0.082,
  warnings: ["prices of the spot market are not known: no answer"],
};

const remains: CloudInfo = {
  cluster: info.cluster,
  status: "no control plane",
  kubernetesVersion: "",
  nodes: [],
  unscheduledReplicas: 0,
  cost: {
    lines: [{ what: "NAT gateway", perHour: { min: 0.045, max: 0.045 } }],
    perHour: { min: 0.045, max: 0.045 },
    pricesOf: "2026-11-20",
    isCached: true,
  },
  apis: [],
  idlePerHour: 0,
  warnings: [],
};

const checks: readonly Check[] = [
  { name: "control plane", status: "ok", message: "active, Kubernetes 1.34" },
  { name: "node group cpu", status: "warn", message: "no capacity for m5.large in us-east-1a", fix: "see the console" },
  { name: "add-on coredns", status: "fail", message: "it is degraded: no nodes", fix: "aws eks describe-addon" },
];

interface Seen {
  readonly info?: CloudInfo;
  readonly clusters?: ClusterList;
  readonly checks?: readonly Check[];
}

const config: ClusterConfig = {
  values: {
    cluster_name: "cortex",
    region: "us-east-1",
    node_groups: [{ name: "cpu", instance_type: "m5.large", instance_volume_iops: null, spot: false }],
    tags: { odd: ["$", "{NAME}"].join("") },
  },
  warnings: ["priority of node groups is not known"],
};

/** Clusters that are looked at. */
class SeenClouds extends FakeClouds {
  readonly asked: unknown[] = [];
  readonly #seen: Seen;

  constructor(seen: Seen) {
    super();
    this.#seen = seen;
  }

  override async info(id: ClusterId): Promise<CloudInfo> {
    this.asked.push(id);
    return this.#seen.info ?? info;
  }

  override async config(id: ClusterId): Promise<ClusterConfig> {
    this.asked.push(id);
    return config;
  }

  override async list(regions?: readonly string[]): Promise<ClusterList> {
    this.asked.push(regions);
    return this.#seen.clusters ?? { clusters: [], unread: [] };
  }

  override async health(id: ClusterId): Promise<readonly Check[]> {
    this.asked.push(id);
    return this.#seen.checks ?? checks;
  }
}

function adminWith(health: () => Promise<readonly AddonHealth[]>): ClusterAdmin {
  const admin: Partial<ClusterAdmin> = { health, [Symbol.asyncDispose]: async () => {} };
  return admin as ClusterAdmin;
}

/** Text that only looks like a variable. */
const literal = ["$", "{NAME}"].join("");
const named = ["-n", "cortex", "-r", "us-east-1"];

describe("cluster info", () => {
  test("shows addresses, costs, nodes, and what each API costs", async () => {
    const clouds = new SeenClouds({});
    const args = ["cluster", "info", ...named];
    await expectGolden("cluster-info", await runCommand(args, { clouds, isTerminal: true }));
    await expectGolden("cluster-info-pipe", await runCommand(args, { clouds }));
    await expectGolden("cluster-info-json", await runCommand([...args, "-o", "json"], { clouds }));
    expect(clouds.asked[0]).toEqual({ name: "cortex", region: "us-east-1" });
  });

  test("tells what is left of a cluster without a control plane", async () => {
    const clouds = new SeenClouds({ info: remains });
    await expectGolden(
      "cluster-info-remains",
      await runCommand(["cluster", "info", ...named], { clouds, isTerminal: true }),
    );
  });
});

test("`cluster info --print-config` prints a cluster.yaml, and nothing else", async () => {
  const clouds = new SeenClouds({});
  const ran = await runCommand(["cluster", "info", ...named, "--print-config"], { clouds });
  expect(ran.stdout).toBe(
    [
      "cluster_name: cortex",
      "region: us-east-1",
      "node_groups:",
      "  - name: cpu",
      "    instance_type: m5.large",
      "    spot: false",
      "tags:",
      `  odd: $${literal}`,
      "",
    ].join("\n"),
  );
  expect(ran.stderr).toBe("warning: priority of node groups is not known\n");
  const json = await runCommand(["cluster", "info", ...named, "--print-config", "-o", "json"], { clouds });
  expect(JSON.parse(json.stdout)).toMatchObject({ node_groups: [{ name: "cpu" }], tags: { odd: literal } });
});

test("`cluster info -d` saves what is known of a cluster", async () => {
  await using folder = await temporaryFolder({});
  const options = { clouds: new SeenClouds({}), workingFolder: folder.path };
  const ran = await runCommand(["cluster", "info", ...named, "-d"], options);
  expect(ran.stderr).toContain("what is known of the cluster is in cortex-debug-us-east-1-cortex.json");
  const saved = await readFile(join(folder.path, "cortex-debug-us-east-1-cortex.json"), "utf8");
  expect(JSON.parse(saved)).toMatchObject({
    info: { name: "cortex", status: info.status },
    health: checks,
    config: { cluster_name: "cortex" },
    warnings: expect.arrayContaining(["priority of node groups is not known"]),
  });
});

test("`cluster info -e` makes a cluster that is there an environment", async () => {
  await using folder = await temporaryFolder({});
  const settings = settingsIn(folder.path);
  const ran = await runCommand(["cluster", "info", ...named, "-e", "prod"], { clouds: new SeenClouds({}), settings });
  expect(ran.stderr).toContain("environment prod is configured");
  expect((await settings.read()).environments[1]).toMatchObject({
    name: "prod",
    eks: { cluster: "cortex", region: "us-east-1" },
  });
});

describe("cluster list", () => {
  const clusters: ClusterList = {
    clusters: [
      { name: "halfway", region: "eu-west-1", status: "incomplete", kubernetesVersion: "", nodes: 0 },
      { name: "cortex", region: "us-east-1", status: "active", kubernetesVersion: "1.34", nodes: 3 },
    ],
    unread: [{ region: "me-south-1", message: "ada may not eks:ListClusters" }],
  };

  test("is a row per cluster, and says what could not be read and what is only half there", async () => {
    const clouds = new SeenClouds({ clusters });
    await expectGolden("cluster-list", await runCommand(["cluster", "list"], { clouds, isTerminal: true }));
    await expectGolden("cluster-list-json", await runCommand(["cluster", "list", "-o", "json"], { clouds }));
    expect((await runCommand(["cluster", "list", "-o", "name"], { clouds })).stdout).toBe("halfway\ncortex\n");
  });

  test("says in one line what many regions refuse", async () => {
    const unread = ["a", "b", "c", "d"].map((region) => ({ region, message: `ada may not look into ${region}` }));
    const clouds = new SeenClouds({ clusters: { clusters: clusters.clusters.slice(1), unread } });
    const { stderr } = await runCommand(["cluster", "list"], { clouds });
    expect(stderr).toBe("warning: 4 regions could not be read: a, b, c, d; the first says: ada may not look into a\n");
  });

  test("looks into the regions that are named", async () => {
    const clouds = new SeenClouds({});
    const ran = await runCommand(["cluster", "list", "-r", "eu-west-1", "us-east-1"], { clouds });
    expect(clouds.asked).toEqual([["eu-west-1", "us-east-1"]]);
    expect(ran.stderr).toContain("there are no clusters of Cortex");
  });
});

describe("cluster health of a cluster on AWS", () => {
  const works = adminWith(async () => [{ name: "keda", version: "2.21.0", status: "ok", installedBy: "cortex" }]);
  const silent = adminWith(async () => {
    throw new CortexError("CLUSTER_UNREACHABLE", "https://ABC does not answer", { hint: "is its endpoint public?" });
  });

  test("shows what AWS says beside what lives inside", async () => {
    const clouds = new SeenClouds({});
    const args = ["cluster", "health", ...named];
    await expectGolden("cluster-health-aws", await runCommand(args, { clouds, cluster: works, isTerminal: true }));
    await expectGolden(
      "cluster-health-aws-json",
      await runCommand([...args, "-o", "json"], { clouds, cluster: works }),
    );
  });

  test("goes without what lives inside when the API server does not answer", async () => {
    const clouds = new SeenClouds({ checks: checks.slice(0, 1) });
    const options = { clouds, cluster: silent, isTerminal: true };
    await expectGolden("cluster-health-aws-silent", await runCommand(["cluster", "health", ...named], options));
  });

  test("is asked of the cluster of ./cluster.yaml where no environment is named", async () => {
    await using folder = await temporaryFolder({
      "cluster.yaml": "region: eu-west-1\nnode_groups: [{name: cpu, instance_type: m5.large}]\n",
    });
    const clouds = new SeenClouds({ checks: checks.slice(0, 1) });
    const ran = await runCommand(["cluster", "health"], { clouds, cluster: works, workingFolder: folder.path });
    expect(ran).toMatchObject({ status: 0 });
    expect(clouds.asked).toEqual([{ name: "cortex", region: "eu-west-1" }]);
  });

  test("is asked of an environment that is a cluster on AWS, too", async () => {
    await using folder = await temporaryFolder({});
    const settings = settingsIn(folder.path);
    const eks = { cluster: "models", region: "eu-west-1", endpoint: "https://x", certificate_authority: "" };
    const environment = { name: "prod", kind: "kubernetes", eks } as const;
    await settings.update(
      (before) => ({ ...before, environments: [...before.environments, environment] }),
      new AbortController().signal,
    );
    const clouds = new SeenClouds({ checks: checks.slice(0, 1) });
    const ran = await runCommand(["cluster", "health", "-e", "prod"], { clouds, cluster: works, settings });
    expect(ran).toMatchObject({ status: 0 });
    expect(clouds.asked).toEqual([{ name: "models", region: "eu-west-1" }]);
  });
});

describe("cluster export", () => {
  const containers = {
    ...realtimeApi("shop"),
    handler: null,
    pod: {
      port: 8080,
      max_concurrency: 1,
      max_queue_length: 100,
      containers: [
        {
          name: "api",
          image: "registry/shop:1",
          command: null,
          args: ["--greet", literal],
          env: { TOKEN: "secret-value" },
          compute: { cpu_millis: 200, mem_bytes: null, gpu: 0, inf: 0, shm_bytes: null },
          readiness_probe: null,
          liveness_probe: null,
          pre_stop: null,
        },
      ],
    },
  };
  const place = (name: string, namespace: string, changes = {}): ApiPlace => ({
    namespace,
    state: apiState(name, { revision: revision(1, { spec: { ...realtimeApi(name), ...changes } }) }),
  });

  test("writes a file per API, and no value of a variable", async () => {
    await using folder = await temporaryFolder({});
    const places = [place("iris", "default"), place("shop", "default", containers)];
    const ran = await runCommand(["cluster", "export", ...named], { places, workingFolder: folder.path });
    const target = "export-us-east-1-cortex";
    expect(ran).toEqual({ status: 0, stdout: `${target}/iris.yaml\n${target}/shop.yaml\n`, stderr: "" });
    const text = await readFile(join(folder.path, target, "iris.yaml"), "utf8");
    expect(text).not.toContain("secret-value");
    await expect(text).toMatchFileSnapshot("../golden/cluster-export-iris.golden.txt");
    const again = await runCommand(["cluster", "export", ...named], { places, workingFolder: folder.path });
    expect(again).toMatchObject({ status: 6 });
    expect(again.stderr).toContain("--to");
  });

  test("writes what can be deployed again", async () => {
    await using folder = await temporaryFolder({});
    const places = [place("shop", "default", containers)];
    await runCommand(["cluster", "export", ...named, "--to", "out"], { places, workingFolder: folder.path });
    const file = join(folder.path, "out", "shop.yaml");
    const variables = { TOKEN: "from here", NAME: "unused" };
    const { apis, warnings } = await parseApis({ file, text: await readFile(file), variables });
    expect(warnings).toEqual([]);
    expect(apis[0]).toMatchObject({
      name: "shop",
      pod: { containers: [{ args: ["--greet", literal], env: { TOKEN: "from here" } }] },
    });
  });

  test("keeps APIs of several namespaces apart", async () => {
    await using folder = await temporaryFolder({});
    const places = [place("iris", "default"), place("iris", "models")];
    await runCommand(["cluster", "export", ...named, "--to", "out"], { places, workingFolder: folder.path });
    expect((await readdir(join(folder.path, "out"), { recursive: true })).sort()).toEqual([
      "default",
      "default/iris.yaml",
      "models",
      "models/iris.yaml",
    ]);
  });

  test("of a cluster without APIs writes nothing", async () => {
    await using folder = await temporaryFolder({});
    const ran = await runCommand(["cluster", "export", ...named], { workingFolder: folder.path });
    expect(ran).toEqual({ status: 0, stdout: "", stderr: "cluster cortex in us-east-1 has no APIs\n" });
    expect(await readdir(folder.path)).toEqual([]);
  });
});
