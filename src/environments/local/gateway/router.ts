/** Finds the API that a path belongs to: the longest endpoint that is the path or leads to it. */
export class Router<T> {
  private readonly byEndpoint = new Map<string, T>();
  private deepest = 0;

  /** @param endpoint with a leading slash and no trailing one; "/" takes every path that no other endpoint takes */
  set(endpoint: string, target: T): void {
    this.byEndpoint.set(endpoint === "/" ? "" : endpoint, target);
    this.measure();
  }

  delete(endpoint: string): void {
    this.byEndpoint.delete(endpoint === "/" ? "" : endpoint);
    this.measure();
  }

  get(endpoint: string): T | undefined {
    return this.byEndpoint.get(endpoint === "/" ? "" : endpoint);
  }

  /** Sorted. */
  endpoints(): string[] {
    return [...this.byEndpoint.keys()].map((endpoint) => endpoint || "/").sort();
  }

  /** @param path as sent: neither decoded nor normalised; without the query */
  find(path: string): { readonly target: T; readonly endpoint: string } | undefined {
    let endpoint = "";
    let target = this.byEndpoint.get("");
    // As deep as the deepest endpoint and no further, so that a path of a thousand slashes costs no more than others.
    for (let depth = 1, at = 0; depth <= this.deepest && at >= 0; depth++) {
      const next = path.indexOf("/", at + 1);
      const prefix = next < 0 ? path : path.slice(0, next);
      const found = this.byEndpoint.get(prefix);
      if (found !== undefined) {
        target = found;
        endpoint = prefix;
      }
      at = next;
    }
    return target === undefined ? undefined : { target, endpoint };
  }

  private measure(): void {
    this.deepest = Math.max(0, ...[...this.byEndpoint.keys()].map((endpoint) => endpoint.split("/").length - 1));
  }
}

/** The target that a replica sees: `target` (path and query) without the endpoint in front. */
export function stripEndpoint(target: string, endpoint: string): string {
  const rest = target.slice(endpoint.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}
