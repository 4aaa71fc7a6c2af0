import { CortexError } from "../core/errors.ts";
import type { Variables } from "../packages/find-python.ts";
import { parseReference, parseRepository } from "./reference.ts";
import { ecrRegistry } from "./registry/ecr.ts";
import { type Asking, openRegistries } from "./registry/registries.ts";
import { UnknownRepository } from "./registry/registry-error.ts";
import { findManifest } from "./registry/repository-client.ts";

/** Begins an upload and gives it up again: that much tells whether this machine may push. @throws REGISTRY_FAILED, NOT_AUTHORISED */
export async function checkPush(repository: string, variables: Variables, signal: AbortSignal): Promise<void> {
  const target = parseRepository(repository);
  const asking = openRegistries(variables).to("push to", target);
  try {
    const response = await asking.ask({ to: "blobs/uploads/", method: "POST", expect: [202] }, signal);
    response.stream.resume();
    const { location } = response.headers;
    if (location !== undefined) await giveUp(asking, new URL(location, response.url), signal);
  } catch (error) {
    // ECR has no repository before the first push, which makes it.
    if (!(error instanceof UnknownRepository) || !ecrRegistry(target.registry)) throw error;
  }
}

/** Some registries cannot be told; they forget what is never finished. */
async function giveUp(asking: Asking, location: URL, signal: AbortSignal): Promise<void> {
  try {
    const expect = [200, 202, 204, 404, 405];
    const response = await asking.ask({ to: location, method: "DELETE", expect, isOnlyAttempt: true }, signal);
    response.stream.resume();
  } catch {
    signal.throwIfAborted();
  }
}

/** @returns the image's digest now @throws IMAGE_FAILED when there is none, REGISTRY_FAILED, NOT_AUTHORISED */
export async function resolveImage(image: string, variables: Variables, signal: AbortSignal): Promise<string> {
  const reference = parseReference(image);
  const asking = openRegistries(variables).to("pull from", reference);
  const digest = await findManifest(asking, reference.digest ?? reference.tag!, signal);
  if (digest !== undefined) return digest;
  throw new CortexError("IMAGE_FAILED", `there is no image ${image}`, {
    hint: "check how it is spelled, and whether that registry has it",
  });
}
