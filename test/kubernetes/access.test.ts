import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../src/kubernetes/connect.ts";
import type { KubeClient } from "../../src/kubernetes/kube-client.ts";
import { resource } from "../../src/kubernetes/objects.ts";
import { findTarget } from "../../src/kubernetes/target.ts";
import {
  clusterTest,
  clusterVariables,
  type ScratchNamespace,
  scratchNamespace,
  writeKubeconfig,
} from "../support/cluster.ts";
import { eventually } from "../support/cortex.ts";
import { makeCertificate, scriptedServer } from "./support/scripted-server.ts";

const { signal } = new AbortController();
const newFolder = () => mkdtemp(join(tmpdir(), "cortex-test-"));

clusterTest("who asks a cluster", () => {
  let scratch: ScratchNamespace;
  let folder = "";
  let server = "";
  let authority = "";
  /** Of a service account that may read ConfigMaps of the namespace. */
  let token = "";

  beforeAll(async () => {
    [scratch, folder] = await Promise.all([scratchNamespace("client"), newFolder()]);
    const { client, name: namespace } = scratch;
    const found = await findTarget({ variables: clusterVariables, home: folder, serviceAccountFolder: folder });
    server = found.server.href;
    authority = found.tls.authorities ?? "";
    const metadata = { name: "reader", namespace };
    await client.create({ apiVersion: "v1", kind: "ServiceAccount", metadata }, signal);
    const rules = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["get", "list"] }];
    const rbac = "rbac.authorization.k8s.io";
    await client.create({ apiVersion: `${rbac}/v1`, kind: "Role", metadata, rules } as never, signal);
    const subjects = [{ kind: "ServiceAccount", ...metadata }];
    const roleRef = { apiGroup: rbac, kind: "Role", name: "reader" };
    await client.create(
      { apiVersion: `${rbac}/v1`, kind: "RoleBinding", metadata, subjects, roleRef } as never,
      signal,
    );
    token = await newToken();
    // RBAC hears of a Role and its binding a moment after they are written.
    await using reader = await clientAs("reader", { token });
    await eventually(() => list(reader));
  });
  afterAll(async () => {
    await scratch[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  async function newToken(): Promise<string> {
    const path = `/api/v1/namespaces/${scratch.name}/serviceaccounts/reader/token`;
    const body = JSON.stringify({
      apiVersion: "authentication.k8s.io/v1",
      kind: "TokenRequest",
      spec: { expirationSeconds: 600 },
    });
    const headers = { "content-type": "application/json" };
    const made = await scratch.client.json<{ status: { token: string } }>(
      { method: "POST", path, headers, body },
      signal,
    );
    return made.status.token;
  }

  async function clientAs(
    name: string,
    user: Readonly<Record<string, unknown>>,
    cluster: Readonly<Record<string, unknown>> = {},
    variables: Readonly<Record<string, string>> = {},
  ): Promise<KubeClient> {
    const file = join(folder, name);
    await writeKubeconfig(file, { server, authority, user, cluster, namespace: scratch.name });
    return connect({ variables: { PATH: process.env.PATH, KUBECONFIG: file, ...variables }, home: folder }, signal);
  }
  const list = (client: KubeClient) => client.list(resource.configMap, { namespace: scratch.name }, signal);

  test("by a token may do what its Role says, and is told which rule is missing", async () => {
    await using client = await clientAs("token", { token });
    expect((await list(client))?.items.length).toBe(1);
    await expect(client.list(resource.pod, { namespace: scratch.name }, signal)).rejects.toMatchObject({
      code: "NOT_AUTHORISED",
      status: 403,
      message: expect.stringMatching(/^system:serviceaccount:.*:reader may not list pods in namespace /),
      hint: `needed: a Role in namespace ${scratch.name} with {apiGroups: [""], resources: ["pods"], verbs: ["list"]}`,
    });
    await expect(client.list(resource.node, {}, signal)).rejects.toMatchObject({
      hint: expect.stringContaining("a ClusterRole with"),
    });
    const opening = client.openSocket(
      `/api/v1/namespaces/${scratch.name}/pods/x/exec?command=true`,
      ["v5.channel.k8s.io"],
      signal,
    );
    await expect(opening).rejects.toMatchObject({ code: "NOT_AUTHORISED", hint: expect.stringContaining("pods/exec") });
  });

  test("by a token that is not valid is told to log in again, and the token is not told", async () => {
    await using client = await clientAs("wrong", { token: "s3cret-and-wrong" });
    const error = await list(client).catch((caught: unknown) => caught as Error & { hint: string });
    expect(error).toMatchObject({ code: "NOT_AUTHORISED", status: 401, hint: expect.stringContaining("log in again") });
    expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain("s3cret");
  });

  test("by a plugin gets credentials once, and new ones when they are refused", async () => {
    const plugin = join(folder, "plugin");
    const script = `#!/bin/sh
echo run >> "${folder}/runs"
echo "$KUBERNETES_EXEC_INFO" > "${folder}/info"
if [ "$(wc -l < "${folder}/runs")" -gt 1 ]; then token="$GOOD"; else token=wrong; fi
echo "{\\"apiVersion\\":\\"client.authentication.k8s.io/v1\\",\\"kind\\":\\"ExecCredential\\",\\"status\\":{\\"token\\":\\"$token\\"}}"
`;
    await writeFile(plugin, script);
    await chmod(plugin, 0o700);
    const exec = {
      apiVersion: "client.authentication.k8s.io/v1",
      command: "./plugin",
      env: [{ name: "GOOD", value: token }],
      provideClusterInfo: true,
      interactiveMode: "IfAvailable",
    };
    await using client = await clientAs("plugged", { exec });
    const found = await Promise.all([list(client), list(client), list(client)]);
    expect(found.map((one) => one?.items.length)).toEqual([1, 1, 1]);
    await list(client);
    expect((await readFile(join(folder, "runs"), "utf8")).trim().split("\n").length).toBeLessThanOrEqual(4);
    expect(JSON.parse(await readFile(join(folder, "info"), "utf8"))).toMatchObject({
      kind: "ExecCredential",
      apiVersion: exec.apiVersion,
      spec: { cluster: { server, "certificate-authority-data": expect.any(String) } },
    });
  });

  test("by a client certificate whose files stand beside the kubeconfig", async () => {
    const original = await findTarget({ variables: clusterVariables, home: folder, serviceAccountFolder: folder });
    const data = (field: "client-certificate-data" | "client-key-data") =>
      Buffer.from(original.user[field] ?? "", "base64");
    await writeFile(join(folder, "user.crt"), data("client-certificate-data"));
    await writeFile(join(folder, "user.key"), data("client-key-data"));
    await using client = await clientAs("cert", { "client-certificate": "user.crt", "client-key": "user.key" });
    expect((await list(client))?.items.length).toBe(1);
    await using posed = await clientAs("posed", {
      "client-certificate": "user.crt",
      "client-key": "user.key",
      as: `system:serviceaccount:${scratch.name}:reader`,
      "as-groups": ["system:serviceaccounts", "system:authenticated"],
    });
    expect((await list(posed))?.items.length).toBe(1);
    await expect(posed.list(resource.secret, { namespace: scratch.name }, signal)).rejects.toMatchObject({
      status: 403,
    });
  });

  test("in a pod reads its token anew when it was replaced", async () => {
    const account = join(folder, "account");
    await mkdir(account);
    await writeFile(join(account, "token"), "old");
    await writeFile(join(account, "ca.crt"), authority);
    await writeFile(join(account, "namespace"), scratch.name);
    const { hostname, port } = new URL(server);
    const variables = {
      KUBERNETES_SERVICE_HOST: hostname,
      KUBERNETES_SERVICE_PORT: port,
      KUBECONFIG: join(folder, "missing"),
    };
    await using client = await connect({ variables, home: folder, serviceAccountFolder: account }, signal);
    expect(client).toMatchObject({ context: "in-cluster", namespace: scratch.name });
    await expect(list(client)).rejects.toMatchObject({ status: 401 });
    await writeFile(join(account, "token"), `${token}\n`);
    expect((await list(client))?.items.length).toBe(1);
  });

  test("through a proxy gets there by requests and by WebSockets, and is told what the proxy refuses", async () => {
    const proxy = createServer();
    const asked: string[] = [];
    proxy.on("connect", (request, socket) => {
      asked.push(request.url ?? "");
      if (request.headers["proxy-authorization"] !== `Basic ${Buffer.from("ada:pa ss").toString("base64")}`) {
        socket.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
        return;
      }
      const [host, port] = (request.url ?? "").split(":");
      const onward = connectTcp(Number(port), host, () => socket.write("HTTP/1.1 200 OK\r\n\r\n"));
      onward
        .on("error", () => socket.destroy())
        .pipe(socket)
        .on("error", () => onward.destroy())
        .pipe(onward);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    const { port } = proxy.address() as AddressInfo;
    await using client = await clientAs("proxied", { token }, { "proxy-url": `http://ada:pa%20ss@127.0.0.1:${port}` });
    expect((await list(client))?.items.length).toBe(1);
    await expect(client.openSocket("/api/v1/namespaces/default/pods/x/exec", [], signal)).rejects.toMatchObject({
      status: 403,
    });
    expect(asked).toEqual([new URL(server).host, new URL(server).host]);
    await using refused = await clientAs(
      "refused",
      { token },
      {},
      { HTTPS_PROXY: `http://ada:wrong@127.0.0.1:${port}` },
    );
    const error = await list(refused).catch((caught: unknown) => caught as Error);
    expect(error).toMatchObject({
      code: "CLUSTER_UNREACHABLE",
      message: expect.stringMatching(/through the proxy http:\/\/127\.0\.0\.1:\d+ .*wants a name/),
    });
    expect((error as Error).message).not.toContain("wrong");
    proxy.close();
  });

  test("through a SOCKS proxy gets there too", async () => {
    const proxy = createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => {
        socket.write(Buffer.from([5, 0]));
        socket.once("data", (request: Buffer) => {
          const onward = connectTcp(
            request.readUInt16BE(request.length - 2),
            [...request.subarray(4, 8)].join("."),
            () => {
              socket.write(Buffer.from([5, 0, 0, 1, 0, 0, 0, 0, 0, 0]));
              onward
                .on("error", () => {})
                .pipe(socket)
                .pipe(onward);
            },
          );
        });
      });
    }).listen(0, "127.0.0.1");
    await once(proxy, "listening");
    await using client = await clientAs(
      "socks",
      { token },
      { "proxy-url": `socks5://127.0.0.1:${(proxy.address() as AddressInfo).port}` },
    );
    expect((await list(client))?.items.length).toBe(1);
    proxy.close();
  });
});

