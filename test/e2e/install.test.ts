import { execFile, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { speaking, spec } from "../conformance/handlers.ts";
import { eventually } from "../support/cortex.ts";
import { printedInstallation } from "../support/readme.ts";
import { type ReleaseServer, releaseServer, standIn, thisTarget } from "../support/release-server.ts";
import { startWalk } from "./support/walker.ts";

const root = resolve(import.meta.dirname, "../..");
const run = promisify(execFile);
const pathOf = (program: string) =>
  spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" }).stdout.trim();
const isThere = (program: string) => {
  const { error, stdout } = spawnSync(program, ["--version"], { encoding: "utf8" });
  // Others of that name are told apart by the installer, and refused.
  return error === undefined && (program !== "wget" || stdout.startsWith("GNU Wget 1"));
};
const isUnix = process.platform !== "win32" && isThere("curl");
const archive = `cortex-1.0.0-${thisTarget}`;
/** Found on every Linux and macOS; curl, wget and xz are given to a test that has them. */
const tools =
  "sh uname getconf ldd ls grep sed head mktemp mkdir rm mv chmod tar gzip cut readlink cat id date sha256sum shasum sysctl expr".split(
    " ",
  );

interface Installed {
  readonly status: number | null;
  readonly output: string;
}

/** A machine where nothing is installed: a home, and a folder with the programs that it has. */
interface Machine extends AsyncDisposable {
  readonly home: string;
  readonly program: string;
  /** Puts a script on the PATH. */
  fake(name: string, script: string): void;
  /** Runs a command line as a person would, releases coming from `releases`. */
  shell(command: string, variables?: Readonly<Record<string, string>>): Promise<Installed>;
  /** Runs install.sh. */
  install(args?: readonly string[], variables?: Readonly<Record<string, string>>): Promise<Installed>;
}

let releases: ReleaseServer;

beforeAll(async () => {
  releases = await releaseServer();
  await releases.add("0.9.0", standIn("0.9.0"));
  await releases.add("1.0.0", standIn("1.0.0"));
  for (const name of ["install.sh", "install.ps1"]) {
    writeFileSync(join(releases.folder, "latest/download", name), readFileSync(join(root, "scripts/release", name)));
  }
});

afterAll(() => releases[Symbol.asyncDispose]());

async function machine(has: readonly string[] = ["curl", "xz"]): Promise<Machine> {
  // A name with what shells stumble over.
  const folder = await mkdtemp(join(tmpdir(), "cortex test-"));
  const [home, bin] = [join(folder, "höme"), join(folder, "bin")];
  mkdirSync(home);
  mkdirSync(bin);
  for (const name of [...tools, ...has]) {
    const found = pathOf(name);
    if (found.startsWith("/")) symlinkSync(found, join(bin, name));
  }
  const shell: Machine["shell"] = async (command, variables = {}) => {
    const env = {
      HOME: home,
      PATH: `${join(home, ".local/bin")}:${bin}`,
      CORTEX_RELEASES_URL: releases.url,
      ...variables,
    };
    // Not run synchronously: the server is in this process.
    return run("/bin/sh", ["-c", `{ ${command}\n} 2>&1`], { env, cwd: home }).then(
      ({ stdout }) => ({ status: 0, output: stdout }),
      (error: { code: number; stdout: string }) => ({ status: error.code, output: error.stdout }),
    );
  };
  return {
    home,
    program: join(home, ".local/bin/cortex"),
    shell,
    fake(name, script) {
      spawnSync("rm", ["-f", join(bin, name)]);
      writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    },
    install: (args = [], variables) =>
      shell(["sh", join(root, "scripts/release/install.sh"), ...args].map((word) => `'${word}'`).join(" "), variables),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function put(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}

describe.skipIf(!isUnix)("the section `Install` of README.md", () => {
  test("installs as it is printed, releases coming from this machine", async () => {
    await using here = await machine();
    // As on a system where nothing was installed for this user yet.
    const ran = await here.shell(printedInstallation(releases.url), { PATH: join(here.home, "../bin") });
    expect(ran).toEqual({ status: 0, output: expect.stringContaining(`cortex 1.0.0 is installed: ${here.program}\n`) });
    expect(ran.output.endsWith("\ncortex 1.0.0\n")).toBe(true);
    expect((await stat(here.program)).mode & 0o777).toBe(0o755);
  });
});

describe.skipIf(!isUnix)("install.sh", () => {
  test.each([[["curl"]], [["wget"]], [["wget", "xz"]]].filter(([all]) => all!.every(isThere)))(
    "needs no more than %j",
    async (has) => {
      await using here = await machine(has);
      expect(await here.install()).toMatchObject({ status: 0 });
      expect(await readFile(here.program, "utf8")).toBe(standIn("1.0.0"));
      expect(await readdir(dirname(here.program))).toEqual(["cortex"]);
    },
  );

  test("says what is missing where there is neither curl nor wget, or nothing that computes SHA-256", async () => {
    await using bare = await machine([]);
    expect((await bare.install()).output).toContain("error: neither curl nor wget is there");
    await using here = await machine(["curl"]);
    for (const name of ["sha256sum", "shasum"]) spawnSync("rm", ["-f", join(here.home, "../bin", name)]);
    const ran = await here.install();
    expect(ran.output).toContain("nothing here computes SHA-256");
    expect(ran.status).toBe(1);
    expect(existsSync(here.program)).toBe(false);
  });

  test("installs the version that is named, into the folder that is named, and says when that is not on the PATH", async () => {
    await using here = await machine();
    const folder = join(here.home, "my tools");
    const ran = await here.install(["v0.9.0"], { CORTEX_INSTALL_DIR: folder });
    expect(ran.output).toContain(`${folder} is not on your PATH: export PATH="${folder}:$PATH"`);
    expect(await readFile(join(folder, "cortex"), "utf8")).toBe(standIn("0.9.0"));
    expect(existsSync(here.program)).toBe(false);
  });

  test("replaces an older Cortex, but no other program of that name unless it is told to", async () => {
    await using here = await machine();
    put(here.program, standIn("0.9.0"));
    expect(await here.install()).toMatchObject({ status: 0 });
    expect(await readFile(here.program, "utf8")).toBe(standIn("1.0.0"));
    // It is not even started.
    const other = `#!/bin/sh\ntouch ${JSON.stringify(join(here.home, "started"))}\n`;
    put(here.program, other);
    const refused = await here.install();
    expect(refused).toEqual({
      status: 1,
      output:
        `error: ${here.program} is there already, and it is not this Cortex but another program\n` +
        "hint: to keep it, set CORTEX_INSTALL_DIR to another folder; to replace it, add --replace: | sh -s -- --replace\n",
    });
    expect(await readFile(here.program, "utf8")).toBe(other);
    expect(existsSync(join(here.home, "started"))).toBe(false);
    expect(await here.install(["--replace"])).toMatchObject({ status: 0 });
    expect(await readFile(here.program, "utf8")).toBe(standIn("1.0.0"));
  });

  test("says what a link leads to, and leaves it and that alone", async () => {
    await using here = await machine();
    const clone = join(here.home, "clone/dist/cortex");
    put(clone, "#!/bin/sh\n");
    mkdirSync(dirname(here.program), { recursive: true });
    symlinkSync(clone, here.program);
    expect((await here.install()).output).toContain(`not this Cortex but a link to ${clone}`);
    expect(await here.install(["--replace"])).toMatchObject({ status: 0 });
    expect(await readFile(clone, "utf8")).toBe("#!/bin/sh\n");
    expect(await readFile(here.program, "utf8")).toBe(standIn("1.0.0"));
  });

  test("tells of a cortex that comes before it on the PATH", async () => {
    await using here = await machine();
    here.fake("cortex", "echo other");
    const folder = join(here.home, "late");
    const path = `${join(here.home, "../bin")}:${folder}`;
    const ran = await here.install([], { CORTEX_INSTALL_DIR: folder, PATH: path });
    expect(ran.output).toContain(`\`cortex\` is ${join(here.home, "../bin/cortex")} on your PATH, which comes before`);
  });

  test("changes nothing when what was downloaded is not what its checksum says", async () => {
    await using spoilt = await releaseServer();
    await spoilt.add("1.0.0", standIn("1.0.0"));
    await spoilt.spoil(`download/v1.0.0/${archive}.tar.gz`);
    await using here = await machine();
    put(here.program, standIn("0.9.0"));
    const ran = await here.install([], { CORTEX_RELEASES_URL: spoilt.url });
    expect(ran.status).toBe(1);
    expect(ran.output).toMatch(/error: .* has SHA-256 [0-9a-f]{64}, not [0-9a-f]{64}\nhint: nothing was installed/);
    expect(await readFile(here.program, "utf8")).toBe(standIn("0.9.0"));
    expect(await readdir(dirname(here.program))).toEqual(["cortex"]);
  });

  test("changes nothing when the program does not start here", async () => {
    await using broken = await releaseServer();
    await broken.add("1.0.0", "#!/bin/sh\necho no such library >&2\nexit 127\n");
    await using here = await machine();
    const ran = await here.install([], { CORTEX_RELEASES_URL: broken.url });
    expect(ran.output).toContain("error: the program does not run on this machine: no such library");
    expect(existsSync(here.program)).toBe(false);
  });

  describe.each(["dash", "bash", "busybox sh"].filter((shell) => isThere(shell.split(" ")[0]!)))("in %s", (shell) => {
    const machineOf = async () => {
      const here = await machine();
      const [name, ...args] = shell.split(" ");
      here.fake("sh", `exec ${[pathOf(name!), ...args].join(" ")} "$@"`);
      return here;
    };

    test("installs, and again over what it installed", async () => {
      await using here = await machineOf();
      for (const version of ["0.9.0", "1.0.0"]) {
        expect(await here.install([version])).toMatchObject({ status: 0 });
        expect(await readFile(here.program, "utf8")).toBe(standIn(version));
      }
      expect(await readdir(dirname(here.program))).toEqual(["cortex"]);
    });

    test("changes nothing when the archive ends too early, though it be the one that was meant", async () => {
      await using cut = await releaseServer();
      await cut.add("1.0.0", standIn("1.0.0"));
      const file = join(cut.folder, `download/v1.0.0/${archive}.tar.gz`);
      const bytes = readFileSync(file).subarray(0, -60);
      writeFileSync(file, bytes);
      const sums = `${sha256(bytes)}  ${archive}.tar.gz\n`;
      for (const place of ["download/v1.0.0", "latest/download"]) {
        writeFileSync(join(cut.folder, place, "SHA256SUMS"), sums);
      }
      await using here = await machineOf();
      put(here.program, standIn("0.9.0"));
      const ran = await here.install([], { CORTEX_RELEASES_URL: cut.url });
      expect(ran).toMatchObject({ status: 1, output: expect.stringContaining(`error: cannot unpack ${archive}`) });
      expect(await readFile(here.program, "utf8")).toBe(standIn("0.9.0"));
      expect(await readdir(dirname(here.program))).toEqual(["cortex"]);
    });

    test.each(["INT", "TERM", "HUP"])("leaves nothing when it is interrupted in a download, by SIG%s", async (name) => {
      await using here = await machineOf();
      here.fake(
        "curl",
        `while [ "$1" != -o ]; do shift; done
        case $3 in
          *SHA256SUMS) exec ${pathOf("curl")} -fs -o "$2" "$3" ;;
        esac
        echo half >"$2"
        kill -${name} $PPID`,
      );
      expect(await here.install()).toMatchObject({ status: 130 });
      expect(await readdir(dirname(here.program))).toEqual([]);
    });

    test("says where it cannot make its folder", async () => {
      await using here = await machineOf();
      writeFileSync(join(here.home, "file"), "");
      const ran = await here.install([], { CORTEX_INSTALL_DIR: join(here.home, "file/bin") });
      expect(ran.status).toBe(1);
      expect(ran.output).toContain(`error: cannot make the folder ${here.home}/file/bin\nhint: set CORTEX_INSTALL_DIR`);
    });
  });

  test("does nothing when it came only in part", async () => {
    await using here = await machine();
    const text = readFileSync(join(root, "scripts/release/install.sh"), "utf8");
    for (const part of [0.3, 0.6, 0.9, 0.99]) {
      writeFileSync(join(here.home, "part.sh"), text.slice(0, text.length * part));
      await here.shell("sh part.sh");
      expect(existsSync(join(here.home, ".local"))).toBe(false);
    }
  });

  test.each([
    ["uname", 'test "$1" = -m && echo riscv64 || echo Linux', "there is no Cortex for riscv64"],
    ["uname", 'test "$1" = -m && echo x86_64 || echo FreeBSD', "there is no Cortex for FreeBSD"],
    ["uname", 'test "$1" = -m && echo x86_64 || echo MINGW64_NT-10.0', "use install.ps1, in PowerShell"],
  ])("says of a system that there is none for: %s, %s", async (name, script, said) => {
    await using here = await machine();
    here.fake(name, script);
    const ran = await here.install();
    expect(ran.status).toBe(1);
    expect(ran.output).toContain(said);
  });

  test("says that musl, an old glibc and 32 bits will not do", async () => {
    await using here = await machine();
    here.fake("uname", 'test "$1" = -m && echo x86_64 || echo Linux');
    here.fake("getconf", 'test "$1" = LONG_BIT && echo 64 || exit 1');
    here.fake("ldd", "echo 'musl libc (x86_64)' >&2; exit 1");
    expect((await here.install()).output).toContain("error: this system has musl, as Alpine Linux does");
    here.fake("getconf", 'test "$1" = LONG_BIT && echo 64 || echo glibc 2.17');
    expect((await here.install()).output).toContain(
      "error: this system has glibc 2.17, and Cortex needs 2.28 or newer",
    );
    here.fake("getconf", 'test "$1" = LONG_BIT && echo 32 || echo glibc 2.36');
    expect((await here.install()).output).toContain("error: this is a 32-bit system");
  });

  test("takes a Mac for what it is, though its shell be translated", async () => {
    await using here = await machine();
    here.fake("uname", 'test "$1" = -m && echo x86_64 || echo Darwin');
    here.fake("sysctl", "echo 1");
    expect((await here.install()).output).toContain("the newest release has no Cortex for darwin-arm64");
  });

  test("takes programs by https, or from this machine", async () => {
    await using here = await machine();
    for (const url of [
      "http://mirror.example.com",
      "http://127.0.0.1.example.com",
      "http://127.0.0.1:1x.example.com",
      "ftp://localhost",
      "",
    ]) {
      const ran = await here.install([], { CORTEX_RELEASES_URL: url, https_proxy: "http://127.0.0.1:1" });
      expect(ran.status).toBe(1);
      expect(ran.output).toContain(
        url === "" ? "cannot download https://github.com/" : "from which no program is taken",
      );
    }
    // What looks like this machine is a user's name.
    for (const url of [
      "http://127.0.0.1:1@mirror.example.com",
      "http://[::1]@x.example.com",
      "http://localhost#@x.example",
    ]) {
      const { output } = await here.install([], { CORTEX_RELEASES_URL: url });
      expect(output).toContain("CORTEX_RELEASES_URL has more than a host and a port before its path");
    }
  });

  test.each(["curl", "wget"].filter(isThere))("asks this machine without a proxy, by %s", async (client) => {
    await using here = await machine([client]);
    const proxy = "http://127.0.0.1:1";
    expect(await here.install([], { http_proxy: proxy, HTTP_PROXY: proxy, ALL_PROXY: proxy })).toMatchObject({
      status: 0,
    });
  });

  test.each(["curl", "wget"].filter(isThere))("follows no redirect that is not https, by %s", async (client) => {
    await using here = await machine([client]);
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url!);
      response.writeHead(302, { location: releases.url + request.url }).end();
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const ran = await here.install([], { CORTEX_RELEASES_URL: url });
    server.close();
    expect(ran.status).toBe(1);
    expect(ran.output).toContain(`cannot download ${url}/latest/download/SHA256SUMS`);
    expect(asked).toEqual(["/latest/download/SHA256SUMS"]);
    expect(await readdir(dirname(here.program))).toEqual([]);
  });

  test("follows redirects to https by wget, one by one, also those that name no server", async () => {
    await using here = await machine([]);
    // Stands for GNU's wget, and for servers by https.
    here.fake(
      "wget",
      `case $1 in --version) echo "GNU Wget 1"; exit ;; esac
      for last; do :; done
      while [ "$1" != -O ]; do shift; done
      case $last in
        http://*) echo "  Location: https://a.example/x/\${last##*/}\r" >&2; exit 8 ;;
        https://a.example/x/*) echo "  location: /y/\${last##*/}" >&2; exit 8 ;;
        https://a.example/y/SHA256SUMS | https://a.example/y/cortex-*) exec ${pathOf("curl")} -fs -o "$2" "${releases.url}/latest/download/\${last##*/}" ;;
      esac
      exit 4`,
    );
    expect(await here.install()).toMatchObject({ status: 0 });
    expect(await readFile(here.program, "utf8")).toBe(standIn("1.0.0"));
  });

  test.each(["echo BusyBox v1.35.0 >&2; exit 1", "echo GNU Wget2 2.1.0"])(
    "refuses a wget that does not say where a redirect leads: %s",
    async (script) => {
      await using here = await machine([]);
      here.fake("wget", script);
      const ran = await here.install();
      expect(ran).toMatchObject({ status: 1, output: expect.stringContaining("hint: install curl") });
    },
  );

  test("says of what it does not know that it does not", async () => {
    await using here = await machine();
    expect((await here.install(["--help-me"])).output).toContain("error: there is no option --help-me");
    expect((await here.install(["7.0.0"])).output).toContain(
      `cannot download ${releases.url}/download/v7.0.0/SHA256SUMS`,
    );
  });
});

/** The packaged program of this machine, which takes a minute to make: where it is there. */
const packaged = packagedProgram();

describe.skipIf(!isUnix || !packaged)("the packaged program", () => {
  test("installs as README.md says, tells of a newer version, and upgrades itself while its agent serves", {
    timeout: 300_000,
  }, async () => {
    await using here = await machine();
    await using real = await releaseServer();
    const { version, file } = packaged!;
    await real.add(version, readFileSync(file));
    copyFileSync(join(root, "scripts/release/install.sh"), join(real.folder, "latest/download/install.sh"));
    const env = { CORTEX_RELEASES_URL: real.url, CORTEX_NO_UPDATE_NOTICE: "" };
    const installed = await here.shell(printedInstallation(real.url), env);
    expect(installed.output.endsWith(`\ncortex ${version}\n`), installed.output).toBe(true);
    // Installed again, it knows itself.
    expect(await here.install([], env)).toMatchObject({ status: 0 });

    await using walker = await startWalk({ file: here.program, name: "the installed program" }, new Set(), env);
    const { run: cortex, inTerminal, bench } = walker;
    expect((await cortex(["upgrade"])).stdout).toBe(`this is cortex ${version}, the newest version\n`);
    const cwd = await bench.project({ "cortex.yaml": spec("hello"), "handler.py": speaking("still here") });
    await cortex(["deploy"], 0, { cwd });
    const agent = await bench.agentPid();

    await real.add("99.0.0", standIn("99.0.0"));
    const listEnvironments = (...args: string[]) => inTerminal(["env", "list", ...args], { expected: "", answer: "" });
    const told = "cortex 99.0.0 is there: `cortex upgrade`";
    // The first look is in the background; what it found is told by a later command, once.
    expect(await listEnvironments()).not.toContain(told);
    await eventually(() => readFileSync(join(bench.home, "newest-version.json"), "utf8").includes("99.0.0"));
    expect((await cortex(["env", "list"])).stderr).toBe("");
    expect(await listEnvironments("-o", "json")).not.toContain(told);
    for (const quiet of [{ CI: "true" }, { CORTEX_NO_UPDATE_NOTICE: "1" }]) {
      const shown = await inTerminal(["env", "list"], { expected: "", answer: "" }, 0, { env: quiet });
      expect(shown).not.toContain(told);
    }
    expect(await listEnvironments()).toContain(told);
    expect(await listEnvironments()).not.toContain(told);

    const before = sha256(readFileSync(here.program));
    expect((await cortex(["upgrade", "--check"])).stdout).toContain("cortex 99.0.0 can be installed");
    await real.spoil(`download/v99.0.0/cortex-99.0.0-${thisTarget}.tar.gz`);
    expect((await cortex(["upgrade"], 1)).stderr).toContain("has SHA-256");
    expect(sha256(readFileSync(here.program))).toBe(before);

    await real.add("99.0.0", standIn("99.0.0"));
    expect(await cortex(["upgrade"])).toMatchObject({
      stdout: `cortex 99.0.0 is installed, in the place of ${version}\n`,
      stderr: "downloading cortex 99.0.0\n",
    });
    expect((await cortex(["--version"])).stdout).toBe("cortex 99.0.0\n");
    expect(await readdir(dirname(here.program))).toEqual(["cortex"]);
    expect(await bench.agentPid()).toBe(agent);
    expect(await (await bench.request("/hello", { method: "POST", body: "{}" })).text()).toContain("still here");
  });
});

function packagedProgram(): { version: string; file: string } | undefined {
  try {
    const dist = join(root, "dist");
    const { version, targets } = JSON.parse(readFileSync(join(dist, "manifest.json"), "utf8")) as {
      version: string;
      targets: readonly { target: string; file: string }[];
    };
    const found = targets.find(({ target }) => target === thisTarget);
    return found && { version, file: join(dist, found.file) };
  } catch {
    return undefined;
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
