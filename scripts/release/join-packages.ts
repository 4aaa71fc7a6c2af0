import { chmod, copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type Manifest, mergeManifest, readManifest, writeManifest } from "../package/manifest.ts";
import { checkedManifest } from "./manifest.ts";

/**
 * Brings what several machines packaged, each for its own system, into one folder: in each of `folders` are a manifest.json and the
 * programs that it names.
 * @throws Error when they are not of one build, or a program is not what its manifest says
 */
export async function joinPackages(folders: readonly string[], dist: string): Promise<void> {
  const manifests = await Promise.all(folders.map(checkedManifest));
  const file = join(dist, "manifest.json");
  let joined = await readManifest(file);
  for (const [index, manifest] of manifests.entries()) {
    for (const { file: program } of manifest.targets) {
      await mkdir(dirname(join(dist, program)), { recursive: true });
      await copyFile(join(folders[index]!, program), join(dist, program));
      // What carries files between machines of CI forgets that they can be executed.
      await chmod(join(dist, program), 0o755);
    }
    checkSameBuild(manifests[0]!, manifest);
    joined = mergeManifest(joined, manifest);
  }
  if (joined) await writeManifest(file, joined);
}

function checkSameBuild(first: Manifest, other: Manifest): void {
  const nameOf = ({ version, build, node }: Manifest) => `${version}, build ${build}, Node ${node}`;
  if (nameOf(first) === nameOf(other)) return;
  throw new Error(`these packages are not of one build: ${nameOf(first)}; ${nameOf(other)}`);
}
