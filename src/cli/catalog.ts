import type { Command } from "commander";
import type { App } from "./app.ts";

/** A command as the top-level help lists it; its code is loaded when it is used. */
export interface CommandEntry {
  readonly name: string;
  /** What stands after the name in the list of commands. */
  readonly usage: string;
  readonly summary: string;
  readonly group: string;
  /** @param member the command of a group that is asked for: the others may be left out */
  load(member?: string): Promise<(app: App) => Command>;
}

const apis = "APIs:";
const changes = "Changes to an API:";
const tool = "Cortex itself:";

export const catalog: readonly CommandEntry[] = [
  {
    name: "deploy",
    usage: "[options] [file]",
    summary: "create or update the APIs of a configuration file",
    group: apis,
    load: async () => (await import("./deploy.ts")).deployCommand,
  },
  {
    name: "get",
    usage: "[options] [api]",
    summary: "list APIs, or show one",
    group: apis,
    load: async () => (await import("./get.ts")).getCommand,
  },
  {
    name: "describe",
    usage: "[options] <api>",
    summary: "show what an API's replicas do, and why",
    group: apis,
    load: async () => (await import("./describe.ts")).describeCommand,
  },
  {
    name: "logs",
    usage: "[options] <api>",
    summary: "print the log lines of all replicas of an API",
    group: apis,
    load: async () => (await import("./logs.ts")).logsCommand,
  },
  {
    name: "predict",
    usage: "[options] <api> [file]",
    summary: "send a request to an API and print the answer",
    group: apis,
    load: async () => (await import("./predict.ts")).predictCommand,
  },
  {
    name: "exec",
    usage: "[options] <api> [command...]",
    summary: "run a command, or a shell, in a replica of an API",
    group: apis,
    load: async () => (await import("./exec.ts")).execCommand,
  },
  {
    name: "port-forward",
    usage: "[options] <api> [ports]",
    summary: "forward a local port to an API",
    group: apis,
    load: async () => (await import("./port-forward.ts")).portForwardCommand,
  },
  {
    name: "delete",
    usage: "[options] [apis...]",
    summary: "delete APIs",
    group: apis,
    load: async () => (await import("./delete.ts")).deleteCommand,
  },
  {
    name: "diff",
    usage: "[options] [file]",
    summary: "show what deploy would change",
    group: changes,
    load: async () => (await import("./diff.ts")).diffCommand,
  },
  {
    name: "history",
    usage: "[options] <api>",
    summary: "list the revisions of an API",
    group: changes,
    load: async () => (await import("./history.ts")).historyCommand,
  },
  {
    name: "rollback",
    usage: "[options] <api> [revision]",
    summary: "make an older revision of an API live again",
    group: changes,
    load: async () => (await import("./rollback.ts")).rollbackCommand,
  },
  {
    name: "refresh",
    usage: "[options] <api>",
    summary: "replace all replicas of an API without losing a request",
    group: changes,
    load: async () => (await import("./refresh.ts")).refreshCommand,
  },
  {
    name: "env",
    usage: "",
    summary: "list, configure and choose environments",
    group: tool,
    load: async () => (await import("./env.ts")).envCommand,
  },
  {
    name: "cluster",
    usage: "",
    summary: "make a cluster on AWS, or prepare any Kubernetes cluster for APIs",
    group: tool,
    load: async (member) => (await import("./cluster.ts")).clusterCommand(member),
  },
  {
    name: "explain",
    usage: "[options] [field]",
    summary: "say what a field of cortex.yaml means",
    group: tool,
    load: async () => (await import("./explain.ts")).explainCommand,
  },
  {
    name: "doctor",
    usage: "[options]",
    summary: "check what Cortex needs of this machine",
    group: tool,
    load: async () => (await import("./doctor.ts")).doctorCommand,
  },
  {
    name: "version",
    usage: "[options]",
    summary: "print the version of this program",
    group: tool,
    load: async () => (await import("./version.ts")).versionCommand,
  },
  {
    name: "upgrade",
    usage: "[options] [version]",
    summary: "replace this program by its newest version",
    group: tool,
    load: async () => (await import("./upgrade.ts")).upgradeCommand,
  },
  {
    name: "completion",
    usage: "<shell>",
    summary: "print a completion script for bash, zsh, fish or powershell",
    group: tool,
    load: async () => (await import("./completion.ts")).completionCommand,
  },
];

/** Commands that are known by name and are not there yet. */
export const notBuiltYet: readonly string[] = ["submit", "stop"];

/** Commands of older versions, and what does their work now. */
export const retired: Readonly<Record<string, string>> = {
  patch: "change the configuration file, then `cortex deploy`",
  "prepare-debug": "the handler runs as it is under `cortex deploy`; `cortex logs` shows what it prints",
  configure: "see `cortex env configure`",
  support: "`cortex doctor` says what is wrong with this machine",
};
