import type { ApiState, Revision, RolloutEvent } from "../../../core/environment.ts";
import { CortexError } from "../../../core/errors.ts";
import { splitterHasNone, targetsOf } from "../../../core/splitters.ts";
import { EventHistory } from "../../../core/streams.ts";
import type { TrafficSplitter } from "../../../spec/api.ts";
import { type ApiRecord, keepRevisions } from "./api-store.ts";
import type { Controller, ControllerPorts } from "./controller.ts";

/** A revision of a TrafficSplitter: it has no project. */
export type SplitterRevision = Revision & { readonly spec: TrafficSplitter };

type Wanted = Pick<ApiRecord, "revisions" | "wanted">;
type History = EventHistory<RolloutEvent>;

/** Runs one TrafficSplitter, which is all in the gateway: what is asked for is live at once. */
export class SplitterController implements Controller {
  readonly name: string;
  readonly kind = "TrafficSplitter";
  readonly projects: readonly string[] = [];
  readonly #ports: ControllerPorts;
  /** What is live: revisions are oldest first. */
  #now: Wanted;
  /** What was live before, as long as it is not certain that what is live now is on disk. */
  #before: Wanted | undefined;
  #history: History = new EventHistory();
  #isRemoved = false;
  #saved: Promise<void> = Promise.resolve();

  private constructor(now: Wanted, ports: ControllerPorts) {
    this.#now = now;
    this.#ports = ports;
    this.name = this.#revision.spec.name;
  }

  static create(revision: SplitterRevision, ports: ControllerPorts): SplitterController {
    const controller = new SplitterController({ revisions: [revision], wanted: revision.number }, ports);
    controller.#begin("created");
    controller.#save();
    return controller;
  }

  static restore({ revisions, wanted }: ApiRecord, ports: ControllerPorts): SplitterController {
    const controller = new SplitterController({ revisions, wanted }, ports);
    controller.#route();
    return controller;
  }

  get revisions(): readonly Revision[] {
    return this.#now.revisions.toReversed();
  }

  get history(): History {
    return this.#history;
  }

  get endpoints(): readonly string[] {
    return [this.#revision.spec.networking.endpoint];
  }

  get targets(): readonly string[] {
    return targetsOf(this.#revision.spec);
  }

  state(): ApiState {
    const { gateway, isDeployed } = this.#ports;
    const revision = this.#revision;
    // Only files that somebody has damaged can make an agent forget an API that is in use.
    const missing = this.targets.filter((target) => !isDeployed(target));
    return {
      name: this.name,
      kind: this.kind,
      revision,
      serving: revision.number,
      status:
        missing.length === 0
          ? { code: "status_live" }
          : { code: "status_error", message: `not deployed any more: ${missing.join(", ")}` },
      requested: 0,
      ready: 0,
      upToDate: 0,
      replicas: [],
      endpoint: this.#endpoint,
      metrics: gateway.metrics(this.name),
      notices: [],
    };
  }

  rollOut(revision: SplitterRevision): History {
    const { revisions } = this.#now;
    if (revision.id === this.#revision.id) return this.#begin("updated");
    const next = { ...revision, number: Math.max(...revisions.map(({ number }) => number)) + 1 };
    this.#before = this.#now;
    this.#now = { revisions: keepRevisions([...revisions, next], next.number), wanted: next.number };
    this.#begin("updated");
    this.#save();
    return this.#history;
  }

  refresh(): never {
    throw splitterHasNone(this.#revision.spec, "replicas to replace", "refresh");
  }

  abandon(): void {
    if (!this.#before) return;
    this.#now = this.#before;
    this.#before = undefined;
    this.#route();
    this.#ports.changed();
  }

  async remove(): Promise<void> {
    this.#isRemoved = true;
    this.#history.end(new CortexError("API_NOT_FOUND", `${this.name} was deleted`));
    this.#ports.gateway.removeSplit(this.name);
    await this.#saved.catch(() => {});
  }

  async close(): Promise<void> {
    this.#isRemoved = true;
    await this.#saved.catch(() => {});
  }

  observe(): void {}

  wake(): void {}

  async saved(): Promise<void> {
    await this.#saved;
    this.#before = undefined;
  }

  keep(): void {
    this.#save();
  }

  get #revision(): SplitterRevision {
    return this.#now.revisions.find(({ number }) => number === this.#now.wanted) as SplitterRevision;
  }

  get #endpoint(): string {
    return `http://localhost:${this.#ports.port()}${this.#revision.spec.networking.endpoint}`;
  }

  #begin(change: "created" | "updated"): History {
    this.#route();
    const { number } = this.#revision;
    this.#history = new EventHistory();
    this.#history.push({ type: "accepted", change, revision: number });
    this.#history.push({ type: "live", revision: number, endpoint: this.#endpoint });
    this.#history.end();
    this.#ports.changed();
    return this.#history;
  }

  #route(): void {
    const { apis, networking } = this.#revision.spec;
    const targets = apis.map(({ name, weight, shadow }) => ({ api: name, weight, shadow }));
    const shadow = targets.find((target) => target.shadow);
    this.#ports.gateway.setSplit({
      splitter: this.name,
      endpoint: networking.endpoint,
      targets: targets.filter((target) => !target.shadow),
      ...(shadow && { shadow }),
    });
  }

  #save(): void {
    if (this.#isRemoved) return;
    const { revisions, wanted } = this.#now;
    const record: ApiRecord = { name: this.name, revisions, wanted, live: wanted, requested: 0 };
    this.#saved = this.#saved.catch(() => {}).then(() => this.#ports.save(record));
    this.#saved.catch(() => {});
  }
}
