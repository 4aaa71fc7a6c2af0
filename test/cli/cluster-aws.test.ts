import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { settingsIn } from "../../src/cli/settings.ts";
import type { Check } from "../../src/core/check.ts";
import { CortexError } from "../../src/core/errors.ts";
import { temporaryFolder } from "../project/folder.ts";
import { change, FakeClouds, type FakeCloudsOptions, nothingPlan, upPlan } from "./support/fake-clouds.ts";
import { expectGolden } from "./support/golden.ts";
import { type RunOptions, runCommand } from "./support/run-command.ts";

const clusterYaml = "region: us-east-1\nnode_groups: [{name: cpu, instance_type: m5.large}]\n";

/** A folder with a cluster.yaml, a home of its own, and made-up clusters. */
async function place(
  options: FakeCloudsOptions = {},
  files: Readonly<Record<string, string>> = { "cluster.yaml": clusterYaml },
) {
  const folder = await temporaryFolder(files);
  const clouds = new FakeClouds(options);
  const settings = settingsIn(join(folder.path, "home"));
  return {
    clouds,
    settings,
    path: folder.path,
    cortex: (args: string, more: RunOptions = {}) =>
      runCommand(args.split(" "), { clouds, settings, workingFolder: folder.path, ...more }),
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}

describe("cluster up", () => {
  test("shows what would be made and what it costs, and makes nothing without a yes", async () => {
    await using at = await place();
    await expectGolden("cluster-up-no", await at.cortex("cluster up", { isTerminal: true, answers: ["n"] }));
    expect(at.clouds.calls).toEqual(["planUp"]);
    const unattended = await at.cortex("cluster up cluster.yaml");
    expect(unattended).toMatchObject({ status: 2 });
    expect(unattended.stderr).toContain("add -y to agree beforehand");
  });

  test("makes the cluster and configures an environment that is called as the cluster is", async () => {
    await using at = await place();
    await expectGolden("cluster-up", await at.cortex("cluster up cluster.yaml -y"));
    expect((await at.settings.read()).environments[1]).toEqual({
      name: "cortex",
      kind: "kubernetes",
      registry: "123456789012.dkr.ecr.us-east-1.amazonaws.com/cortex",
      eks: {
        cluster: "cortex",
        region: "us-east-1",
        endpoint: "https://ABC.gr7.us-east-1.eks.amazonaws.com",
        certificate_authority: Buffer.from("-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n").toString(
          "base64",
        ),
      },
    });
  });

  test("says what it takes over from a run that was killed", async () => {
    await using at = await place({ note: "cortex cluster up of ann on laptop has ended: going on from what it left" });
    for (const isTerminal of [true, false]) {
      const ran = await at.cortex("cluster up -y", { isTerminal });
      expect(ran.stderr).toContain("cortex cluster up of ann on laptop has ended: going on from what it left\n");
    }
    expect((await at.cortex("cluster up -y -o json")).stderr).toBe("");
  });

  test("prints one document for a program", async () => {
    await using at = await place();
    const ran = await at.cortex("cluster up -y -o json -e production", { variables: { AWS_PROFILE: "work" } });
    await expectGolden("cluster-up-json", ran);
    expect((await at.settings.read()).environments[1]).toMatchObject({ name: "production", eks: { profile: "work" } });
  });

  test("of a cluster that is as it should be asks nothing, and configures its environment", async () => {
    await using at = await place({ plan: nothingPlan });
    const ran = await at.cortex("cluster up");
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.stderr).toContain("cluster cortex in us-east-1 is already up to date");
    expect((await at.settings.read()).environments.map(({ name }) => name)).toEqual(["local", "cortex"]);
  });

  test("ends with the status of what failed, and says how to go on", async () => {
    const error = new CortexError("NO_CAPACITY", "AWS has no p4d.24xlarge in us-east-1a now", { hint: "add a zone" });
    await using at = await place({ outcome: { failures: [{ id: "node-group/gpu", title: "node group", error }] } });
    await expectGolden("cluster-up-failed", await at.cortex("cluster up -y"));
    const json = await at.cortex("cluster up -y -o json");
    expect(JSON.parse(json.stdout)).toMatchObject({
      endpoint: "https://ABC.gr7.us-east-1.eks.amazonaws.com",
      environment: "cortex",
      failures: [{ id: "node-group/gpu", title: "node group", error: { code: "NO_CAPACITY" } }],
    });
    expect(json.status).toBe(7);
  });

  test("shows where in the file what failed is asked for", async () => {
    const refused = (message: string) => new CortexError("NOT_SUPPORTED", message);
    const failures = [
      { id: "node-group/cpu", title: "node group", field: "node_groups.cpu", error: refused("AWS will not have it") },
      {
        id: "node-group/cpu",
        title: "node group",
        error: refused("node_groups.cpu.instance_type is a and cannot become b"),
      },
      {
        id: "node-group/gone",
        title: "node group",

        error: refused("it is not in the file"),
      },
    ];
    await using at = await place({ outcome: { failures } });
    const { stderr } = await at.cortex("cluster up -y");
    expect(stderr).toContain("error: cluster.yaml:2:15: node group cpu: AWS will not have it\n");
    expect(stderr).toContain("error: cluster.yaml:2:42: node_groups.cpu.instance_type is a and cannot become b\n");
    expect(stderr).toContain("error: node group gone: it is not in the file\n");
    const json = await at.cortex("cluster configure -y -o json");
    expect(JSON.parse(json.stdout).failures[0].error.at).toMatchObject({ file: "cluster.yaml", line: 2, column: 15 });
  });

  test("tells once what stopped several parts", async () => {
    const error = new CortexError("NOT_AUTHORISED", "the AWS credentials have expired", { hint: "log in again" });
    const failures = [
      { id: "vpc", title: "VPC", error },
      { id: "role/nodes", title: "IAM role", error },
      { id: "bucket", title: "bucket", error },
    ];
    await using at = await place({ outcome: { failures } });
    const { stderr, status } = await at.cortex("cluster up -y");
    expect(stderr.match(/expired/g)).toHaveLength(1);
    expect(stderr).toContain(
      "error: VPC, IAM role nodes, bucket: the AWS credentials have expired\nhint: log in again",
    );
    expect(stderr).toContain("3 parts failed");
    expect(status).toBe(3);
  });

  test("looks at the end whether all of it works, and tells what does not", async () => {
    const checks: readonly Check[] = [
      { name: "control plane", status: "ok", message: "active, Kubernetes 1.34" },
      { name: "add-on coredns", status: "fail", message: "it is degraded", fix: "see its pods" },
    ];
    await using at = await place({ checks });
    const ran = await at.cortex("cluster up -y");
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain("warning: add-on coredns: it is degraded\nhint: see its pods\n");
    expect(JSON.parse((await at.cortex("cluster up -y -o json")).stdout).health).toEqual([
      { name: "control plane", status: "ok", message: "active, Kubernetes 1.34" },
      { name: "add-on coredns", status: "fail", message: "it is degraded" },
    ]);
  });

  test("that cannot be says all reasons, also for a program", async () => {
    const refusal = new CortexError("NO_CAPACITY", "2 problems", {
      problems: [
        { message: "quota of VPCs is used up: 5 of 5", hint: "ask for more" },
        { message: "no right ec2:CreateVpc" },
      ],
    });
    await using at = await place({ refusal });
    const ran = await at.cortex("cluster up -y -o json");
    expect(ran.status).toBe(7);
    expect(JSON.parse(ran.stdout).error.problems).toHaveLength(2);
    expect(ran.stderr).toContain(
      "error: quota of VPCs is used up: 5 of 5\nhint: ask for more\nerror: no right ec2:CreateVpc",
    );
  });

  test("that cannot be for a field says where it stands", async () => {
    const refusal = new CortexError("SPEC_INVALID", "2 things stand against cluster cortex in us-east-1", {
      problems: [
        { message: "node_groups.cpu.instance_type: there is no m5.large in us-east-1", hint: "choose another" },
        { message: "vpc_cidr is 192.168.0.0/16 and cannot become 10.0.0.0/16" },
      ],
    });
    await using at = await place({ refusal });
    const { stderr } = await at.cortex("cluster up -y");
    expect(stderr).toContain("error: cluster.yaml:2:42: node_groups.cpu.instance_type: there is no m5.large");
    expect(stderr).toContain("error: vpc_cidr is 192.168.0.0/16");
  });

  test("that is interrupted says what it leaves and that it goes on", async () => {
    let interrupt = () => {};
    await using at = await place({ onApply: async () => interrupt() });
    const ran = await at.cortex("cluster up -y", {
      onWrite: (_, stop) => {
        interrupt = stop;
      },
    });
    expect(ran.status).toBe(130);
    expect(ran.stderr).toContain(
      "interrupted; what is made so far stays, and what AWS is making goes on; " +
        "run the same command again to go on, or `cortex cluster down -n cortex -r us-east-1` to remove it",
    );
  });

  test("without a file asks a person for the least, again where an answer cannot be, and writes the file", async () => {
    await using at = await place({}, {});
    const answers = ["eu-west-1", "m5", "c5.xlarge", "2", "1", "3", "y"];
    await expectGolden("cluster-up-asks", await at.cortex("cluster up", { isTerminal: true, answers }));
    expect(await readFile(join(at.path, "cluster.yaml"), "utf8")).toBe(
      "cluster_name: cortex\nregion: eu-west-1\nnode_groups:\n  - name: default\n    instance_type: c5.xlarge\n" +
        "    min_instances: 2\n    max_instances: 3\n",
    );
    expect(at.clouds.planned[0]).toMatchObject({ region: "eu-west-1", node_groups: [{ instance_type: "c5.xlarge" }] });
  });

  test("without a file takes no instance type that the file would be refused for", async () => {
    await using at = await place({}, {});
    const answers = ["us-eats-1", "us-east-1", "m5.nope", "t3.nano", "m5.large", "1", "2", "n"];
    const { stderr } = await at.cortex("cluster up", { isTerminal: true, answers });
    expect(stderr).toContain("did you mean us-east-1?");
    expect(stderr).toContain("m5.nope has no size that there is");
    expect(stderr).toContain("t3.nano is too small to run anything");
    expect(await readFile(join(at.path, "cluster.yaml"), "utf8")).toContain("instance_type: m5.large\n");
  });

  test("without a file where nobody can be asked names what is missing, and writes none", async () => {
    await using at = await place({}, {});
    const ran = await at.cortex("cluster up");
    expect(ran).toMatchObject({ status: 2 });
    expect(ran.stderr).toContain("name a file: cortex cluster up FILE");
    expect(existsSync(join(at.path, "cluster.yaml"))).toBe(false);
    expect((await at.cortex("cluster up other.yaml")).status).toBe(4);
  });

  test("asks before it makes another thing of an environment that is there", async () => {
    await using at = await place();
    await at.cortex("env configure cortex --context eks");
    const refused = await at.cortex("cluster up", { isTerminal: true, answers: ["n"] });
    expect(refused).toMatchObject({ status: 130 });
    expect(refused.stderr).toContain(
      "there is an environment cortex already (context eks); should it become this cluster?",
    );
    expect(at.clouds.calls).toEqual([]);
    expect(await at.cortex("cluster up -y")).toMatchObject({ status: 0 });
    expect((await at.settings.read()).environments[1]).not.toHaveProperty("context");
  });

  test("keeps what was said of the same cluster before", async () => {
    await using at = await place();
    await at.cortex("cluster up -y");
    await at.cortex("env configure cortex --namespace models");
    await at.cortex("cluster up -y");
    expect((await at.settings.read()).environments[1]).toMatchObject({
      namespace: "models",
      eks: { cluster: "cortex" },
    });
  });

  test("warns of what a file says that has no meaning any more", async () => {
    await using at = await place({}, { "cluster.yaml": `${clusterYaml}telemetry: false\nimage_operator: x\n` });
    const ran = await at.cortex("cluster up -y");
    expect(ran.stderr).toContain("warning: cluster.yaml:3:1: telemetry: is not used any more, nor image_operator");
  });
});

