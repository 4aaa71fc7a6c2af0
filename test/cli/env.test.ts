import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { settingsIn } from "../../src/cli/settings.ts";
import { configured, usableEnvironment } from "../../src/cli/settings-changes.ts";
import { CortexError } from "../../src/core/errors.ts";
import type { Kubeconfigs } from "../../src/core/kubeconfig.ts";
import { expectGolden } from "./support/golden.ts";
import { runCommand } from "./support/run-command.ts";

/** A home of its own for `use`. */
async function inHome(
  use: (home: string, cortex: (...args: string[]) => ReturnType<typeof runCommand>) => Promise<void>,
) {
  const home = await mkdtemp(join(tmpdir(), "cortex-home-"));
  try {
    await use(home, (...args) => runCommand(args, { settings: settingsIn(home), isTerminal: true }));
  } finally {
    await rm(home, { recursive: true });
  }
}

describe("env", () => {
  test("lists local alone at first", () =>
    inHome(async (_, cortex) => {
      await expectGolden("env-list-first", await cortex("env", "list"));
      expect(JSON.parse((await cortex("env", "list", "-o", "json")).stdout)).toEqual({
        default_environment: "local",
        environments: [{ name: "local", kind: "local" }],
      });
    }));

  test("configures, changes, chooses, renames and deletes a cluster", () =>
    inHome(async (_, cortex) => {
      expect((await cortex("env", "configure", "prod", "--context", "eks", "--gateway", "infra/public")).status).toBe(
        0,
      );
      await cortex("env", "configure", "prod", "--namespace", "models", "--base-image", "python:3.12");
      await cortex("env", "default", "prod");
      await cortex("env", "rename", "prod", "production");
      await expectGolden("env-list", await cortex("env", "list"));
      await expectGolden("env-list-json", await cortex("env", "list", "-o", "json"));
      expect((await cortex("env", "default")).stdout).toBe("production\n");
      await cortex("env", "delete", "production");
      expect((await cortex("env", "default")).stdout).toBe("local\n");
    }));

  test("keeps a cluster of AWS as it is reached, until a context is named", () =>
    inHome(async (home, cortex) => {
      const eks = {
        cluster: "models",
        region: "eu-west-1",
        endpoint: "https://x.example",
        certificate_authority: "UEVN",
      };
      const settings = settingsIn(home);
      const change = { name: "aws", kind: "kubernetes", eks } as const;
      await settings.update((before) => configured(before, change), new AbortController().signal);
      const changed = await cortex("env", "configure", "aws", "--namespace", "models");
      expect(changed.stderr).toContain("cluster models in eu-west-1: Kubernetes v1.34.4");
      expect((await cortex("env", "list")).stdout).toContain("models in eu-west-1");
      expect((await settings.read()).environments[1]).toEqual({ ...change, namespace: "models" });
      await cortex("env", "configure", "aws", "--context", "kind");
      expect((await settings.read()).environments[1]).toEqual({
        name: "aws",
        kind: "kubernetes",
        context: "kind",
        namespace: "models",
      });
    }));

  test("writes a file that only this user can read, and leaves nothing beside it", () =>
    inHome(async (home, cortex) => {
      await cortex("env", "configure", "prod");
      expect((await stat(join(home, "cli.json"))).mode & 0o777).toBe(0o600);
      expect(await readdir(home)).toEqual(["cli.json"]);
    }));

  test("loses nothing when several commands write at once", () =>
    inHome(async (home, cortex) => {
      const names = Array.from({ length: 8 }, (_, index) => `cluster-${index}`);
      await Promise.all(names.map((name) => cortex("env", "configure", name)));
      const { environments } = await settingsIn(home).read();
      expect(environments.map((one) => one.name).sort()).toEqual([...names, "local"].sort());
    }));

  test.for([
    [["default", "nowhere"], 4, "there is no environment nowhere"],
    [["delete", "local"], 2, "local is this machine"],
    [["rename", "local", "here"], 2, "local is this machine"],
    [["configure", "p", "--gateway", "public"], 2, "is no NAMESPACE/NAME"],
    [["configure", "p", "--prometheus", "host:9090"], 2, "is no URL"],
    [["configure", "p", "--namespace", "Bad_Name"], 2, "cannot name a namespace"],
    [["configure", "p", "--registry", "https://registry.example.com/models"], 2, "is no HOST[:PORT]/PREFIX"],
    [["configure", "p", "--registry", "localhost:5000/models:latest"], 2, "is no HOST[:PORT]/PREFIX"],
  ] as const)("refuses env %j", ([args, status, cause]) =>
    inHome(async (_, cortex) => {
      const ran = await cortex("env", ...args);
      expect(ran.stderr).toContain(cause);
      expect(ran.status).toBe(status);
    }),
  );

  test("writes the current context down by name, so that it stays when kubectl changes it", () =>
    inHome(async (home, cortex) => {
      const ran = await cortex("env", "configure", "prod");
      expect(ran.stderr).toContain("context kind: Kubernetes v1.34.4");
      expect((await settingsIn(home).read()).environments[1]).toEqual({
        name: "prod",
        kind: "kubernetes",
        context: "kind",
      });
    }));

  test("says that there is no kubeconfig, rather than what is not in it", () =>
    inHome(async (home) => {
      const kubeconfigs: Kubeconfigs = {
        contexts: async () => ({ files: [], names: [], current: undefined, isInPod: false }),
        probe: () => Promise.reject(new Error("there is nothing to ask")),
      };
      const args = ["env", "configure", "prod", "--context", "eks"];
      const ran = await runCommand(args, { settings: settingsIn(home), kubeconfigs });
      expect(ran.status).toBe(4);
      expect(ran.stderr).toContain("there is no kubeconfig");
    }));

  test("refuses a context that the kubeconfig lacks, and names the nearest", () =>
    inHome(async (home, cortex) => {
      const ran = await cortex("env", "configure", "prod", "--context", "ekss");
      expect(ran).toMatchObject({ status: 2 });
      expect(ran.stderr).toContain("there is no context ekss in kubeconfig");
      expect(ran.stderr).toContain("did you mean eks?");
      expect((await settingsIn(home).read()).environments).toHaveLength(1);
    }));

  test("warns of a cluster that does not answer, and configures it all the same", () =>
    inHome(async (home) => {
      const kubeconfigs: Kubeconfigs = {
        contexts: async () => ({ files: ["kubeconfig"], names: ["eks"], current: "eks", isInPod: false }),
        probe: async () => {
          throw new CortexError("CLUSTER_UNREACHABLE", "nothing answers at https://10.0.0.1");
        },
      };
      const ran = await runCommand(["env", "configure", "prod"], { settings: settingsIn(home), kubeconfigs });
      expect(ran).toMatchObject({ status: 0, stdout: "configured prod\n" });
      expect(ran.stderr).toBe("warning: context eks: nothing answers at https://10.0.0.1\n");
    }));

  test("takes the registry that the cluster announces, unless one is named", () =>
    inHome(async (home) => {
      const kubeconfigs: Kubeconfigs = {
        contexts: async () => ({ files: ["kubeconfig"], names: ["kind"], current: "kind", isInPod: false }),
        probe: async () => ({ version: "v1.34.4", registry: "localhost:5001" }),
      };
      const configure = (...args: string[]) =>
        runCommand(["env", "configure", ...args], { settings: settingsIn(home), kubeconfigs });
      expect((await configure("dev")).stderr).toContain("images go to localhost:5001");
      await configure("prod", "--registry", "registry.example.com");
      await configure("prod", "--namespace", "models");
      const { environments } = await settingsIn(home).read();
      expect(environments.slice(1)).toMatchObject([
        { registry: "localhost:5001" },
        { registry: "registry.example.com" },
      ]);
    }));

  test("remembers the file of a context by its absolute path", () =>
    inHome(async (home, cortex) => {
      await cortex("env", "configure", "prod", "--kubeconfig", "clusters/prod.yaml", "--context", "eks");
      const [, prod] = (await settingsIn(home).read()).environments;
      expect(prod).toMatchObject({ context: "eks", kubeconfig: join(tmpdir(), "clusters/prod.yaml") });
    }));

  test("refuses to rename onto another environment", () =>
    inHome(async (_, cortex) => {
      await cortex("env", "configure", "a");
      await cortex("env", "configure", "b");
      expect(await cortex("env", "rename", "a", "b")).toMatchObject({ status: 6 });
    }));

  test("reads the file of an older Cortex and leaves it as it is", () =>
    inHome(async (home, cortex) => {
      const older =
        "telemetry: false\ndefault_environment: aws\nenvironments:\n- name: aws\n  operator_endpoint: https://op\n";
      await writeFile(join(home, "cli.yaml"), older);
      await expectGolden("env-list-older", await cortex("env", "list"));
      await cortex("env", "default", "local");
      expect(await readFile(join(home, "cli.yaml"), "utf8")).toBe(older);
      expect((await cortex("env", "default")).stdout).toBe("local\n");
    }));

  test("says which file it cannot understand", () =>
    inHome(async (home, cortex) => {
      await writeFile(join(home, "cli.json"), "{ nonsense");
      const ran = await cortex("env", "list");
      expect(ran.status).toBe(2);
      expect(ran.stderr).toContain(`cannot understand ${join(home, "cli.json")}`);
    }));
});

describe("an environment that is used", () => {
  const settings = {
    default_environment: "local",
    environments: [
      { name: "local", kind: "local" },
      { name: "prod", kind: "kubernetes" },
      { name: "aws", kind: "operator" },
    ],
  } as const;

  test("is local or a Kubernetes cluster, or refused by name", () => {
    expect(usableEnvironment(settings, "local")).toMatchObject({ kind: "local" });
    expect(usableEnvironment(settings, "prod")).toMatchObject({ kind: "kubernetes", name: "prod" });
    expect(() => usableEnvironment(settings, "aws")).toThrow("aws is a cluster of an older Cortex");
    expect(() => usableEnvironment(settings, "porl")).toThrow("there is no environment porl");
  });
});
