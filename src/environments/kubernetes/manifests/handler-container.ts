import { imageFolders } from "../../../image/image.ts";
import type { RealtimeApi } from "../../../spec/api.ts";
import { nameOf, port } from "../names.ts";
import type { RevisionRecord } from "../revision-record.ts";
import { mountsOf, resourcesOf } from "./compute.ts";
import { drainHook, handlerPorts, restricted } from "./proxy-container.ts";

/** Where kubelet takes a container's last words from. */
const terminationLog = "/dev/termination-log";

/** The container that runs a handler. @param hasVariables whether the Secret with its `env` exists */
export function handlerContainer(api: RealtimeApi, record: RevisionRecord, hasVariables: boolean): object {
  return {
    name: "api",
    image: record.image ?? "",
    imagePullPolicy: "IfNotPresent",
    command: ["python3", `${imageFolders.runtime}/launch.py`, "env:CORTEX_REPLICA"],
    ...(hasVariables && { envFrom: [{ secretRef: { name: nameOf.variables(api.name, record.id) } }] }),
    env: [
      ...cortexVariables(api, api.pod.port ?? port.handler),
      { name: "CORTEX_REPLICA", value: JSON.stringify(replicaSettings(api, record)) },
      { name: "CORTEX_POD", valueFrom: podName },
    ],
    readinessProbe: {
      httpGet: { path: "/handler/healthz", port: port.proxyAdmin, scheme: "HTTP" },
      timeoutSeconds: 30,
      periodSeconds: 1,
      successThreshold: 1,
      failureThreshold: 2,
    },
    lifecycle: drainHook(),
    resources: resourcesOf(api.compute),
    terminationMessagePath: terminationLog,
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: mountsOf(api.compute, 0),
    securityContext: restricted,
  };
}

export const podName = { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } };

/** Of every container of an API. */
export function cortexVariables(api: RealtimeApi, at: number): readonly object[] {
  return [
    { name: "CORTEX_API_NAME", value: api.name },
    { name: "CORTEX_API_KIND", value: api.kind },
    { name: "CORTEX_PORT", value: String(at) },
  ];
}

/** What src/runtime reads in place of the file that it gets on a laptop; see its settings.py. */
function replicaSettings(api: RealtimeApi, record: RevisionRecord): object {
  const { env: _, ...handler } = api.handler!;
  const { listen, admin } = handlerPorts(api);
  const onLoopback = (ports: readonly number[]) => ports.map((one) => ({ host: "127.0.0.1", port: one }));
  return {
    api: api.name,
    kind: api.kind,
    revision: record.number,
    project_dir: imageFolders.project,
    handler,
    listen: onLoopback(listen),
    admin: onLoopback(admin),
    site_packages: [imageFolders.packages],
    wheels_dir: imageFolders.wheels,
    termination_log: terminationLog,
  };
}
