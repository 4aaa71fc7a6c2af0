import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CortexError } from "../core/errors.ts";
import { nearest } from "../spec/nearest.ts";
import {
  besideFile,
  type ClusterEntry,
  type Entry,
  type Kubeconfig,
  kubeconfigFiles,
  readKubeconfig,
  type UserEntry,
} from "./kubeconfig-file.ts";

/** Where one API server is and as whom to speak to it: a context of a kubeconfig with its files read. */
export interface ClusterTarget {
  readonly context: string;
  readonly namespace: string;
  readonly server: URL;
  readonly tls: TlsSettings;
  /** The kubeconfig's own; it goes before what variables say. */
  readonly proxyUrl: string | undefined;
  readonly user: UserEntry;
  /** The file that `user` stands in; "" in a pod. */
  readonly userFile: string;
  /** What exec plugins may be told of the cluster. */
  readonly clusterInfo: Readonly<Record<string, unknown>>;
}

export interface TlsSettings {
  /** PEM. Undefined: the authorities that Node and the system trust. */
  readonly authorities: string | undefined;
  readonly isUnverified: boolean;
  /** Name that the server's certificate must have, where it is not the URL's. */
  readonly serverName: string | undefined;
}

export interface TargetOptions {
  readonly context?: string;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Where `.kube/config` lies. */
  readonly home: string;
  /** Where a pod finds its service account. */
  readonly serviceAccountFolder: string;
}

/**
 * Finds the context that is asked for, else the current one; in a pod without a kubeconfig, the pod's own service account.
 * @throws FILE_NOT_FOUND, SPEC_INVALID, each naming file and context
 */
export async function findTarget(options: TargetOptions): Promise<ClusterTarget> {
  const files = kubeconfigFiles(options.variables, options.home);
  const kubeconfig = await readKubeconfig(files);
  const isNamedInFile = options.context !== undefined && kubeconfig?.contexts.has(options.context);
  if (!isNamedInFile && (options.context === inCluster || (options.context === undefined && !kubeconfig))) {
    const target = await podTarget(options);
    if (target) return target;
  }
  if (!kubeconfig) throw noKubeconfig(files, options.context);
  return contextTarget(kubeconfig, options.context);
}

const inCluster = "in-cluster";

async function podTarget({ variables, serviceAccountFolder }: TargetOptions): Promise<ClusterTarget | undefined> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = variables;
  const tokenFile = join(serviceAccountFolder, "token");
  if (!host || !port || !existsSync(tokenFile)) return undefined;
  const read = (name: string) => readFile(join(serviceAccountFolder, name), "utf8").catch(() => undefined);
  const [authorities, namespace] = await Promise.all([read("ca.crt"), read("namespace")]);
  return {
    context: inCluster,
    namespace: namespace?.trim() || "default",
    server: new URL(`https://${host.includes(":") ? `[${host}]` : host}:${port}`),
    tls: { authorities, isUnverified: false, serverName: undefined },
    proxyUrl: undefined,
    user: { tokenFile },
    userFile: "",
    clusterInfo: {},
  };
}

async function contextTarget(kubeconfig: Kubeconfig, wanted: string | undefined): Promise<ClusterTarget> {
  const name = wanted ?? kubeconfig.currentContext?.value;
  const places = kubeconfig.files.join(", ");
  if (name === undefined) {
    throw new CortexError("SPEC_INVALID", `${places} has no current context`, {
      hint: `choose one: \`kubectl config use-context NAME\`${known(kubeconfig)}`,
    });
  }
  const context = kubeconfig.contexts.get(name);
  if (!context) throw noContext(kubeconfig, name, wanted === undefined, places);
  const where = `context ${name} in ${context.file}`;
  const cluster = entryOf(kubeconfig.clusters, "cluster", context.value.cluster, where, places);
  const user: Entry<UserEntry> = context.value.user
    ? entryOf(kubeconfig.users, "user", context.value.user, where, places)
    : { value: {}, file: context.file };
  const authorities = await authoritiesOf(cluster, where);
  return {
    context: name,
    namespace: context.value.namespace || "default",
    server: serverUrl(cluster, where),
    tls: {
      authorities,
      isUnverified: cluster.value["insecure-skip-tls-verify"] === true,
      serverName: cluster.value["tls-server-name"] || undefined,
    },
    proxyUrl: cluster.value["proxy-url"] || undefined,
    user: user.value,
    userFile: user.file,
    clusterInfo: clusterInfo(cluster.value, authorities),
  };
}

