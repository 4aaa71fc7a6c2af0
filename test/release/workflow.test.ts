import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";

interface Step {
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
}

interface Job {
  readonly permissions?: Readonly<Record<string, string>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly steps: readonly Step[];
}

interface Workflow {
  readonly permissions: unknown;
  readonly env?: unknown;
  readonly jobs: Readonly<Record<string, Job>>;
}

const folder = join(import.meta.dirname, "../../.github/workflows");
const files = readdirSync(folder);
const run = (program: string, ...args: readonly string[]) => spawnSync(program, args, { encoding: "utf8" });

describe.each(files)("the workflow %s", (file) => {
  const text = readFileSync(join(folder, file), "utf8");
  const workflow = parse(text) as Workflow;
  const jobs = Object.entries(workflow.jobs);

  test("runs actions by their commits, with the version beside it for people", () => {
    const used = text.split("\n").filter((line) => /\buses:/.test(line));
    expect(used.length).toBeGreaterThan(0);
    expect(used.filter((line) => !/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(line))).toEqual([]);
  });

  test("says of each job what it may do; to write is for the one that publishes", () => {
    expect(workflow.permissions).toEqual({});
    for (const [name, { permissions }] of jobs) {
      expect(permissions, name).toBeDefined();
      expect(Object.values(permissions!).includes("write"), name).toBe(name === "publish");
    }
  });

  test("gives no secret to a whole job, and no step the key that the checkout was made with", () => {
    expect(workflow.env).toBeUndefined();
    for (const [name, { env = {}, steps }] of jobs) {
      for (const value of Object.values(env)) {
        // Whether there is one may be known.
        expect(value.replaceAll(/secrets\.\w+ != ''/g, ""), name).not.toContain("secrets.");
      }
      for (const step of steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))) {
        expect(step.with, name).toMatchObject({ "persist-credentials": false });
      }
    }
  });

  test.skipIf(run("actionlint", "-version").error !== undefined)("is what actionlint takes for right", () => {
    const { status, stdout } = run("actionlint", join(folder, file));
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});