describe("a server that cannot be spoken to", () => {
  async function failureOf(parts: Parameters<typeof writeKubeconfig>[1]): Promise<unknown> {
    const folder = await newFolder();
    try {
      await writeKubeconfig(join(folder, "config"), parts);
      await using client = await connect(
        { variables: { PATH: process.env.PATH, KUBECONFIG: join(folder, "config") }, home: folder },
        signal,
      );
      return await client.list(resource.pod, {}, signal).catch((error: unknown) => error);
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  test("is told why: certificate of another authority, no TLS, a name that is not there, no answer", async () => {
    await using server = await scriptedServer("h2", ({ json }) => json(200, { metadata: {}, items: [] }));
    await using plain = await scriptedServer("http", ({ json }) => json(200, {}));
    const folder = await newFolder();
    const { certificate } = await makeCertificate(folder);
    await rm(folder, { recursive: true });
    const why = (message: RegExp) => ({
      code: "CLUSTER_UNREACHABLE",
      message: expect.stringMatching(message),
      hint: expect.any(String),
    });
    expect(await failureOf({ server: server.url, authority: certificate, user: {} })).toMatchObject(
      why(/certificate is not trusted/),
    );
    expect(await failureOf({ server: server.url, user: {} })).toMatchObject(why(/certificate is not trusted/));
    const named = server.url.replace("127.0.0.1", "localhost");
    expect(await failureOf({ server: named, authority: server.certificate, user: {} })).toMatchObject(
      why(/for other names than localhost/),
    );
    expect(
      await failureOf({
        server: named,
        authority: server.certificate,
        user: {},
        cluster: { "tls-server-name": "127.0.0.1" },
      }),
    ).not.toBeInstanceOf(Error);
    expect(
      await failureOf({ server: server.url, user: {}, cluster: { "insecure-skip-tls-verify": true } }),
    ).not.toBeInstanceOf(Error);
    expect(await failureOf({ server: plain.url.replace("http:", "https:"), user: {} })).toMatchObject(
      why(/does not speak TLS/),
    );
    expect(await failureOf({ server: "https://not-there.invalid", user: {} })).toMatchObject(
      why(/no host not-there.invalid|could not be looked up/),
    );
  });

  test("keeps nobody waiting for long", async () => {
    const silent = createTcpServer(() => {}).listen(0, "127.0.0.1");
    await once(silent, "listening");
    const begun = performance.now();
    const error = await failureOf({ server: `https://127.0.0.1:${(silent.address() as AddressInfo).port}`, user: {} });
    expect(error).toMatchObject({ code: "CLUSTER_UNREACHABLE", message: expect.stringContaining("no answer for") });
    expect(performance.now() - begun).toBeLessThan(30_000);
    silent.close();
  });

  test("for want of a plugin is told how to install it, and what a plugin said that failed", async () => {
    const exec = (command: string, more = {}) => ({
      exec: { apiVersion: "client.authentication.k8s.io/v1beta1", command, ...more },
    });
    const missing = { ...exec("no-such-plugin", { installHint: "Install it with:\n  brew install it" }) };
    expect(await failureOf({ server: "https://127.0.0.1:1", user: missing })).toMatchObject({
      code: "NOT_AUTHORISED",
      message: expect.stringContaining("no-such-plugin, the exec plugin of the user of context test"),
      hint: "Install it with: brew install it",
    });
    const failing = exec("sh", { args: ["-c", "echo please log in >&2; exit 3"] });
    expect(await failureOf({ server: "https://127.0.0.1:1", user: failing })).toMatchObject({
      message: expect.stringContaining("it exited with 3"),
      details: "please log in",
    });
    const old = { exec: { apiVersion: "client.authentication.k8s.io/v1alpha1", command: "aws" } };
    await expect(failureOf({ server: "https://127.0.0.1:1", user: old })).rejects.toMatchObject({
      code: "SPEC_INVALID",
    });
  });
});
