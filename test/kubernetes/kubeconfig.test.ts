import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connect } from "../../src/kubernetes/connect.ts";
import { kubeconfigFiles, mergeKubeconfigs } from "../../src/kubernetes/kubeconfig-file.ts";
import { proxyFor } from "../../src/kubernetes/proxy.ts";
import { findTarget } from "../../src/kubernetes/target.ts";

const { signal } = new AbortController();
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cortex-test-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function write(name: string, text: string): Promise<string> {
  const file = join(folder, name);
  await mkdir(join(file, ".."), { recursive: true });
  await writeFile(file, text);
  return file;
}

const target = (files: readonly string[], context?: string, variables: Record<string, string> = {}) =>
  findTarget({
    variables: { KUBECONFIG: files.join(":"), ...variables },
    home: folder,
    serviceAccountFolder: join(folder, "none"),
    ...(context !== undefined && { context }),
  });

const yaml = (context: string, server: string, extra = "") => `
apiVersion: v1
kind: Config
current-context: ${context}
clusters:
- name: ${context}
  cluster: {server: "${server}"${extra}}
contexts:
- name: ${context}
  context: {cluster: ${context}, user: ${context}, namespace: models}
users:
- name: ${context}
  user: {token: s3cret-${context}}
`;

describe("a kubeconfig", () => {
  test("is the files of KUBECONFIG in their order, else the one in the home", () => {
    expect(kubeconfigFiles({ KUBECONFIG: "/a::/b:/a" }, "/h")).toEqual(["/a", "/b"]);
    expect(kubeconfigFiles({ KUBECONFIG: "" }, "/h")).toEqual(["/h/.kube/config"]);
  });

  test("is merged so that the first file's entries count whole", () => {
    const user = (token: string, more = {}) => ({ users: [{ name: "red", user: { token, ...more } }] });
    const merged = mergeKubeconfigs([
      { file: "/a", value: { ...user("1"), "current-context": "" } },
      { file: "/b", value: { ...user("2", { username: "x" }), "current-context": "b", clusters: null } },
    ]);
    expect(merged.users.get("red")).toEqual({ value: { token: "1" }, file: "/a" });
    expect(merged.currentContext).toEqual({ value: "b", file: "/b" });
  });

  test("of several files leads to the context that is asked for, missing files passed over", async () => {
    const one = await write("one", yaml("one", "https://one:6443"));
    const two = await write("two", yaml("two", "https://two:6443/k8s/clusters/c-1"));
    const files = [join(folder, "missing"), one, two];
    expect(await target(files)).toMatchObject({ context: "one", namespace: "models", server: { host: "one:6443" } });
    expect(await target(files, "two")).toMatchObject({
      server: { pathname: "/k8s/clusters/c-1" },
      user: { token: "s3cret-two" },
    });
  });

  test("may be JSON, and take paths from its own folder", async () => {
    await write("sub/ca.pem", "-----BEGIN CERTIFICATE-----\n");
    const file = await write(
      "sub/config",
      JSON.stringify({
        "current-context": "j",
        clusters: [
          {
            name: "j",
            cluster: { server: "https://j", "certificate-authority": "ca.pem", "tls-server-name": "other" },
          },
        ],
        contexts: [{ name: "j", context: { cluster: "j" } }],
      }),
    );
    expect(await target([file])).toMatchObject({
      namespace: "default",
      tls: { authorities: "-----BEGIN CERTIFICATE-----\n", serverName: "other", isUnverified: false },
    });
  });

  test.for([
    ["no file", [], undefined, /no kubeconfig: .*missing/, "FILE_NOT_FOUND"],
    ["an unknown context", ["one"], "onne", /there is no context onne in .*one/, "SPEC_INVALID"],
  ] as const)("with %s is explained", async ([, names, context, message, code]) => {
    await write("one", yaml("one", "https://one"));
    const files = [join(folder, "missing"), ...names.map((name) => join(folder, name))];
    const error = await target(files, context).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message), hint: expect.any(String) });
    if (context) expect(error).toMatchObject({ hint: "did you mean one?" });
  });

  test("that names what it does not have, or is no YAML, is told with its place and without what it holds", async () => {
    const dangling = await write("dangling", "current-context: x\ncontexts: [{name: x, context: {cluster: gone}}]\n");
    await expect(target([dangling])).rejects.toMatchObject({
      message: expect.stringMatching(/context x in .*dangling names the cluster gone/),
    });
    const broken = await write("broken", "users:\n- name: a\n  user: {token: s3cret\nx: [\n");
    const error = (await target([broken]).catch((caught: unknown) => caught)) as Error & { at: unknown };
    expect(error).toMatchObject({
      code: "SPEC_INVALID",
      at: { file: broken, line: expect.any(Number), column: expect.any(Number) },
    });
    expect(JSON.stringify([error.message, error.at])).not.toContain("s3cret");
    const noFile = await write("nofile", yaml("n", "https://n", ', certificate-authority: "gone.pem"'));
    await expect(target([noFile])).rejects.toMatchObject({
      code: "FILE_NOT_FOUND",
      message: expect.stringContaining("gone.pem"),
    });
  });

  test("with an old auth-provider names the way out", async () => {
    const file = await write(
      "old",
      yaml("old", "https://old").replace("token: s3cret-old", "auth-provider: {name: gcp}"),
    );
    await expect(connect({ variables: { KUBECONFIG: file }, home: folder }, signal)).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
      hint: expect.stringContaining("gke-gcloud-auth-plugin"),
    });
  });

  test("is not needed in a pod, which has a service account", async () => {
    await write("account/token", "t");
    await write("account/namespace", "models\n");
    const found = await findTarget({
      variables: {
        KUBERNETES_SERVICE_HOST: "fd00::1",
        KUBERNETES_SERVICE_PORT: "443",
        KUBECONFIG: join(folder, "missing"),
      },
      home: folder,
      serviceAccountFolder: join(folder, "account"),
    });
    expect(found).toMatchObject({ context: "in-cluster", namespace: "models", server: { host: "[fd00::1]" } });
  });
});