describe("cluster diff and configure", () => {
  test("diff shows what would change, with status 1", async () => {
    await using at = await place();
    await expectGolden("cluster-diff", await at.cortex("cluster diff"));
    await expectGolden("cluster-diff-json", await at.cortex("cluster diff -o json"));
    expect(at.clouds.calls).toEqual(["planConfigure", "planConfigure"]);
  });

  test("diff of a cluster that is as it should be is status 0", async () => {
    await using at = await place({ plan: nothingPlan });
    expect(await at.cortex("cluster diff")).toEqual({
      status: 0,
      stdout: "",
      stderr: "cluster cortex in us-east-1 is already up to date\n",
    });
  });

  test("configure changes what diff shows, after a yes, and leaves the environments alone", async () => {
    await using at = await place();
    await expectGolden("cluster-configure", await at.cortex("cluster configure", { isTerminal: true, answers: ["y"] }));
    expect(at.clouds.calls).toEqual(["planConfigure", "apply"]);
    expect((await at.settings.read()).environments).toHaveLength(1);
  });

  test("configure of what is not there says so, with status 4", async () => {
    const refusal = new CortexError("ENVIRONMENT_NOT_FOUND", "there is no cluster cortex in us-east-1");
    await using at = await place({ refusal });
    expect(await at.cortex("cluster configure -y")).toMatchObject({ status: 4 });
  });
});

