import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Project } from "../../../src/core/environment.ts";
import type { BuiltImage, ImageBuilder, ImageEvent, ImageInput } from "../../../src/image/image.ts";
import { imageBuilder } from "../../../src/image/image-builder.ts";
import { type TarEntry, writeTar } from "../../../src/image/layers/tar-writer.ts";
import { readProject } from "../../../src/project/read-project.ts";
import type { Handler } from "../../../src/spec/api.ts";
import { makeWheel } from "../../packages/make-wheel.ts";
import { digestOf, type TestRegistry } from "./registry.ts";

export const noAbort = new AbortController().signal;

/** A project, a runtime and homes of builders, in a folder that is gone when the scope ends. */
export interface Scene extends AsyncDisposable {
  readonly folder: string;
  readonly projectDir: string;
  write(files: Readonly<Record<string, string | Buffer>>): Promise<void>;
  project(): Promise<Project>;
  /** @param home its name; equal names share what they keep */
  builder(home?: string, variables?: Readonly<Record<string, string>>): ImageBuilder;
  input(image: Partial<ImageInput> & Pick<ImageInput, "baseImage" | "repository">): Promise<ImageInput>;
}

export interface Worked {
  readonly image: BuiltImage;
  readonly events: readonly ImageEvent[];
}

export const handler = {
  env: {},
  path: "handler.py",
  dependencies: { pip: "requirements.txt", conda: "conda-packages.txt", shell: "dependencies.sh" },
} as unknown as Handler;

export async function scene(files: Readonly<Record<string, string | Buffer>> = {}): Promise<Scene> {
  const folder = await mkdtemp(join(tmpdir(), "cortex image-"));
  const projectDir = join(folder, "project");
  const runtimeFolder = join(folder, "runtime");
  const wheelsFolder = join(folder, "wheels");
  const write = async (more: Readonly<Record<string, string | Buffer>>) => {
    for (const [name, content] of Object.entries(more)) {
      await mkdir(dirname(join(projectDir, name)), { recursive: true });
      await writeFile(join(projectDir, name), content);
    }
  };
  const wheel = {
    ...{ name: "carried", version: "1.0", minPython: null, maxPython: null, platform: null },
    ...(await makeWheel(wheelsFolder, "carried", "1.0")),
  };
  await mkdir(join(runtimeFolder, "cortex_runtime"), { recursive: true });
  await writeFile(join(runtimeFolder, "wheels.lock"), JSON.stringify({ version: 1, wheels: [wheel] }));
  await writeFile(join(runtimeFolder, "launch.py"), "print('launched')\n");
  await writeFile(join(runtimeFolder, "cortex_runtime/__init__.py"), "");
  await write({ "handler.py": "class Handler: ...\n", "cortex.yaml": "", ...files });
  const project = () => readProject(projectDir, { configFile: "cortex.yaml", signal: noAbort });
  return {
    folder,
    projectDir,
    write,
    project,
    builder: (home = "home", variables = {}) =>
      imageBuilder({
        home: join(folder, home),
        variables: { PATH: process.env.PATH, HOME: join(folder, "nobody"), ...proxyOf(process.env), ...variables },
        installation: { runtimeFolder, wheelsFolder, version: "1.0.0" },
      }),
    input: async (image) => ({ project: await project(), handler, architecture: "amd64", ...image }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** pyenv's shims look there for the interpreters that they stand for. */
function proxyOf(variables: NodeJS.ProcessEnv): Record<string, string> {
  const root = variables.PYENV_ROOT ?? (variables.HOME === undefined ? undefined : join(variables.HOME, ".pyenv"));
  return root === undefined ? {} : { PYENV_ROOT: root };
}

export async function buildAndPush(builder: ImageBuilder, input: ImageInput, signal = noAbort): Promise<Worked> {
  const events: ImageEvent[] = [];
  const image = await builder.build(input, (event) => events.push(event), signal);
  await builder.push(image, (event) => events.push(event), signal);
  return { image, events };
}

export interface BaseOptions {
  readonly python?: string;
  readonly libc?: "glibc" | "musl";
  readonly architecture?: string;
  readonly env?: readonly string[];
  /** More of its files. */
  readonly entries?: readonly TarEntry[];
  /** As Docker's own media types instead of OCI's. */
  readonly isDocker?: boolean;
}

/** Puts a base image into a registry: a C library and a link that is its Python. @returns the digest of its manifest */
export async function putBase(
  registry: TestRegistry,
  name: string,
  tag: string,
  options: BaseOptions = {},
): Promise<string> {
  const { python = "3.11", libc = "glibc", architecture = "amd64", env = [] } = options;
  const family = options.isDocker ? "application/vnd.docker" : "application/vnd.oci";
  const layer = await tarOf([
    ...libraryOf(libc),
    link(`usr/bin/python${python}`, "python"),
    link("usr/bin/python3", `python${python}`),
    ...(options.entries ?? []),
  ]);
  const packed = gzipSync(layer);
  const config = Buffer.from(
    JSON.stringify({
      architecture,
      os: "linux",
      config: { Env: ["PATH=/usr/local/bin:/usr/bin:/bin", ...env] },
      rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
    }),
  );
  for (const blob of [packed, config]) {
    registry.blobs.set(digestOf(blob), blob);
    registry.known.add(`${name}@${digestOf(blob)}`);
  }
  const type = options.isDocker ? `${family}.distribution.manifest.v2+json` : `${family}.image.manifest.v1+json`;
  const layerType = options.isDocker ? `${family}.image.rootfs.diff.tar.gzip` : `${family}.image.layer.v1.tar+gzip`;
  const configType = options.isDocker ? `${family}.container.image.v1+json` : `${family}.image.config.v1+json`;
  const manifest = {
    ...{ schemaVersion: 2, mediaType: type },
    config: { mediaType: configType, digest: digestOf(config), size: config.length },
    layers: [{ mediaType: layerType, digest: digestOf(packed), size: packed.length }],
  };
  return putManifest(registry, name, tag, type, manifest);
}

export function putManifest(registry: TestRegistry, name: string, tag: string, type: string, json: object): string {
  const body = Buffer.from(JSON.stringify(json));
  for (const key of [tag, digestOf(body)]) registry.manifests.set(`${name}:${key}`, { type, body });
  return digestOf(body);
}

export async function tarOf(entries: readonly TarEntry[]): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of writeTar(entries)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

export function file(path: string, content: string | Buffer, executable = false): TarEntry {
  const bytes = Buffer.from(content);
  return { type: "file", path, bytes: bytes.length, executable, open: () => [bytes] };
}

function link(path: string, target: string): TarEntry {
  return { type: "symlink", path, target };
}

function libraryOf(libc: "glibc" | "musl"): TarEntry[] {
  if (libc === "musl") return [file("lib/ld-musl-x86_64.so.1", "musl")];
  const sentence = "GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n";
  return [file("usr/lib/x86_64-linux-gnu/libc.so.6", `\u007fELF${sentence}`)];
}
