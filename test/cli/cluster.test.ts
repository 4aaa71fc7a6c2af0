import { describe, expect, test } from "vitest";
import type { AddonHealth, AddonPlan, ClusterAdmin, InstallPlan, UninstallPlan } from "../../src/core/cluster.ts";
import { CortexError } from "../../src/core/errors.ts";
import { expectGolden } from "./support/golden.ts";
import { runCommand } from "./support/run-command.ts";

const addon = (name: AddonPlan["name"], action: AddonPlan["action"], more: Partial<AddonPlan> = {}): AddonPlan => ({
  name,
  action,
  version: "v1.2.3",
  notes: [],
  objects: action === "install" ? [{ kind: "Namespace" }] : [],
  isAwaited: action === "install",
  ...more,
});

const fresh: InstallPlan = {
  addons: [
    addon("gateway-api", "install"),
    addon("gateway", "install", { where: "cortex-system/cortex" }),
    addon("keda", "use", { where: "ops/keda", notes: ["it does not work now"] }),
  ],
  before: [],
  after: [],
  settings: { gateway: "cortex-system/cortex" },
  isWrittenDown: false,
  gateway: "cortex-system/cortex",
};
const done: InstallPlan = {
  ...fresh,
  addons: [addon("gateway-api", "keep"), addon("gateway", "keep")],
  isWrittenDown: true,
};
const used: UninstallPlan = {
  addons: [
    { name: "keda", objects: 23 },
    { name: "settings", objects: 4 },
  ],
  apis: ["models/iris"],
  uses: [
    { addon: "keda", object: "ScaledObject models/iris", api: "models/iris" },
    { addon: "keda", object: "ScaledObject shop/theirs" },
  ],
};

class FakeCluster implements ClusterAdmin {
  readonly name = "prod";
  readonly context = "eks";
  readonly calls: string[] = [];
  readonly plan: InstallPlan;
  readonly failure: CortexError | undefined;
  readonly uninstallPlan: UninstallPlan;
  readonly rows: readonly AddonHealth[];

  constructor(options: {
    plan?: InstallPlan;
    failure?: CortexError;
    used?: UninstallPlan;
    rows?: readonly AddonHealth[];
  }) {
    this.plan = options.plan ?? fresh;
    this.failure = options.failure;
    this.uninstallPlan = options.used ?? used;
    this.rows = options.rows ?? [];
  }

  async planInstall(): Promise<InstallPlan> {
    return this.plan;
  }

  async install(...[plan, , onEvent]: Parameters<ClusterAdmin["install"]>) {
    this.calls.push("install");
    onEvent({ addon: "gateway-api", phase: "applying", detail: "12 objects" });
    onEvent({ addon: "gateway-api", phase: "ready" });
    const failures = this.failure ? [{ addon: "gateway" as const, error: this.failure }] : [];
    return { gateway: plan.gateway!, address: "http://203.0.113.7", failures };
  }

  async planUninstall(): Promise<UninstallPlan> {
    return this.uninstallPlan;
  }

  async uninstall(): Promise<void> {
    this.calls.push("uninstall");
  }

