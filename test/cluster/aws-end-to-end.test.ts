import { randomBytes } from "node:crypto";
import { homedir } from "node:os";
import { CloudWatchLogsClient, CreateLogStreamCommand, PutLogEventsCommand } from "@aws-sdk/client-cloudwatch-logs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { autoscalerVersion } from "../../src/cluster/addons/cloud/autoscaler.ts";
import { defaultKubernetesVersion } from "../../src/cluster/wanted-eks.ts";
import type { KubeClient } from "../../src/kubernetes/kube-client.ts";
import { resource } from "../../src/kubernetes/objects.ts";
import { findTarget } from "../../src/kubernetes/target.ts";
import { type Emulator, startEmulator } from "../aws/emulator.ts";
import { startTokenWebhook, type TokenWebhook } from "../aws/token-webhook.ts";
import { clusterClient, clusterVariables, testKubeconfig } from "../support/cluster.ts";
import { type Bench, createBench, eventually, type Ran } from "../support/cortex.ts";
import { pushStandIns } from "./support/stand-in-images.ts";

const addons = process.env.CORTEX_TEST_ADDONS_DIR ?? "";
const registry = process.env.CORTEX_TEST_REGISTRY ?? "";
const baseImage = process.env.CORTEX_TEST_BASE_IMAGE ?? "";
const tokens = process.env.CORTEX_TEST_TOKEN_WEBHOOK ?? "";
const isPossible = [testKubeconfig, addons, registry, baseImage, tokens].every((one) => one !== "");
const { signal } = new AbortController();
const minutes = 60_000;
const region = "us-east-1";

/**
 * An emulated AWS whose control plane is the API server of the test cluster, which asks this test whose tokens are whose. What can
 * only be had from the internet is stood in for by images of the same names that do nothing.
 */
