import { CortexError } from "../core/errors.ts";
import type { Variables } from "../packages/find-python.ts";
import { readDotEnv } from "../packages/project-variables.ts";
import type { RuntimeFiles } from "../packages/runtime-wheels.ts";
import { type BaseImage, readBaseImage } from "./base/base-image.ts";
import { recallBuilt, rememberBuilt } from "./built-images.ts";
import type { BuiltImage, ImageBuilder, ImageEvent, ImageInput, PullCredentials } from "./image.ts";
import { blobStore, type Layer } from "./layers/blob-store.ts";
import { projectLayers } from "./layers/project-layers.ts";
import { runtimeLayer } from "./layers/runtime-layer.ts";
import { type NamedLayer, writeDocuments } from "./manifest.ts";
import { packagesLayer, readDependencies } from "./packages/packages-layer.ts";
import { targetOf } from "./packages/target.ts";
import { pushImage } from "./push-image.ts";
import { parseReference, parseRepository, showRepository } from "./reference.ts";
import { ecrRegistry } from "./registry/ecr.ts";
import { openRegistries } from "./registry/registries.ts";
import { isPublic } from "./registry/repository-client.ts";
import { sharing } from "./share.ts";

export interface ImageBuilderOptions {
  /** Layers are kept in its folder `images`. */
  readonly home: string;
  /** The process environment: where Docker's settings lie, proxies, what pip and uv read. */
  readonly variables: Variables;
  readonly installation: RuntimeFiles & { readonly version: string };
}

type Step = Extract<ImageEvent, { type: "step" }>["step"];

export function imageBuilder({ home, variables, installation }: ImageBuilderOptions): ImageBuilder {
  const store = blobStore(home);
  const registries = openRegistries(variables);
  // Deploys of many APIs at once want the same of one builder.
  const builds = sharing<BuiltImage, ImageEvent>(false);
  const pushes = sharing<void, ImageEvent>(true);
  const bases = sharing<BaseImage, ImageEvent>(true);
  const credentials = sharing<PullCredentials | undefined, never>(true);

  const build = async (
    input: ImageInput,
    onEvent: (event: ImageEvent) => void,
    signal: AbortSignal,
  ): Promise<BuiltImage> => {
    const { project, handler, architecture } = input;
    const target = parseRepository(input.repository);
    let isNew = false;
    const step = (name: Step) => () => {
      isNew = true;
      onEvent({ type: "step", step: name });
    };
    const onNotice = (message: string) => onEvent({ type: "notice", message });
    const [requirements, dotEnv] = await Promise.all([
      readDependencies(project.root, handler),
      readDotEnv(project.root),
    ]);
    const readBase = (tell: (event: ImageEvent) => void) =>
      readBaseImage(
        {
          ...{ home, architecture, registries, image: input.baseImage },
          onNotice: (message) => tell({ type: "notice", message }),
          onReading: () => tell({ type: "step", step: "reading base image" }),
        },
        signal,
      );
    const [base, code] = await all(
      bases(`${input.baseImage} ${architecture}`, readBase, onEvent, signal),
      projectLayers(store, project, step("packing"), signal),
    );
    const fetching = {
      home,
      variables,
      dotEnv,
      env: handler.env,
      projectDir: project.root,
      runtime: installation,
      target: targetOf(architecture, base.python, base.libc),
    };
    const [packages, runtime] = await all(
      packagesLayer(store, requirements, fetching, step("installing packages"), signal),
      runtimeLayer(store, fetching, onNotice, signal),
    );
    const named: NamedLayer[] = [
      ...(packages ? [{ holds: "packages", layer: packages } as const] : []),
      { holds: "runtime", layer: runtime },
      ...code.map((layer) => ({ holds: "project", layer }) as const),
    ];
    const layers = named.map(({ layer }) => layer);
    const documents = writeDocuments(base, named);
    const { registry, name } = base.reference;
    await rememberBuilt(home, { ...documents, base: { registry, name }, baseLayers: base.layers, layers });
    if (isNew) await store.collect();
    return {
      reference: `${showRepository(target)}@${documents.digest}`,
      pythonVersion: base.python.split(".").slice(0, 2).join("."),
      bytes: layers.reduce((sum, { bytes }: Layer) => sum + bytes, 0),
    };
  };

  const push = async (image: BuiltImage, onEvent: (event: ImageEvent) => void, signal: AbortSignal): Promise<void> => {
    const { tag: _, digest, ...target } = parseReference(image.reference);
    const built = digest === undefined ? undefined : await recallBuilt(home, digest);
    if (!built) {
      throw new CortexError("IMAGE_FAILED", `${image.reference} was not built on this machine, or long ago`, {
        hint: "deploy again from the project's folder",
      });
    }
    await store.touch(built.layers.map((layer) => layer.digest));
    await pushImage({ built, target, registries, store, onEvent }, signal);
  };

  const pullCredentials = async (text: string, signal: AbortSignal): Promise<PullCredentials | undefined> => {
    const repository = parseRepository(text);
    const { registry } = repository;
    if (ecrRegistry(registry)) return undefined;
    const { password, identityToken } = await registries.login(registry, signal);
    if (!password && !identityToken) return undefined;
    if (await isPublic(registries.anonymously(repository), signal)) return undefined;
    // Good for an hour: of no use to a node, and where such tokens are given out nodes have their own way.
    if (password?.username === "oauth2accesstoken") return undefined;
    return { registry, ...(password ?? { username: tokenUser, password: identityToken! }) };
  };

  return {
    build: (input, onEvent, signal) => builds(keyOf(input), (tell) => build(input, tell, signal), onEvent, signal),
    push: (image, onEvent, signal) => pushes(image.reference, (tell) => push(image, tell, signal), onEvent, signal),
    pullCredentials: (repository, signal) =>
      credentials(
        repository,
        () => pullCredentials(repository, signal),
        () => {},
        signal,
      ),
  };
}

/** Of all that an image depends on. */
function keyOf({ project, handler, ...image }: ImageInput): string {
  return JSON.stringify([project.root, project.digest, handler.dependencies, handler.env, image]);
}

/** As whom Azure takes a token for a password. */
const tokenUser = "00000000-0000-0000-0000-000000000000";

/** Waits for both, also when one fails: nothing may be written after that. */
async function all<A, B>(first: Promise<A>, second: Promise<B>): Promise<[A, B]> {
  const [a, b] = await Promise.allSettled([first, second]);
  if (a.status === "rejected") throw a.reason;
  if (b.status === "rejected") throw b.reason;
  return [a.value, b.value];
}