  async health(): Promise<readonly AddonHealth[]> {
    return this.rows;
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

describe("cluster install", () => {
  test("asks before it brings anything, and says what it would bring", async () => {
    const cluster = new FakeCluster({});
    await expectGolden(
      "cluster-install-no",
      await runCommand(["cluster", "install"], { cluster, isTerminal: true, answers: ["n"] }),
    );
    expect(cluster.calls).toEqual([]);
    const unattended = await runCommand(["cluster", "install"], { cluster });
    expect(unattended).toMatchObject({ status: 2 });
    expect(unattended.stderr).toContain("add -y to agree beforehand");
  });

  test("tells what it does and what came of it", async () => {
    await expectGolden(
      "cluster-install",
      await runCommand(["cluster", "install", "-y"], { cluster: new FakeCluster({}) }),
    );
    await expectGolden(
      "cluster-install-json",
      await runCommand(["cluster", "install", "-y", "-o", "json"], { cluster: new FakeCluster({}) }),
    );
  });

  test("does not ask where nothing is to be done", async () => {
    const ran = await runCommand(["cluster", "install"], { cluster: new FakeCluster({ plan: done }) });
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.stderr).toContain("nothing to do: all of it is there");
  });

  test("ends with the failure of an add-on, the others shown as they are", async () => {
    const failure = new CortexError("TIMED_OUT", "gateway is not ready: waits", { hint: "run it again" });
    await expectGolden(
      "cluster-install-failed",
      await runCommand(["cluster", "install", "-y"], { cluster: new FakeCluster({ failure }) }),
    );
  });

  test("with --dry-run changes nothing", async () => {
    const cluster = new FakeCluster({});
    await expectGolden("cluster-install-dry-run", await runCommand(["cluster", "install", "--dry-run"], { cluster }));
    const objects = await runCommand(["cluster", "install", "--dry-run", "-o", "yaml"], { cluster });
    expect(objects.stdout).toBe("---\nkind: Namespace\n---\nkind: Namespace\n");
    expect(cluster.calls).toEqual([]);
  });

  test("prints the rights that are needed without speaking to a cluster", async () => {
    await expectGolden("cluster-install-print-rbac", await runCommand(["cluster", "install", "--print-rbac"]));
  });

  test.for([
    [["--gateway", "public"], "is no NAMESPACE/NAME"],
    [["--gateway", "infra/public", "--gateway-class", "cilium"], "give one of them"],
    [["--certificate", "a/b/c"], "is no [NAMESPACE/]SECRET"],
    [["--skip", "kedaa"], "there are: gateway-api"],
    [["-o", "yaml"], "needs --dry-run"],
  ] as const)("refuses %j", async ([args, cause]) => {
    const ran = await runCommand(["cluster", "install", ...args], { cluster: new FakeCluster({}) });
    expect(ran).toMatchObject({ status: 2 });
    expect(ran.stderr).toContain(cause);
  });
});

describe("cluster uninstall", () => {
  test("says who uses what would go, and goes ahead only when told", async () => {
    const cluster = new FakeCluster({});
    const args = ["cluster", "uninstall"];
    await expectGolden("cluster-uninstall-no", await runCommand(args, { cluster, isTerminal: true, answers: ["n"] }));
    expect((await runCommand(args, { cluster })).stderr).toContain("add -y to agree beforehand");
    expect(cluster.calls).toEqual([]);
    expect(await runCommand([...args, "-y"], { cluster })).toMatchObject({
      status: 0,
      stdout: "removed keda, settings\n",
    });
  });

  test("of nothing does nothing", async () => {
    const cluster = new FakeCluster({ used: { addons: [], apis: [], uses: [] } });
    const ran = await runCommand(["cluster", "uninstall"], { cluster });
    expect(ran).toEqual({ status: 0, stdout: "", stderr: "nothing of Cortex's is installed in this cluster\n" });
  });
});

describe("cluster health", () => {
  const rows: readonly AddonHealth[] = [
    { name: "gateway-api", version: "v1.6.1", status: "ok", installedBy: "cortex" },
    {
      name: "keda",
      version: "2.21.0",
      status: "down",
      installedBy: "cortex",
      warning: "keda-operator starts",
      hint: "see its log",
    },
    {
      name: "prometheus",
      version: "",
      status: "missing",
      installedBy: "",
      warning: "APIs scale on CPU",
      hint: "cortex cluster install",
    },
  ];

  test("is a row per component, and a failure when something is down", async () => {
    const cluster = new FakeCluster({ rows });
    await expectGolden("cluster-health", await runCommand(["cluster", "health"], { cluster, isTerminal: true }));
    await expectGolden("cluster-health-json", await runCommand(["cluster", "health", "-o", "json"], { cluster }));
  });

  test("of what is only missing is none: APIs do without", async () => {
    const cluster = new FakeCluster({ rows: rows.filter(({ status }) => status !== "down") });
    expect(await runCommand(["cluster", "health"], { cluster })).toMatchObject({ status: 0 });
  });
});