describe.skipIf(!isPossible)("a cluster on AWS with a real control plane", () => {
  const name = `e2e-${randomBytes(3).toString("hex")}`;
  let emulator: Emulator;
  let webhook: TokenWebhook;
  let bench: Bench;
  let client: KubeClient;
  let folder: string;

  const cortex = (...args: readonly string[]): Promise<Ran> =>
    bench.cortex(args, { cwd: folder, timeoutMs: 8 * minutes });

  beforeAll(async () => {
    client = await clusterClient();
    const { server, tls } = await findTarget({
      variables: clusterVariables,
      home: homedir(),
      serviceAccountFolder: "/nowhere",
    });
    const endpoint = server.href.replace(/\/$/, "");
    const certificateAuthority = Buffer.from(tls.authorities ?? "").toString("base64");
    emulator = await startEmulator({ controlPlane: { endpoint, certificateAuthority }, registry, speed: 60 });
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = emulator.variables;
    const [host = "", port = ""] = tokens.split(":");
    const credentials = { accessKeyId, secretAccessKey };
    webhook = await startTokenWebhook({
      host,
      port: Number(port),
      endpoint: emulator.endpoint,
      region,
      credentials,
      cluster: name,
    });
    await pushStandIns(registry, [
      {
        image: `registry.k8s.io/autoscaling/cluster-autoscaler:${autoscalerVersion(defaultKubernetesVersion)}`,
        program: "/cluster-autoscaler",
        port: 8085,
        path: "/health-check",
      },
      {
        image: "public.ecr.aws/aws-observability/aws-for-fluent-bit:3.4.15",
        program: "/fluent-bit/bin/fluent-bit",
        port: 2020,
        path: "/api/v1/uptime",
      },
    ]);
    bench = await createBench({ ...emulator.variables, KUBECONFIG: testKubeconfig });
    folder = await bench.project({
      "cluster.yaml": clusterYaml(name),
      "cortex.yaml": "- name: hello\n  handler:\n    path: handler.py\n  compute:\n    cpu: 50m\n    mem: 128Mi\n",
      "handler.py": `class Handler:\n    def handle_post(self, payload):\n        return {"greeting": f"hello {payload['name']}"}\n`,
    });
    await bench.cortex(["env", "configure", "admin"]);
    await cleanUp();
  }, 5 * minutes);

  /** The test cluster outlives the one that it stands in for. */
  async function cleanUp(): Promise<void> {
    await cortex("delete", "hello", "-e", "admin", "-f");
    await cortex("cluster", "uninstall", "-e", "admin", "-y");
  }

  afterAll(async () => {
    if (bench) await cleanUp();
    await Promise.all([bench, webhook, emulator, client].map((one) => one?.[Symbol.asyncDispose]()));
  }, 5 * minutes);

  test("comes up, runs an API, keeps what replicas said, and goes down with nothing left", {
    timeout: 20 * minutes,
  }, async () => {
    const up = await cortex("cluster", "up", "cluster.yaml", "-y", "-e", "aws", "--addons-dir", addons);
    expect(up.status, up.stdout + up.stderr).toBe(0);
    expect(up.stderr).toMatch(/^APIs are reached at http:\/\/[\d.]+$/m);
    expect(webhook.refusals).toEqual([]);

    const health = await cortex("cluster", "health", "-e", "aws", "-o", "json");
    expect(health.json()).toMatchObject({ gateway: true, "cluster-autoscaler": true, "fluent-bit": true });
    await checkLoadBalancer();

    const again = await cortex("cluster", "up", "cluster.yaml", "-y", "-e", "aws", "--addons-dir", addons);
    expect(again.status, again.stdout + again.stderr).toBe(0);
    expect(again.stderr).toContain("is already up to date");

    // Python's own image is on the internet.
    await cortex("env", "configure", "aws", "--base-image", baseImage);
    const deployed = await cortex("deploy", "-e", "aws");
    expect(deployed.status, deployed.stdout + deployed.stderr).toBe(0);
    const [api] = (await cortex("get", "-e", "aws", "-o", "json")).json<{ readonly endpoint: string }[]>();
    const greeting = await eventually(async () => {
      const body = JSON.stringify({ name: "cluster" });
      const answer = await fetch(api!.endpoint, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body,
      });
      return answer.ok ? ((await answer.json()) as unknown) : undefined;
    }, minutes);
    expect(greeting).toEqual({ greeting: "hello cluster" });

    const info = await cortex("cluster", "info", "-c", "cluster.yaml", "-o", "json");
    expect(info.status, info.stdout + info.stderr).toBe(0);
    expect(info.json()).toMatchObject({
      status: "active",
      apis: [{ namespace: "default", api: "hello", replicas: 1 }],
      warnings: [],
    });
    const exported = await cortex("cluster", "export", "-c", "cluster.yaml");
    expect(exported.stdout).toContain(`export-${region}-${name}/hello.yaml`);

    await sendAsFluentBit("default.hello-7f9c6d5b8-abcde.hello.1", "the last words");
    const gone = await cortex("logs", "hello", "-e", "aws", "--previous", "-o", "json");
    expect(gone.stdout).toContain("the last words");

    const down = await cortex("cluster", "down", "-c", "cluster.yaml", "-y");
    expect(down.status, down.stdout + down.stderr).toBe(0);
    expect(await emulator.inventory.names()).toEqual([]);
    const services = await client.list<{ spec: { type?: string } } & KubeService>(resource.service, {}, signal);
    expect(services?.items.filter(({ spec }) => spec.type === "LoadBalancer")).toEqual([]);
  });

  /** Nothing here makes one of AWS; what EKS would make it by is there, and the address is real. */
  async function checkLoadBalancer(): Promise<void> {
    const labelSelector = "gateway.envoyproxy.io/owning-gateway-name=cortex";
    const services = await client.list<KubeService>(resource.service, { labelSelector }, signal);
    expect(services?.items).toHaveLength(1);
    const [service] = services!.items;
    const prefix = "service.beta.kubernetes.io/aws-load-balancer-";
    expect(service!.metadata.annotations).toMatchObject({
      [`${prefix}type`]: "nlb",
      [`${prefix}additional-resource-tags`]: `team=models,cortex.dev/cluster-name=${name}`,
    });
    expect(service!.spec).toMatchObject({ loadBalancerSourceRanges: ["10.0.0.0/8", "127.0.0.0/8"] });
    expect(service!.status?.loadBalancer?.ingress).not.toEqual([]);
  }

  async function sendAsFluentBit(logStreamName: string, message: string): Promise<void> {
    const { AWS_ACCESS_KEY_ID: accessKeyId = "", AWS_SECRET_ACCESS_KEY: secretAccessKey = "" } = emulator.variables;
    const logs = new CloudWatchLogsClient({
      endpoint: emulator.endpoint,
      region,
      credentials: { accessKeyId, secretAccessKey },
    });
    const logGroupName = `/cortex/${name}`;
    await logs.send(new CreateLogStreamCommand({ logGroupName, logStreamName }));
    const logEvents = [{ timestamp: Date.now(), message }];
    await logs.send(new PutLogEventsCommand({ logGroupName, logStreamName, logEvents }));
    logs.destroy();
  }
});

interface KubeService {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly annotations?: Readonly<Record<string, string>> };
  readonly spec: { readonly type?: string };
  readonly status?: { readonly loadBalancer?: { readonly ingress?: readonly unknown[] } };
}

function clusterYaml(name: string): string {
  return `cluster_name: ${name}
region: ${region}
node_groups:
  - name: cpu
    instance_type: m5.large
    min_instances: 1
    max_instances: 2
api_load_balancer_cidr_white_list: [10.0.0.0/8, 127.0.0.0/8]
tags:
  team: models
`;
}
