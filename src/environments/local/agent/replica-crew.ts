import type { ReplicaPhase } from "../../../core/environment.ts";
import { nextRolloutStep } from "../../../core/rollout.ts";
import type { Generation } from "./generation.ts";
import { ReplicaSlot, type SlotFailure, type SlotPorts } from "./replica-slot.ts";

export interface CrewPorts extends Pick<SlotPorts, "gateway" | "openLog" | "start"> {
  /** Both are called in a turn of their own, never while the crew itself is at work. */
  onPhase(slot: ReplicaSlot, phase: ReplicaPhase | "stopped"): void;
  onFailure(slot: ReplicaSlot, failure: SlotFailure): void;
}

/** The replicas of one API, of whatever generation; those that drain are no more part of it, but it waits for them. */
export class ReplicaCrew {
  readonly #ports: CrewPorts;
  readonly #draining = new Set<Promise<void>>();
  #slots: readonly ReplicaSlot[] = [];

  constructor(ports: CrewPorts) {
    this.#ports = ports;
  }

  get slots(): readonly ReplicaSlot[] {
    return this.#slots;
  }

  get hasReady(): boolean {
    return this.#slots.some((slot) => slot.isReady);
  }

  readyOf(generation: Generation): number {
    return this.#slots.filter((slot) => slot.generation === generation && slot.isReady).length;
  }

  /** @returns whether no replica of another generation is left */
  isAllOf(generation: Generation): boolean {
    return this.#slots.every((slot) => slot.generation === generation);
  }

  /**
   * Takes the next step towards `wanted` replicas of `running`, and none of any other generation.
   * @param running undefined: there shall be no replica
   * @param asked what was asked for, whose update strategy counts where nothing runs
   */
  step(running: Generation | undefined, wanted: number, asked: Generation): void {
    const views = this.#slots.map((slot) => ({
      slot,
      id: slot.id,
      isReady: slot.isReady,
      inFlight: this.#ports.gateway.inFlightOf(asked.revision.spec.name, slot.id),
      startedAt: slot.startedAt,
    }));
    const step = nextRolloutStep({
      wanted: running ? wanted : 0,
      current: views.filter((view) => view.slot.generation === running),
      previous: views.filter((view) => view.slot.generation !== running),
      strategy: (running ?? asked).revision.spec.update_strategy,
    });
    for (const id of step.drain) this.#drain(this.#slots.find((slot) => slot.id === id)!);
    if (running) for (let count = 0; count < step.start; count += 1) this.#start(running);
  }

  /** Ends all of them after their in-flight requests; resolves when nothing is left, of those that drained before either. */
  async end(maxDrainMs: number): Promise<void> {
    await Promise.all(this.#slots.map((slot) => slot.drain(maxDrainMs)));
    await Promise.all(this.#draining);
  }

  #start(generation: Generation): void {
    const { onPhase, onFailure, ...ports } = this.#ports;
    const slot: ReplicaSlot = new ReplicaSlot(generation, {
      ...ports,
      onPhase: (_, phase) => queueMicrotask(() => onPhase(slot, phase)),
      onFailure: (_, failure) => queueMicrotask(() => onFailure(slot, failure)),
    });
    this.#slots = [...this.#slots, slot];
  }

  #drain(slot: ReplicaSlot): void {
    this.#slots = this.#slots.filter((one) => one !== slot);
    const drained = slot.drain().finally(() => this.#draining.delete(drained));
    this.#draining.add(drained);
  }
}
