/** A place in a line; who waits carries it, so that joining and leaving allocate nothing. */
export interface Place {
  ahead: Place | undefined;
  behind: Place | undefined;
  isWaiting: boolean;
}

/** First in, first out, and anybody may leave at any time; each step takes constant time. */
export class WaitingLine<T extends Place> {
  length = 0;
  private front: Place | undefined;
  private back: Place | undefined;

  get first(): T | undefined {
    return this.front as T | undefined;
  }

  join(one: T): void {
    this.insert(one, this.back, undefined);
  }

  /** For one that had its turn already. */
  joinFront(one: T): void {
    this.insert(one, undefined, this.front);
  }

  leave(one: T): void {
    if (!one.isWaiting) return;
    if (one.ahead) one.ahead.behind = one.behind;
    else this.front = one.behind;
    if (one.behind) one.behind.ahead = one.ahead;
    else this.back = one.ahead;
    one.ahead = one.behind = undefined;
    one.isWaiting = false;
    this.length--;
  }

  private insert(one: T, ahead: Place | undefined, behind: Place | undefined): void {
    if (one.isWaiting) throw new Error("waits already");
    one.ahead = ahead;
    one.behind = behind;
    one.isWaiting = true;
    if (ahead) ahead.behind = one;
    else this.front = one;
    if (behind) behind.ahead = one;
    else this.back = one;
    this.length++;
  }
}
