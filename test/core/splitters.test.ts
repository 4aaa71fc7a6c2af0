import { describe, expect, test } from "vitest";
import { type DeployEvent, type DeployPlan, type DeployPorts, deploy, plan } from "../../src/core/deploy.ts";
import type { ApiState, Environment, RolloutEvent } from "../../src/core/environment.ts";
import { CortexError } from "../../src/core/errors.ts";
import { conflictsWithLive, planChanges } from "../../src/core/plan.ts";
import { planDeletion, splittersOf } from "../../src/core/splitters.ts";
import type { Api, TrafficSplitter } from "../../src/spec/api.ts";
import { FakeEnvironment } from "../cli/support/fake-environment.ts";
import { filesWith } from "../cli/support/run-command.ts";
import { apiState, realtimeApi, revision } from "../cli/support/states.ts";

const splitter = (name: string, targets: readonly string[], endpoint = `/${name}`): TrafficSplitter => ({
  kind: "TrafficSplitter",
  name,
  apis: targets.map((target, index) => ({ name: target, weight: index === 0 ? 100 : 0, shadow: false })),
  networking: { endpoint },
});

const live = (spec: TrafficSplitter): ApiState =>
  apiState(spec.name, {
    kind: spec.kind,
    revision: revision(3, { spec, project: "" }),
    requested: 0,
    ready: 0,
    upToDate: 0,
    replicas: [],
  });

const messages = (wanted: readonly Api[], states: readonly ApiState[]) =>
  conflictsWithLive(wanted, states).map(({ message }) => message);

describe("the targets of a splitter", () => {
  test("are deployed already or in the same file", () => {
    expect(messages([splitter("s", ["iris", "new"]), realtimeApi("new")], [apiState("iris")])).toEqual([]);
    expect(messages([splitter("s", ["iris", "digits"])], [apiState("iris")])).toEqual([
      "s: apis: digits is neither deployed nor in this file",
    ]);
  });

  test("that are missing are guessed at", () => {
    expect(conflictsWithLive([splitter("s", ["irs"])], [apiState("iris")])[0]?.hint).toBe("did you mean iris?");
  });

  test("are RealtimeAPIs, not splitters", () => {
    expect(messages([splitter("s", ["t"])], [live(splitter("t", ["iris"])), apiState("iris")])).toEqual([
      "s: apis: t is of kind TrafficSplitter",
    ]);
  });
});

test("a splitter and an API cannot have the same endpoint, nor one become the other", () => {
  expect(messages([splitter("s", ["iris"], "/iris")], [apiState("iris")])).toEqual([
    "s: networking.endpoint: /iris is the endpoint of iris already",
  ]);
  expect(messages([realtimeApi("s")], [live(splitter("s", ["iris"])), apiState("iris")])).toEqual([
    "s: its kind cannot change from TrafficSplitter to RealtimeAPI",
  ]);
});

test("what changes in a splitter are its own fields, whatever became of the project", () => {
  const project = { root: "/p", digest: "d".repeat(64), files: [], totalBytes: 0 };
  const states = [live(splitter("s", ["iris", "digits"]))];
  const api = { ...splitter("s", ["iris", "digits"]), apis: [{ name: "iris", weight: 100, shadow: false }] };
  const [change] = planChanges([{ api, stored: api, revisionId: "other", notices: [] }], project, states);
  expect(change).toMatchObject({ change: "update" });
  expect(change!.differences.map(({ path }) => path)).toEqual(["apis[1].name", "apis[1].weight", "apis[1].shadow"]);
  const same = {
    api: states[0]!.revision.spec,
    stored: states[0]!.revision.spec,
    revisionId: states[0]!.revision.id,
    notices: [],
  };
  expect(planChanges([same], project, states)[0]).toMatchObject({ change: "unchanged" });
});

