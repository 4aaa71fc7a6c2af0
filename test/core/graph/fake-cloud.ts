import { poll } from "../../../src/core/graph/poll.ts";
import {
  type Clock,
  type Found,
  type ResourceKind,
  type States,
  Uncertain,
  type Wanted,
  want,
} from "../../../src/core/graph/resource.ts";

export interface FakeWish {
  readonly id: string;
  readonly value: string;
  /** What it hangs on. */
  readonly on: readonly { readonly kind: FakeKind; readonly id: string }[];
  /** It cannot be changed from one value into another. */
  readonly isFixed?: boolean;
}

export interface FakeState {
  readonly label: string;
  readonly value: string;
  readonly uses: readonly string[];
}

export type FakeKind = ResourceKind<FakeWish, FakeState>;

/** How long the provider takes. */
export interface Latency {
  readonly create: number;
  readonly update?: number;
  readonly remove: number;
}

export interface CloudFaults {
  /** Share of all calls that are throttled, from 0 to 1. */
  readonly throttled?: number;
  /** True: that create is done, and its answer is lost. Counts from 1, creates only. */
  readonly losesReply?: (create: number) => boolean;
  /** What was made is listed only after so many milliseconds. */
  readonly lagMs?: number;
  /** Called before each call; counts from 1, all calls. */
  readonly onCall?: (call: number) => void;
  /** Ids that cannot be made, with the reason. */
  readonly refused?: ReadonlyMap<string, Error>;
  /** From 0 to 1. */
  readonly random?: () => number;
}

interface Thing {
  readonly kind: string;
  readonly id: string;
  readonly label: string;
  value: string;
  uses: readonly string[];
  readonly createdAt: number;
  readonly visibleAt: number;
  /** Until then it is being made, changed or removed. */
  busyUntil: number;
  doing: "making" | "changing" | "removing";
  isFailed: boolean;
}

const callMs = 120;

/** A provider that keeps its rules: nothing is made before what it hangs on is ready, or removed before what hangs on it is gone. */
export class FakeCloud {
  readonly clock: Clock;
  faults: CloudFaults;
  calls = 0;
  creates = 0;
  /** Most calls that were under way at the same moment. */
  mostAtOnce = 0;
  #atOnce = 0;
  #things: Thing[] = [];
  #count = 0;

  constructor(clock: Clock, faults: CloudFaults = {}) {
    this.clock = clock;
    this.faults = faults;
  }

  /** What there is, removed or not yet ready included, sorted. */
  things(): readonly string[] {
    return this.#alive()
      .map(({ id, value }) => `${id}=${value}`)
      .toSorted();
  }