describe("the proxy for a server", () => {
  const server = new URL("https://api.example.com:6443");
  const proxied = (variables: Record<string, string>, url = server) => proxyFor(url, undefined, variables)?.toString();

  test("is the kubeconfig's, else that of the variables, which take the scheme http for granted", () => {
    expect(proxyFor(server, "socks5://p:1", { HTTPS_PROXY: "http://q" })?.toString()).toBe("socks5://p:1");
    expect(proxied({ https_proxy: "q:3128" })).toBe("http://q:3128/");
    expect(proxied({ HTTP_PROXY: "http://q" })).toBeUndefined();
    expect(proxied({ HTTP_PROXY: "http://q" }, new URL("http://api.example.com"))).toBe("http://q/");
  });

  test.for([
    ["example.com", true],
    [".example.com", true],
    ["*.example.com", true],
    ["ample.com", false],
    ["api.example.com:6443", true],
    ["api.example.com:443", false],
    ["other, *", true],
  ] as const)("is left out or not by NO_PROXY=%s", ([list, isLeftOut]) => {
    expect(proxied({ HTTPS_PROXY: "http://q", NO_PROXY: list }) === undefined).toBe(isLeftOut);
  });

  test("is left out for ranges, and always for this machine", () => {
    const at = (host: string, list: string) =>
      proxied({ HTTPS_PROXY: "http://q", NO_PROXY: list }, new URL(`https://${host}`));
    expect(at("10.1.2.3", "10.0.0.0/8")).toBeUndefined();
    expect(at("11.1.2.3", "10.0.0.0/8,fd00::/8")).toBe("http://q/");
    expect(at("[fd00::7]", "10.0.0.0/8,fd00::/8")).toBeUndefined();
    expect(at("127.0.0.1", "")).toBeUndefined();
    expect(at("localhost", "")).toBeUndefined();
  });
});