describe("deleting", () => {
  const states = [apiState("a"), apiState("b"), live(splitter("s", ["a"])), live(splitter("t", ["a", "b"]))];
  const named = (...names: string[]) => states.filter(({ name }) => names.includes(name));

  test("refuses what a splitter that stays sends requests to", () => {
    expect(splittersOf("a", states)).toEqual(["s", "t"]);
    const { first, afterwards, refused } = planDeletion(named("a", "b", "t"), states);
    expect([first, afterwards].map((part) => part.map(({ name }) => name))).toEqual([["t"], ["b"]]);
    expect(refused.map(({ error }) => [error.code, error.message])).toEqual([
      ["CONFLICT", "a is in use: the TrafficSplitter s sends requests to it"],
    ]);
    expect(planDeletion(named("a"), states).refused[0]!.error.message).toBe(
      "a is in use: the TrafficSplitters s, t send requests to it",
    );
  });

  test("takes splitters before what they point at", () => {
    const { first, afterwards, refused } = planDeletion(states, states);
    expect(first.map(({ name }) => name)).toEqual(["s", "t"]);
    expect(afterwards.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(refused).toEqual([]);
  });
});

describe("a deploy of a splitter with its APIs", () => {
  /** Rolls out what `hold` does not name at once; fails what `fail` names. */
  class Recording extends FakeEnvironment {
    readonly begun: string[] = [];
    readonly #fail: readonly string[];
    readonly #hold: Promise<void>;

    constructor(states: readonly ApiState[], fail: readonly string[], hold: Promise<void> = Promise.resolve()) {
      super({ states });
      this.#fail = fail;
      this.#hold = hold;
    }

    override async *rollOut(...[api]: Parameters<Environment["rollOut"]>): AsyncGenerator<RolloutEvent> {
      this.begun.push(api.name);
      yield { type: "accepted", change: "created", revision: 1 };
      await this.#hold;
      if (this.#fail.includes(api.name)) throw new CortexError("ROLLOUT_FAILED", `${api.name} failed`);
      yield { type: "live", revision: 1, endpoint: `http://localhost:8888/${api.name}` };
    }
  }

  const wanted = [splitter("s", ["a", "b"]), realtimeApi("a"), realtimeApi("b"), splitter("t", ["old"])];
  const options = { force: false, wait: true, timeoutMs: 1_000 };

  async function planned(environment: Environment): Promise<{ plan: DeployPlan; ports: DeployPorts }> {
    const files = filesWith({
      parse: async () => ({ apis: wanted, warnings: [], root: "/p", configFile: "/p/cortex.yaml" }),
    });
    const ports = { environment, files, identity: "ada@laptop", confirm: async () => true };
    return { plan: await plan("cortex.yaml", ports, AbortSignal.timeout(5_000)), ports };
  }

  async function run(environment: Environment): Promise<DeployEvent[]> {
    const { plan, ports } = await planned(environment);
    return Array.fromAsync(deploy(plan, options, ports, AbortSignal.timeout(5_000)));
  }

  test("waits for the APIs that it needs and for no other", async () => {
    const held = Promise.withResolvers<void>();
    const environment = new Recording([apiState("old")], [], held.promise);
    const ended = run(environment);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(environment.begun).toEqual(["a", "b", "t"]);
    held.resolve();
    const events = await ended;
    expect(environment.begun).toEqual(["a", "b", "t", "s"]);
    expect(events.filter((event) => event.type === "api" && event.event.type === "live")).toHaveLength(4);
  });

  test("fails with the API that never was, and not when an older revision of it serves", async () => {
    const first = new Recording([apiState("old")], ["b"]);
    const failed = (await run(first)).flatMap((event) => (event.type === "failed" ? [event.error.message] : []));
    expect(failed).toEqual(["b failed", "s: its API b failed and was never live; s was not created"]);
    expect(first.begun).not.toContain("s");
    const later = new Recording([apiState("old"), apiState("b")], ["b"]);
    await run(later);
    expect(later.begun).toContain("s");
  });
});