  /** Puts something there, past all rules. */
  put(kind: string, id: string, part: Partial<Omit<Thing, "kind" | "id" | "label">> = {}): string {
    this.#count += 1;
    const label = `${kind}-${this.#count}`;
    this.#things.push({
      kind,
      id,
      label,
      value: "a",
      uses: [],
      createdAt: this.clock.now(),
      visibleAt: 0,
      busyUntil: 0,
      doing: "making",
      isFailed: false,
      ...part,
    });
    return label;
  }

  kind(name: string, needs: readonly string[], latency: Latency): FakeKind {
    const { create, update = 0, remove } = latency;
    const typical = (ms: number) => ms + callMs;
    return {
      name,
      title: name,
      needs,
      typicalMs: { create: typical(create), update: typical(update), remove: typical(remove) },
      list: (signal) => this.#list(name, signal),
      create: async (wish, { states, clock }, signal) => {
        const uses = labelsOf(wish, states);
        const label = await this.#call(signal, () => this.#create(name, wish, uses, create));
        await this.#until(label, "ready", create, clock, signal);
        return this.#state(label);
      },
      *differences(wish, state, states) {
        if (wish.value !== state.value) {
          const isFixed = wish.isFixed && { isFixed: { hint: "make another" } };
          yield { field: `${wish.id}.value`, from: state.value, to: wish.value, ...isFixed };
        }
        const [from, to] = [state.uses.join(), labelsOf(wish, states).join()];
        if (from !== to) yield { field: `${wish.id}.on`, from, to };
      },
      update: async (wish, state, { states, clock }, signal) => {
        const uses = labelsOf(wish, states);
        await this.#call(signal, () => {
          this.#checkReady(uses);
          Object.assign(this.#thing(state.label), { value: wish.value, uses, ...this.#busy("changing", update) });
        });
        await this.#until(state.label, "ready", update, clock, signal);
        return this.#state(state.label);
      },
      settle: async ({ label }, { clock }, signal) => {
        await this.#until(label, "ready", create, clock, signal);
        return this.#state(label);
      },
      remove: async ({ label }, { clock }, signal) => {
        await this.#call(signal, () => this.#remove(label, remove));
        await this.#until(label, "gone", remove, clock, signal);
      },
    };
  }

  async #call<T>(signal: AbortSignal, effect: () => T): Promise<T> {
    this.calls += 1;
    this.faults.onCall?.(this.calls);
    signal.throwIfAborted();
    this.#atOnce += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.#atOnce);
    try {
      const { throttled = 0, random = Math.random } = this.faults;
      for (let waitMs = 200; random() < throttled; waitMs = Math.min(waitMs * 2, 5_000)) {
        await this.clock.sleep(callMs, signal);
        await this.clock.sleep(waitMs * random(), signal);
      }
      await this.clock.sleep(callMs / 2, signal);
      const result = effect();
      await this.clock.sleep(callMs / 2, signal);
      return result;
    } finally {
      this.#atOnce -= 1;
    }
  }

  async #list(kind: string, signal: AbortSignal): Promise<readonly Found<FakeState>[]> {
    return this.#call(signal, () =>
      this.#alive()
        .filter((thing) => thing.kind === kind && thing.visibleAt <= this.clock.now())
        .map((thing) => ({
          id: thing.id,
          label: thing.label,
          state: this.#state(thing.label),
          status: this.#status(thing),
          createdAt: thing.createdAt,
          uses: thing.uses,
          ...(thing.isFailed && { cause: "no capacity" }),
        })),
    );
  }

  #create(kind: string, { id, value }: FakeWish, uses: readonly string[], ms: number): string {
    this.creates += 1;
    const refusal = this.faults.refused?.get(id);
    if (refusal) throw refusal;
    this.#checkReady(uses);
    const visibleAt = this.clock.now() + (this.faults.lagMs ?? 0);
    const label = this.put(kind, id, { value, uses, visibleAt, ...this.#busy("making", ms) });
    if (this.faults.losesReply?.(this.creates)) throw new Uncertain(new Error("socket hang up"));
    return label;
  }

  #remove(label: string, ms: number): void {
    const user = this.#alive().find(({ uses }) => uses.includes(label));
    if (user) throw new Error(`DependencyViolation: ${label} is used by ${user.label}`);
    const thing = this.#alive().find((one) => one.label === label);
    if (thing && this.#status(thing) !== "removing") Object.assign(thing, this.#busy("removing", ms));
  }

  #checkReady(labels: readonly string[]): void {
    for (const label of labels) {
      const status = this.#status(this.#thing(label));
      if (status !== "ready" && status !== "changing") throw new Error(`${label} is used, but ${status}`);
    }
  }

  #busy(doing: Thing["doing"], ms: number): Pick<Thing, "doing" | "busyUntil"> {
    return { doing, busyUntil: this.clock.now() + ms };
  }

  async #until(label: string, goal: "ready" | "gone", typicalMs: number, clock: Clock, signal: AbortSignal) {
    const isThere = () => {
      const thing = this.#alive().find((one) => one.label === label);
      return goal === "gone" ? !thing : thing !== undefined && this.#status(thing) === "ready";
    };
    if (typicalMs === 0 && isThere()) return;
    const wait = { clock, until: `${label} is ${goal}`, typicalMs, timeoutMs: 3_600_000, random: () => 1 };
    await poll((stop) => this.#call(stop, () => (isThere() ? true : undefined)), wait, signal);
  }

  #status(thing: Thing): Found<FakeState>["status"] {
    if (thing.isFailed && thing.doing !== "removing") return "failed";
    return thing.doing === "removing" || thing.busyUntil > this.clock.now() ? thing.doing : "ready";
  }

  #alive(): readonly Thing[] {
    return this.#things.filter(({ doing, busyUntil }) => doing !== "removing" || busyUntil > this.clock.now());
  }

  #thing(label: string): Thing {
    const thing = this.#alive().find((one) => one.label === label);
    if (!thing) throw new Error(`${label} does not exist`);
    return thing;
  }

  #state(label: string): FakeState {
    const { value, uses } = this.#thing(label);
    return { label, value, uses };
  }
}

/** @returns one that is wanted of `kind`, hanging on `on` */
export function wish(kind: FakeKind, id: string, on: readonly Wanted[] = [], value = "a", isFixed = false): Wanted {
  return want({
    kind,
    id,
    needs: on.map((one) => one.id),
    wish: { id, value, isFixed, on: on.map((one) => ({ kind: one.kind as unknown as FakeKind, id: one.id })) },
  });
}

function labelsOf({ on }: FakeWish, states: States): readonly string[] {
  return on.map(({ kind, id }) => states.of(kind, id).label);
}
