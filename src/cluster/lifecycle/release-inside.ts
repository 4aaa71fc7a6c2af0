import type { ClusterId, WalkListener } from "../../core/cloud-cluster.ts";
import { CortexError } from "../../core/errors.ts";
import { reach } from "./reach.ts";
import type { Surroundings } from "./surroundings.ts";

const step = { id: "inside", title: "load balancers of Kubernetes", action: "remove" } as const;

/**
 * Has Kubernetes remove what it made in AWS, as long as it answers: whoever made them knows best how. Whatever comes of it, AWS is
 * looked through afterwards.
 */
export async function releaseInside(
  { aws, inside }: Surroundings,
  id: ClusterId,
  onEvent: WalkListener,
  signal: AbortSignal,
): Promise<void> {
  const begunAt = aws.clock.now();
  const tell = (phase: "running" | "done", detail?: string) =>
    onEvent({ ...step, phase, elapsedMs: aws.clock.now() - begunAt, ...(detail !== undefined && { detail }) });
  try {
    const reachable = await reach(aws.inRegion(id.region), id, signal);
    tell("running");
    tell("done", await inside.release(reachable, (detail) => tell("running", detail), signal));
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof CortexError)) throw error;
    tell("done", error.code === "ENVIRONMENT_NOT_FOUND" ? "there is no Kubernetes any more" : error.message);
  }
}
