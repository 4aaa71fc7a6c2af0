import type { Project } from "../core/environment.ts";
import type { Handler } from "../spec/api.ts";

/** What an image is made of. Equal input gives an equal digest, on every machine. */
export interface ImageInput {
  readonly project: Project;
  readonly handler: Handler;
  /** Image to build on, e.g. `docker.io/library/python:3.12-slim`; `handler.image` when the user names one. */
  readonly baseImage: string;
  /** Of the cluster's nodes: `amd64` or `arm64`. */
  readonly architecture: string;
  /** Repository to push to, without a tag, e.g. `registry.example.com/models/iris`. */
  readonly repository: string;
}

/** An image that is computed, its own layers on this machine's disk. */
export interface BuiltImage {
  /** `registry.example.com/models/iris@sha256:…`: what a pod names. */
  readonly reference: string;
  /** Interpreter of the base image, e.g. "3.12". */
  readonly pythonVersion: string;
  /** Of the layers that are ours, compressed. */
  readonly bytes: number;
}

export type ImageEvent =
  | { readonly type: "step"; readonly step: "reading base image" | "installing packages" | "packing" }
  /** Sent again and again; `sentBytes` never shrinks. Layers that the registry has count for neither number. */
  | { readonly type: "upload"; readonly sentBytes: number; readonly totalBytes: number }
  | { readonly type: "notice"; readonly message: string };

/** What kubelet needs to pull from a registry that wants a password; becomes a Secret of type kubernetes.io/dockerconfigjson. */
export interface PullCredentials {
  readonly registry: string;
  readonly username: string;
  readonly password: string;
}

/** Makes images without Docker: base image + packages + runtime + project, over the registry's own API. */
export interface ImageBuilder {
  /**
   * Computes the image; pushes nothing. The same input again costs a few milliseconds.
   * @throws IMAGE_FAILED, PACKAGES_FAILED (the package and the way out named), NOT_SUPPORTED (what would have to run code),
   * PYTHON_UNUSABLE (none here to run pip), PROJECT_INVALID, FILE_NOT_FOUND, REGISTRY_FAILED, NOT_AUTHORISED, DISK_FULL
   */
  build(input: ImageInput, onEvent: (event: ImageEvent) => void, signal: AbortSignal): Promise<BuiltImage>;
  /**
   * Brings what `build` computed to its registry; blobs that are there are not sent. Safe when several do it at once.
   * @throws REGISTRY_FAILED, NOT_AUTHORISED, IMAGE_FAILED (its layers are gone from this machine: build it again)
   */
  push(image: BuiltImage, onEvent: (event: ImageEvent) => void, signal: AbortSignal): Promise<void>;
  /** @returns undefined when nodes can pull without, or have their own way (ECR) */
  pullCredentials(repository: string, signal: AbortSignal): Promise<PullCredentials | undefined>;
}

/**
 * Where things lie inside an image. Files belong to user 1000, group 1000, as whom the handler runs:
 *   /cortex/runtime   launch.py and cortex_runtime
 *   /cortex/wheels    the runtime's own packages, unpacked, for the image's Python
 *   /cortex/packages  the user's packages (a site-packages folder)
 *   /cortex/project   the project
 * Start it with `<python> /cortex/runtime/launch.py env:CORTEX_REPLICA`.
 */
export const imageFolders = {
  runtime: "/cortex/runtime",
  wheels: "/cortex/wheels",
  packages: "/cortex/packages",
  project: "/cortex/project",
} as const;

/** Numeric user and group that handlers run as. */
export const imageUser = 1000;
