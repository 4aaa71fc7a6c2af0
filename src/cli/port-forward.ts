import { Command, InvalidArgumentError } from "commander";
import { CortexError } from "../core/errors.ts";
import type { App } from "./app.ts";
import { type EnvFlag, envOption, withExamples } from "./flags.ts";

export interface PortForwardFlags extends EnvFlag {
  readonly replica?: string;
}

interface Ports {
  /** 0: any that is free. */
  readonly local: number;
  /** Undefined: the API's own. */
  readonly remote: number | undefined;
}

export function portForwardCommand(app: App, run: typeof runPortForward = runPortForward): Command {
  const command = new Command("port-forward")
    .description(
      "Forwards a port of this machine to a replica of an API until Ctrl-C, and to another one when that is gone.",
    )
    .argument("<api>", "name of an API")
    .argument("[ports]", "LOCAL, LOCAL:REMOTE or :REMOTE (default: a free port, to the API's own)", parsePorts)
    .addOption(envOption())
    .option("--replica <id>", "which replica, by its name or the end of it (default: one that is ready)")
    .action((api: string, ports: Ports | undefined, flags: PortForwardFlags) => run(app, api, ports, flags));
  return withExamples(command, [
    ["cortex port-forward iris 8080", "http://127.0.0.1:8080 is the API"],
    ["cortex port-forward iris", "choose a free port and print its URL"],
    ["cortex port-forward iris 9000:5678", "to port 5678 of a replica"],
  ]);
}

async function runPortForward(
  app: App,
  name: string,
  ports: Ports | undefined,
  flags: PortForwardFlags,
): Promise<void> {
  const { stdout, stderr } = app.terminal;
  const environment = await app.environment(flags.env);
  if (!environment.forwardPort) {
    throw new CortexError("NOT_SUPPORTED", `${environment.name}: there is nothing to forward in this environment`, {
      hint: `its APIs listen on this machine already: \`cortex get ${name}\` shows where`,
    });
  }
  const options = {
    localPort: ports?.local ?? 0,
    ...(ports?.remote !== undefined && { remotePort: ports.remote }),
    ...(flags.replica !== undefined && { replica: flags.replica }),
  };
  const onListening = (port: number) => {
    void stdout.write(`http://127.0.0.1:${port}\n`);
    void stderr.write(`forwarded to ${name}; Ctrl-C ends it\n`);
  };
  await environment.forwardPort(name, options, onListening, app.signal);
  app.signal.throwIfAborted();
}

function parsePorts(text: string): Ports {
  const [, local, , remote] = /^(\d*)(:(\d+))?$/.exec(text) ?? [];
  const inRange = (one: string | undefined) => one === undefined || one === "" || Number(one) <= 65_535;
  if ((!local && remote === undefined) || !inRange(local) || !inRange(remote) || remote === "0") {
    throw new InvalidArgumentError("Write LOCAL, LOCAL:REMOTE or :REMOTE, e.g. 8080 or 8080:5678.");
  }
  return { local: Number(local || 0), remote: remote === undefined ? undefined : Number(remote) };
}