test.for(["up", "diff", "configure"])("cluster %s refuses two files", async (command) => {
  await using at = await place();
  const ran = await at.cortex(`cluster ${command} cluster.yaml -c other.yaml`);
  expect(ran).toMatchObject({ status: 2 });
  expect(ran.stderr).toContain("two files are given: cluster.yaml, and other.yaml with -c");
  expect(at.clouds.calls).toEqual([]);
});

test("cluster upgrade names the cluster and the version", async () => {
  await using at = await place();
  const ran = await at.cortex("cluster upgrade -n shop -r eu-west-1 --version 1.35 -y");
  expect(ran).toMatchObject({ status: 0 });
  expect(at.clouds.calls).toEqual(["planUpgrade shop eu-west-1 1.35", "apply"]);
});

describe("cluster down", () => {
  test("shows what goes, asks, removes it, and forgets the environment", async () => {
    await using at = await place();
    await at.cortex("cluster up -y");
    await at.cortex("env default cortex");
    await expectGolden("cluster-down", await at.cortex("cluster down", { isTerminal: true, answers: ["y"] }));
    expect(at.clouds.calls.slice(-2)).toEqual(["planDown cortex us-east-1 all", "down"]);
    expect(await at.settings.read()).toEqual({
      default_environment: "local",
      environments: [{ name: "local", kind: "local" }],
    });
  });

  test("removes nothing without a yes", async () => {
    await using at = await place();
    expect(await at.cortex("cluster down", { isTerminal: true, answers: ["n"] })).toMatchObject({ status: 130 });
    expect(await at.cortex("cluster down")).toMatchObject({ status: 2 });
    expect(at.clouds.calls).not.toContain("down");
  });

  test("says what is left and what it costs, and keeps the environment", async () => {
    await using at = await place({
      downOutcome: {
        left: [
          { what: "load balancer", label: "a1b2", perHour: 0.0225 },
          { what: "volume", label: "vol-1" },
        ],
      },
    });
    await at.cortex("cluster up -y");
    await expectGolden("cluster-down-left", await at.cortex("cluster down -y"));
    expect((await at.settings.read()).environments).toHaveLength(2);
  });

  test("keeps what is stored when it is told", async () => {
    await using at = await place({
      downOutcome: {
        kept: [
          { what: "bucket", label: "cortex-0a1b2c3d" },
          { what: "volume of 10 GB", label: "vol-1", perHour: 0.0011 },
        ],
      },
    });
    await expectGolden(
      "cluster-down-kept",
      await at.cortex("cluster down -y --keep-aws-resources -n cortex -r us-east-1"),
    );
    await expectGolden("cluster-down-json", await at.cortex("cluster down -y --keep-aws-resources -o json"));
    expect(at.clouds.calls[0]).toBe("planDown cortex us-east-1 keeping");
  });

  test.for([
    ["-c cluster.yaml -n shop", "give either -c FILE, or -n NAME -r REGION"],
    ["-n shop", "add -r REGION, or set AWS_REGION"],
    ["-r us-east-1", "add -n NAME"],
  ] as const)("refuses %s", async ([flags, hint]) => {
    await using at = await place();
    const ran = await at.cortex(`cluster down ${flags}`);
    expect(ran).toMatchObject({ status: 2 });
    expect(ran.stderr).toContain(hint);
  });

  test.for([
    ["cluster down -n four -r ", '-r "" is no AWS region', "for example us-east-1"],
    ["cluster down -n four -r us-eats-1", '-r "us-eats-1" is no AWS region', "did you mean us-east-1?"],
    ["cluster info -n four -r mars-1", '-r "mars-1" is no AWS region', "for example us-east-1"],
    ["cluster list -r us-east-1 eu-wset-1", '-r "eu-wset-1" is no AWS region', "did you mean eu-west-1?"],
    ["cluster health -n  -r us-east-1", '-n "" is no name of a cluster', "3 to 54 lower case letters"],
    ["cluster upgrade -n My_Cluster -r us-east-1", '-n "My_Cluster" is no name', "3 to 54 lower case letters"],
    ["cluster iam-policy -n X", '-n "X" is no name of a cluster', "3 to 54 lower case letters"],
    ["cluster iam-policy -r useast1", '-r "useast1" is no AWS region', "did you mean us-east-1?"],
  ] as const)("refuses %s before AWS is asked", async ([args, message, hint]) => {
    await using at = await place();
    const ran = await at.cortex(args);
    expect(ran).toMatchObject({ status: 2 });
    expect(ran.stderr).toContain(message);
    expect(ran.stderr).toContain(hint);
    expect(at.clouds.calls).toEqual([]);
  });

  test("takes a region that is newer than this release, and refuses a slip in AWS_REGION", async () => {
    await using at = await place({}, {});
    expect(await at.cortex("cluster down -n shop -r eu-west-9 -y")).toMatchObject({ status: 0 });
    const ran = await at.cortex("cluster down -n shop -y", { variables: { AWS_REGION: "eu-wset-1" } });
    expect(ran).toMatchObject({ status: 2 });
    expect(ran.stderr).toContain('AWS_REGION="eu-wset-1" is no AWS region');
  });

  test("takes the region from where AWS keeps it, and asks for a name where no file says it", async () => {
    await using at = await place({}, {});
    await at.cortex("cluster down -n shop -y", { variables: { AWS_REGION: "eu-west-1" } });
    expect(at.clouds.calls[0]).toBe("planDown shop eu-west-1 all");
    const ran = await at.cortex("cluster down -y");
    expect(ran).toMatchObject({ status: 2 });
    expect(ran.stderr).toContain("give -c FILE, or -n NAME -r REGION");
  });
});

test("a plan shows its warnings, and what is replaced", async () => {
  const plan = {
    ...upPlan,
    changes: [change("node-group/cpu", "node group", { action: "replace", label: "cpu" })],
    warnings: ["spot instances may be taken away at any time"],
  };
  await using at = await place({ plan });
  await expectGolden("cluster-up-warnings", await at.cortex("cluster up", { isTerminal: true, answers: ["n"] }));
});