function entryOf<T>(
  entries: ReadonlyMap<string, Entry<T>>,
  what: "cluster" | "user",
  name: string | undefined,
  where: string,
  places: string,
): Entry<T> {
  const entry = name ? entries.get(name) : undefined;
  if (entry) return entry;
  const like = name && nearest(name, [...entries.keys()]);
  throw new CortexError(
    "SPEC_INVALID",
    name ? `${where} names the ${what} ${name}, which ${places} does not have` : `${where} names no ${what}`,
    {
      hint: like
        ? `did you mean ${like}? Repair it: \`kubectl config set-context\``
        : "repair it: `kubectl config set-context`",
    },
  );
}

function serverUrl({ value: { server } }: Entry<ClusterEntry>, where: string): URL {
  if (!server) throw new CortexError("SPEC_INVALID", `the cluster of ${where} has no server`);
  const text = server.includes("://") ? server : `https://${server}`;
  if (URL.canParse(text)) {
    const url = new URL(text);
    if (url.protocol === "https:" || url.protocol === "http:") return url;
  }
  throw new CortexError(
    "SPEC_INVALID",
    `the cluster of ${where} has the server ${server}, which is no http or https URL`,
  );
}

async function authoritiesOf({ value, file }: Entry<ClusterEntry>, where: string): Promise<string | undefined> {
  const data = value["certificate-authority-data"];
  if (data) return pemFromBase64(data, "certificate-authority-data", where);
  const path = value["certificate-authority"];
  return path ? readNamedFile(besideFile(file, path), "certificate-authority", where) : undefined;
}

/** @throws SPEC_INVALID when `data` is no base64 of a PEM text */
export function pemFromBase64(data: string, field: string, where: string): string {
  const text = Buffer.from(data, "base64").toString("utf8");
  if (text.includes("-----BEGIN ")) return text;
  throw new CortexError("SPEC_INVALID", `${field} of ${where} is not a base64 of PEM`);
}

/** @throws FILE_NOT_FOUND */
export async function readNamedFile(path: string, field: string, where: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CortexError("FILE_NOT_FOUND", `cannot read ${path} (${code}), the ${field} of ${where}`, {
      hint: "get new credentials for the cluster, or repair the path in the kubeconfig",
      cause: error,
    });
  }
}

/** As plugins read it from KUBERNETES_EXEC_INFO; the configuration for plugins is an extension of the cluster. */
function clusterInfo(cluster: ClusterEntry, authorities: string | undefined): Record<string, unknown> {
  const config = cluster.extensions?.find(({ name }) => name === "client.authentication.k8s.io/exec")?.extension;
  return {
    server: cluster.server,
    ...(cluster["tls-server-name"] && { "tls-server-name": cluster["tls-server-name"] }),
    ...(cluster["insecure-skip-tls-verify"] && { "insecure-skip-tls-verify": true }),
    ...(authorities && { "certificate-authority-data": Buffer.from(authorities).toString("base64") }),
    ...(cluster["proxy-url"] && { "proxy-url": cluster["proxy-url"] }),
    ...(config !== undefined && { config }),
  };
}

function noKubeconfig(files: readonly string[], context: string | undefined): CortexError {
  const which = context === undefined ? "" : ` for context ${context}`;
  const missing = files.length === 1 ? `${files[0]} does not exist or is empty` : `none of ${files.join(", ")} exists`;
  return new CortexError("FILE_NOT_FOUND", `no kubeconfig${which}: ${missing}`, {
    hint: "set KUBECONFIG to a kubeconfig, or get one from your cluster, e.g. `aws eks update-kubeconfig`, `kind export kubeconfig`",
  });
}

function noContext(kubeconfig: Kubeconfig, name: string, isCurrent: boolean, places: string): CortexError {
  const like = nearest(name, [...kubeconfig.contexts.keys()]);
  return new CortexError(
    "SPEC_INVALID",
    isCurrent ? `the current context ${name} is not in ${places}` : `there is no context ${name} in ${places}`,
    {
      hint: `${like ? `did you mean ${like}?` : "`kubectl config get-contexts` lists them"}${like ? "" : known(kubeconfig)}`,
    },
  );
}

function known({ contexts }: Kubeconfig): string {
  const names = [...contexts.keys()];
  if (names.length === 0) return "";
  return `; there ${names.length === 1 ? "is" : "are"} ${names.slice(0, 8).join(", ")}${names.length > 8 ? ", …" : ""}`;
}
