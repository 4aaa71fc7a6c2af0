import type { Container, RealtimeApi } from "../../../spec/api.ts";
import { nameOf } from "../names.ts";
import type { RevisionRecord } from "../revision-record.ts";
import { mountsOf, resourcesOf } from "./compute.ts";
import { cortexVariables, podName } from "./handler-container.ts";
import { livenessProbeOf, probeOf, startupProbeOf } from "./probes.ts";
import { drainHook } from "./proxy-container.ts";
import { ending } from "./timing.ts";

/** The key in the Secret of an API's variables: equal names in two containers may have different values. */
const variableKey = (container: string, name: string): string => `${container}.${name}`;

/** Users' containers as they were given. @param hasVariables whether the Secret with its `env` exists */
export function userContainers(api: RealtimeApi, record: RevisionRecord, hasVariables: boolean): readonly object[] {
  return (api.pod.containers ?? []).map((one, index) => userContainer(one, index, { api, record, hasVariables }));
}

interface Around {
  readonly api: RealtimeApi;
  readonly record: RevisionRecord;
  readonly hasVariables: boolean;
}

function userContainer(container: Container, index: number, { api, record, hasVariables }: Around): object {
  const { name, image, command, args, compute, readiness_probe, liveness_probe } = container;
  const secret = nameOf.variables(api.name, record.id);
  const variables = hasVariables ? Object.keys(container.env) : [];
  const resources = resourcesOf(compute);
  return {
    name,
    image,
    ...(command && { command }),
    ...(args && { args }),
    env: [
      ...cortexVariables(api, api.pod.port!),
      { name: "CORTEX_REPLICA", valueFrom: podName },
      ...variables.map((one) => ({
        name: one,
        valueFrom: { secretKeyRef: { name: secret, key: variableKey(name, one) } },
      })),
    ],
    ...(liveness_probe && {
      startupProbe: startupProbeOf(readiness_probe ?? liveness_probe),
      livenessProbe: livenessProbeOf(liveness_probe),
    }),
    ...(readiness_probe && { readinessProbe: probeOf(readiness_probe) }),
    lifecycle: lifecycleOf(container),
    ...(Object.keys(resources).length > 0 && { resources }),
    terminationMessagePolicy: "FallbackToLogsOnError",
    volumeMounts: mountsOf(compute, index),
  };
}

/**
 * A hook of the user's own comes after the drain: the sidecar makes its HTTP request, while a command, which only kubelet can run in
 * the container, waits a fixed time for gateways to hear of the end.
 */
function lifecycleOf({ name, pre_stop }: Container): object {
  if (!pre_stop?.exec) return drainHook(pre_stop?.http_get ? name : undefined);
  const wait = `sleep ${ending.lameDuckMs / 1_000}; exec "$@"`;
  return { preStop: { exec: { command: ["/bin/sh", "-c", wait, "pre-stop", ...pre_stop.exec.command] } } };
}
