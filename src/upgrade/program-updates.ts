import { realpathSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CortexError } from "../core/errors.ts";
import type { DownloadProgress, ProgramUpdates } from "../core/program-update.ts";
import { downloadFile, downloadText } from "./download.ts";
import { checkReplaceable, installedBy } from "./installed-by.ts";
import {
  archiveName,
  type Checksums,
  newestVersion,
  parseChecksums,
  releaseFileUrl,
  releaseSource,
} from "./release-source.ts";
import { checkStarts, checkWritable, replaceProgram, withFolderBeside } from "./replace-program.ts";
import { programIn } from "./unpack.ts";

export interface RunningProgram {
  readonly version: string;
  readonly executable: string;
  /** A file of its own, with all that it needs inside. */
  readonly isPackaged: boolean;
  readonly platform: string;
  readonly architecture: string;
}

export interface UpdateOptions {
  readonly running: RunningProgram;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

const checksumsFile = "SHA256SUMS";

export function programUpdates({ running, variables }: UpdateOptions): ProgramUpdates {
  const { version: current, isPackaged, platform, architecture } = running;
  const executable = isPackaged ? realpathSync(running.executable) : running.executable;
  const target = `${platform === "win32" ? "win" : platform}-${architecture}`;
  const by = installedBy(executable, isPackaged);

  /** @param version undefined for the newest */
  const checksums = async (version: string | undefined, signal: AbortSignal): Promise<Checksums> => {
    const url = releaseFileUrl(releaseSource(variables), version, checksumsFile);
    return parseChecksums(await downloadText(url, variables, signal));
  };

  const checkReplaced = async () => {
    checkReplaceable(by);
    await checkWritable(executable);
  };

  return {
    installed: { version: current, by },
    checkReplaceable: checkReplaced,

    async newest(signal) {
      const version = newestVersion(await checksums(undefined, signal), target);
      if (version !== undefined) return version;
      throw new CortexError("FAILED", `the newest release has no program for ${target}`, {
        hint: "`cortex upgrade VERSION` takes another one",
      });
    },

    async install(version, onProgress, signal) {
      await checkReplaced();
      const file = archiveName(version, target);
      const sha256 = (await checksums(version, signal)).get(file);
      if (sha256 === undefined) throw new CortexError("FAILED", `release ${version} has no program for ${target}`);
      const url = releaseFileUrl(releaseSource(variables), version, file);
      await withFolderBeside(executable, async (folder) => {
        const archive = join(folder, file);
        await downloadChecked({ url, archive, sha256, variables }, onProgress, signal);
        const program = join(folder, platform === "win32" ? "cortex.exe" : "cortex");
        await unpack(archive, program, url);
        await checkStarts(program, version, signal);
        await replaceProgram(executable, program, platform);
      });
    },
  };
}

interface Download extends Pick<UpdateOptions, "variables"> {
  readonly url: string;
  readonly archive: string;
  readonly sha256: string;
}

async function downloadChecked(
  { url, archive, sha256, variables }: Download,
  onProgress: (progress: DownloadProgress) => void,
  signal: AbortSignal,
): Promise<void> {
  const found = await downloadFile(url, archive, variables, onProgress, signal);
  if (found === sha256) return;
  throw new CortexError("FAILED", `${url} has SHA-256 ${found}, not ${sha256}`, {
    hint: "nothing was changed: something between here and there changed it, or the release is damaged",
  });
}

async function unpack(archive: string, program: string, url: string): Promise<void> {
  let bytes: Buffer;
  try {
    bytes = await programIn(archive);
  } catch (cause) {
    throw new CortexError("FAILED", `cannot unpack ${url}: ${(cause as Error).message}`, { cause });
  }
  await writeFile(program, bytes, { flush: true });
  await chmod(program, 0o755);
}
