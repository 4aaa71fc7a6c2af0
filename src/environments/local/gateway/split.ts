import { Meter } from "./meter.ts";
import type { ApiTraffic } from "./traffic.ts";
import type { SplitOptions } from "./types.ts";
import { weightedOrder } from "./weighted-order.ts";

/** All requests to one TrafficSplitter: which API gets which, and which of them another one gets a copy of. */
export class Split {
  readonly splitter: string;
  readonly meter: Meter;
  endpoint: string;
  /** Requests that came through it and are not answered yet. */
  underWay = 0;
  /** Copies that were made, and those that were left out: too large a body, or too much held already. */
  copied = 0;
  notCopied = 0;
  private readonly apis: ReadonlyMap<string, ApiTraffic>;
  private targets: SplitOptions["targets"];
  private order: readonly number[];
  private turn = 0;
  private shadow: SplitOptions["shadow"];
  /** Whether the shadow gets a copy, turn by turn. */
  private copies: readonly boolean[] = [];
  private copyTurn = 0;

  /** @param apis those of the gateway, by name */
  constructor(options: SplitOptions, apis: ReadonlyMap<string, ApiTraffic>) {
    this.splitter = options.splitter;
    this.endpoint = options.endpoint;
    this.apis = apis;
    this.meter = new Meter(performance.now());
    this.targets = [];
    this.order = [];
    this.change(options);
  }

  /** From the next request on; those under way stay with the API that they were sent to. */
  change({ endpoint, targets, shadow }: SplitOptions): void {
    this.endpoint = endpoint;
    this.targets = targets;
    this.order = weightedOrder(targets.map(({ weight }) => weight));
    this.turn = 0;
    this.shadow = shadow;
    this.copies = shadow ? weightedOrder([shadow.weight, 100 - shadow.weight]).map((one) => one === 0) : [];
    this.copyTurn = 0;
  }

  /** The API whose turn it is. */
  nextTarget(): string {
    const { order } = this;
    const index = order[this.turn]!;
    this.turn = this.turn + 1 === order.length ? 0 : this.turn + 1;
    return this.targets[index]!.api;
  }

  /** @returns undefined when it is not routed */
  trafficOf(target: string): ApiTraffic | undefined {
    return this.apis.get(target);
  }

  /** @returns who gets a copy of the request that is sent now; undefined when nobody does */
  nextShadow(): ApiTraffic | undefined {
    const { copies, shadow } = this;
    if (!shadow) return undefined;
    const isCopied = copies[this.copyTurn];
    this.copyTurn = this.copyTurn + 1 === copies.length ? 0 : this.copyTurn + 1;
    return isCopied ? this.apis.get(shadow.api) : undefined;
  }
}
