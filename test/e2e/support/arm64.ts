import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { text } from "node:stream/consumers";
import { arm64Libraries, findEmulator } from "../../../scripts/test/emulation.ts";
import { projectRoot } from "../../../scripts/toolchain.mjs";
import { type Program, packagedFor } from "./program.ts";

/** The program for linux-arm64, which this machine starts under qemu until it is disposed of. */
export interface EmulatedProgram extends AsyncDisposable {
  readonly program: Program;
}

/** How the kernel knows such a program: by the first twenty bytes of its file, and those of their bits that count. */
const magic = "\\x7fELF\\x02\\x01\\x01\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x02\\x00\\xb7\\x00";
const mask = "\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\x00\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xff\\xfe\\xff\\xff\\xff";

/** What is tried before a test begins has no other limit. */
const limited = { timeout: 60_000, killSignal: "SIGKILL" } as const;

/** Says so once the emulator `$1` is registered; ends with its standard input. */
const register = `mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf %s ":arm64:M::$2:$3:$1:F" >/proc/sys/fs/binfmt_misc/register
echo registered
exec cat`;

/**
 * Cortex starts itself anew as its agent, so the kernel itself has to know of qemu. Where it does not, it is told in a user
 * namespace: for what is started in that, for nothing else on this machine, and by anybody. Python is the machine's own.
 * @returns why it cannot be started here, in words, where it cannot
 */
export async function startEmulated(): Promise<EmulatedProgram | string> {
  const file = packagedFor("linux-arm64");
  if (!existsSync(file)) return "there is none: npm run package -- --target linux-arm64";
  const emulator = findEmulator();
  if (!emulator)
    return "needs qemu: apt install qemu-user-static libc6-arm64-cross libstdc++6-arm64-cross libatomic1-arm64-cross";
  const env = { QEMU_LD_PREFIX: arm64Libraries };
  const program = { file, name: `${relative(projectRoot, file)} under qemu`, env, target: "linux-arm64", isSlow: true };
  // What cannot be started is tried as a shell's script, in a folder where that could write nothing.
  const isTold = spawnSync(file, ["--version"], { cwd: "/proc", env, ...limited }).status === 0;
  if (isTold) return { program, async [Symbol.asyncDispose]() {} };

  const command = ["sh", "-ec", register, "sh", emulator, magic, mask];
  const absent = ["unshare", "nsenter"].find((name) => spawnSync(name, ["--version"], limited).error !== undefined);
  if (absent) return `there is no ${absent}`;
  const holder = spawn("unshare", ["--user", "--map-root-user", "--mount", ...command]);
  const complaint = text(holder.stderr);
  const tooLate = setTimeout(() => holder.kill("SIGKILL"), limited.timeout);
  const [said] = await Promise.race([once(holder.stdout, "data"), once(holder, "close")]);
  clearTimeout(tooLate);
  if (String(said) !== "registered\n") return `the kernel cannot be told of qemu: ${(await complaint).trim()}`;
  return {
    program: { ...program, before: ["nsenter", `--target=${holder.pid}`, "--user", "--preserve-credentials"] },
    async [Symbol.asyncDispose]() {
      const ended = once(holder, "close");
      holder.stdin.end();
      await ended;
    },
  };
}
