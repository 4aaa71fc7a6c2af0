import type {
  ApiRequest,
  ApiResponse,
  ApiState,
  Environment,
  LogLine,
  LogOptions,
  Revision,
  RolloutEvent,
} from "../../../src/core/environment.ts";
import { CortexError } from "../../../src/core/errors.ts";
import { now, revision } from "./states.ts";

export interface FakeOptions {
  readonly states?: readonly ApiState[];
  readonly history?: readonly Revision[];
  /** What a rollout yields; an error is thrown where it stands. */
  readonly rollout?: readonly (RolloutEvent | CortexError | "hang")[];
  /** The lists that `watch` yields before it waits for the signal. */
  readonly watched?: readonly (readonly ApiState[])[];
  readonly lines?: readonly LogLine[];
  readonly answer?: (request: ApiRequest) => ApiResponse;
  /** The states after something was rolled out. */
  readonly after?: readonly ApiState[];
}

/** An environment in memory: does what it is told, and remembers what it was asked. */
export class FakeEnvironment implements Environment {
  readonly name = "local";
  readonly kind = "local";
  readonly calls: unknown[] = [];
  readonly #options: FakeOptions;
  #states: readonly ApiState[];

  constructor(options: FakeOptions = {}) {
    this.#options = options;
    this.#states = options.states ?? [];
  }

  suits() {
    return { refusals: [], notices: [] };
  }

  revisionId(): string {
    return "0123456789abcdef";
  }

  async list(): Promise<readonly ApiState[]> {
    return this.#states;
  }

  async *watch(signal: AbortSignal): AsyncGenerator<readonly ApiState[]> {
    for (const states of this.#options.watched ?? [this.#states]) yield states;
    await aborted(signal);
  }

  rollOut(...[api, , options, signal]: Parameters<Environment["rollOut"]>): AsyncIterable<RolloutEvent> {
    this.calls.push({ rollOut: api.name, ...options });
    return this.#rollout(signal);
  }

  rollBack(...[name, target, options, signal]: Parameters<Environment["rollBack"]>): AsyncIterable<RolloutEvent> {
    this.calls.push({ rollBack: name, revision: target, ...options });
    return this.#rollout(signal);
  }

  refresh(...[name, options, signal]: Parameters<Environment["refresh"]>): AsyncIterable<RolloutEvent> {
    this.calls.push({ refresh: name, ...options });
    return this.#rollout(signal);
  }

  async history(): Promise<readonly Revision[]> {
    return this.#options.history ?? [revision(3), revision(2), revision(1)];
  }

  async remove(name: string, options: { readonly keepCache: boolean }): Promise<void> {
    this.calls.push({ remove: name, ...options });
    this.#states = this.#states.filter((state) => state.name !== name);
  }

  async *logs(name: string, options: LogOptions, signal: AbortSignal): AsyncGenerator<LogLine> {
    this.calls.push({ logs: name, ...options });
    yield* this.#options.lines ?? [];
    if (options.follow) await aborted(signal);
  }

  async request(name: string, request: ApiRequest): Promise<ApiResponse> {
    this.calls.push({ request: name, ...request, body: Buffer.from(request.body).toString() });
    return this.#options.answer!(request);
  }

  async *#rollout(signal: AbortSignal): AsyncGenerator<RolloutEvent> {
    for (const event of this.#options.rollout ?? successfulRollout) {
      if (event === "hang") await aborted(signal);
      else if (event instanceof CortexError) throw event;
      else yield event;
    }
    this.#states = this.#options.after ?? this.#states;
  }
}

export const successfulRollout: readonly RolloutEvent[] = [
  { type: "accepted", change: "created", revision: 1 },
  { type: "replica", replica: "iris-1-a", phase: "starting", at: now - 2_000 },
  { type: "replica", replica: "iris-1-a", phase: "loading", at: now - 1_000 },
  { type: "replica", replica: "iris-1-a", phase: "ready", at: now },
  { type: "live", revision: 1, endpoint: "http://localhost:8888/iris" },
];

export function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}
