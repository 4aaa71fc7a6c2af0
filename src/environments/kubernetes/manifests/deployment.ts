import { imageUser } from "../../../image/image.ts";
import type { RealtimeApi } from "../../../spec/api.ts";
import { annotation, label, nameOf, port } from "../names.ts";
import { sharedVolume, shmVolumes } from "./compute.ts";
import { handlerContainer } from "./handler-container.ts";
import { labelsOf, type Manifest, metadataOf, type Owned, podSelector } from "./metadata.ts";
import { proxyContainer } from "./proxy-container.ts";
import { schedulingOf } from "./scheduling.ts";
import { gracePeriodS } from "./timing.ts";
import { userContainers } from "./user-containers.ts";

export interface DeploymentInput extends Owned {
  /** Undefined: left out, since an autoscaler owns it. */
  readonly replicas: number | undefined;
  readonly hasVariables: boolean;
  readonly hasPullSecret: boolean;
  readonly refreshedAt?: string;
}

/** How long Kubernetes waits before it calls a rollout stuck, in seconds. Only who waits decides that: a model may load long. */
const progressDeadlineS = 86_400;

export function deploymentOf(api: RealtimeApi, input: DeploymentInput): Manifest {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: metadataOf(input),
    spec: {
      ...(input.replicas !== undefined && { replicas: input.replicas }),
      revisionHistoryLimit: 2,
      progressDeadlineSeconds: progressDeadlineS,
      selector: { matchLabels: podSelector(api.name) },
      strategy: {
        type: "RollingUpdate",
        rollingUpdate: {
          maxSurge: api.update_strategy.max_surge,
          maxUnavailable: api.update_strategy.max_unavailable,
        },
      },
      template: {
        metadata: {
          labels: { ...labelsOf(api), [label.revision]: String(input.record.number) },
          annotations: podAnnotations(input),
        },
        spec: podSpec(api, input),
      },
    },
  };
}

function podAnnotations({ record, refreshedAt }: DeploymentInput): Readonly<Record<string, string>> {
  return {
    [annotation.revisionId]: record.id,
    ...(refreshedAt !== undefined && { [annotation.refreshedAt]: refreshedAt }),
    "prometheus.io/scrape": "true",
    "prometheus.io/port": String(port.proxyAdmin),
    "prometheus.io/path": "/stats/prometheus",
  };
}

function podSpec(api: RealtimeApi, input: DeploymentInput): object {
  const { record, namespace, hasVariables, hasPullSecret } = input;
  const { containers } = api.pod;
  const computes = containers?.map(({ compute }) => compute) ?? [api.compute];
  return {
    serviceAccountName: api.name,
    automountServiceAccountToken: false,
    ...(hasPullSecret && { imagePullSecrets: [{ name: nameOf.pullSecret(api.name) }] }),
    terminationGracePeriodSeconds: gracePeriodS,
    enableServiceLinks: false,
    ...(api.handler && { securityContext: handlerUser }),
    // The image is made for one kind of processor, and nodes may be of several.
    ...(record.architecture !== undefined && { nodeSelector: { "kubernetes.io/arch": record.architecture } }),
    ...schedulingOf(api.node_groups, api.compute),
    initContainers: [proxyContainer(api, namespace)],
    containers: api.handler ? [handlerContainer(api, record, hasVariables)] : userContainers(api, record, hasVariables),
    volumes: [sharedVolume, ...computes.flatMap(shmVolumes)],
  };
}

const handlerUser = {
  runAsNonRoot: true,
  runAsUser: imageUser,
  runAsGroup: imageUser,
  fsGroup: imageUser,
  seccompProfile: { type: "RuntimeDefault" },
};
