/**
 * Lets the code of a second service enter only when the first call is on its way: what it takes to load it then passes while that
 * is answered. A service that is opened and not called holds up nobody.
 */
export class FirstCall {
  #mayEnter: Promise<void> | undefined;
  #isMade = false;
  readonly #sent = Promise.withResolvers<void>();

  /** Waits for its turn, and opens a service. */
  async open<T>(service: () => Promise<T>): Promise<T> {
    if (this.#mayEnter) {
      await this.#mayEnter;
      return service();
    }
    const opening = service();
    this.#mayEnter = opening.then(
      () => this.#untilSent(),
      () => {},
    );
    return opening;
  }

  made(): void {
    this.#isMade = true;
  }

  /** The call is with the socket, or has come to an end without. */
  sent(): void {
    this.#sent.resolve();
  }

  async #untilSent(): Promise<void> {
    // Whoever waited for the service calls it now, or does not.
    await nextTurn();
    if (this.#isMade) await this.#sent.promise;
    await nextTurn();
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
