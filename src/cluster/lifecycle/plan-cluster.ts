import type { CloudPlan, ClusterId, WalkFailure } from "../../core/cloud-cluster.ts";
import { rightsScopeOf } from "../../core/cloud-rights.ts";
import type { CloudSettings } from "../../core/cluster.ts";
import { criticalPath } from "../../core/graph/critical-path.ts";
import type { FoundByKind } from "../../core/graph/duplicates.ts";
import { type GraphPlan, type PlannedChange, realChanges } from "../../core/graph/plan.ts";
import { fixedProblems, planUp } from "../../core/graph/plan-up.ts";
import { readAll } from "../../core/graph/read-all.ts";
import type { Difference } from "../../core/graph/resource.ts";
import type { Cluster } from "../../spec/parse-cluster.ts";
import type { Facts } from "../facts.ts";
import { insideId, insideSettings } from "../inside.ts";
import { spotWarnings } from "../node-groups.ts";
import { rightsFor } from "../policies.ts";
import { preflight } from "../preflight/preflight.ts";
import { readFacts, type Standing } from "../preflight/read-facts.ts";
import { findLost, readNamed } from "../resources/lost-tags.ts";
import { namesOf } from "../resources/names.ts";
import { namedControlPlane } from "../resources/owner.ts";
import { supportText } from "../version-support.ts";
import { defaultKubernetesVersion } from "../wanted-eks.ts";
import { changesOf } from "./changes.ts";
import { costsOfUp } from "./costs.ts";
import { fieldOfFailure } from "./fields.ts";
import type { InsideView } from "./inside-port.ts";
import { keptTagWarnings } from "./kept-tags.ts";
import {
  type ClusterKinds,
  groupsOf,
  isAnythingThere,
  kindsOf,
  standingGroups,
  standingOf,
  wantedOf,
} from "./kinds.ts";
import { notOurs, notThere, reach } from "./reach.ts";
import { settle } from "./settled.ts";
import { checkSize } from "./size-rules.ts";
import type { Surroundings } from "./surroundings.ts";

/** What doing a plan takes, beside what people see of it. */
export interface UpWork {
  readonly kind: "up";
  /** The command, e.g. `cluster up`. */
  readonly what: string;
  readonly id: ClusterId;
  readonly kinds: ClusterKinds;
  readonly graph: GraphPlan;
  /** Undefined: what lives inside stays as it is. */
  readonly cloud?: CloudSettings;
  /** Of the user's file; undefined: it is done without one, or the failure is about none. */
  fieldOf?(failure: WalkFailure): string | undefined;
  /** Looks again at what is there, and plans for that. */
  again(signal: AbortSignal): Promise<GraphPlan>;
}

export interface Planned<Work> {
  readonly plan: CloudPlan;
  readonly work: Work;
}

export interface PlanClusterOptions {
  /** Of a cluster that is not there at all nothing is planned. */
  readonly mustExist: boolean;
}

/** Reads AWS and decides; changes nothing. @throws all reasons at once why it cannot be */
export async function planCluster(
  surroundings: Surroundings,
  asked: Cluster,
  { mustExist }: PlanClusterOptions,
  signal: AbortSignal,
): Promise<Planned<UpWork>> {
  const aws = surroundings.aws.inRegion(asked.region);
  const id = { name: asked.cluster_name, region: asked.region };
  const identity = await aws.identity(signal);
  const first = kindsOf({ aws, identity, clusterName: id.name, tags: asked.tags });
  const reading = { kinds: first, cluster: asked, known: [] };
  const { kinds, found } = await orAllReasons(reading, () => readOurs(first, id, signal), signal);
  const isThere = isAnythingThere(found, kinds);
  if (mustExist && !isThere) throw notThere(id);
  checkSize(asked, standingGroups(found, kinds));
  const { cluster, differences: known } = settle(asked, found, kinds);
  const standing = standingOf(found, kinds);
  const question = { cluster, aws, standing, defaultVersion: defaultKubernetesVersion };
  const facts = await orAllReasons({ kinds, cluster, known }, () => readFacts(question, signal), signal);
  const groups = groupsOf(cluster, facts, found, kinds);
  const wanted = wantedOf(cluster, facts, kinds, groups);
  const planned = (now: FoundByKind) => planUp({ kinds: kinds.ours, wanted, found: now, known });
  const graph = planned(found);
  const { accountId } = identity;
  const { logGroups } = namesOf({ clusterName: id.name, accountId, region: id.region });
  const cloud = insideSettings(cluster, facts.kubernetesVersion, groups, logGroups.containers);
  const insideLook = insideOf(surroundings, { id, kinds, graph, cloud }, signal);
  const [warnings, costs, inside] = await Promise.all([
    insideLook.then((look) => preflightFor({ kinds, cluster, facts, graph, inside: look }, signal)),
    costsOfUp({ aws, home: surroundings.home }, { cluster, facts, isThere }, signal),
    insideLook,
  ]);
  const changes = [...changesOf(graph.steps), ...inside.changes];
  const { cost, costNow } = costs;
  return {
    plan: {
      cluster: id,
      changes,
      expectedMs: criticalPath(changes).ms,
      cost,
      ...(costNow && { costNow }),
      warnings: [
        ...supportWarnings(facts, standing, aws.clock.now()),
        ...keptTagWarnings(kinds.context, standing.tags),
        ...spotWarnings(cluster),
        ...warnings,
        ...costs.warnings,
        ...inside.warnings,
      ],
    },
    work: {
      kind: "up",
      what: mustExist ? "cluster configure" : "cluster up",
      id,
      kinds,
      graph,
      cloud,
      fieldOf: (failure) => fieldOfFailure(failure, { cluster, wanted }),
      again: async (until) => planned(await readAll(kinds.ours, until)),
    },
  };
}

/** @throws NOT_SUPPORTED when the name is that of a cluster that is not ours */
async function readOurs(
  kinds: ClusterKinds,
  id: ClusterId,
  signal: AbortSignal,
): Promise<{ readonly kinds: ClusterKinds; readonly found: FoundByKind }> {
  const { context } = kinds;
  const [found, named, { owner }] = await Promise.all([
    readAll(kinds.ours, signal),
    readNamed(context, signal),
    namedControlPlane(context, signal),
  ]);
  if (owner === "theirs") throw notOurs(id);
  const lost = findLost(named, found);
  if (!lost) return { kinds, found };
  const again = kindsOf({ ...context, lost });
  return { kinds: again, found: await readAll(again.ours, signal) };
}

/** A version that has outlived its standard support, or soon will have. */
function supportWarnings(
  { kubernetesVersion, versionSupport }: Facts,
  { kubernetesVersion: standing }: Standing,
  now: number,
): readonly string[] {
  const text = supportText(kubernetesVersion, versionSupport, now);
  if (text === undefined) return [];
  return [`${text}; ${standing ? "`cortex cluster upgrade` brings it further" : "choose a newer kubernetes_version"}`];
}

/** What stands against the cluster is told together, also when what was read first already rules it out. */
async function orAllReasons<T>(
  {
    kinds,
    cluster,
    known,
  }: { readonly kinds: ClusterKinds; readonly cluster: Cluster; readonly known: readonly Difference[] },
  read: () => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  try {
    return await read();
  } catch (factsFailure) {
    signal.throwIfAborted();
    const { aws } = kinds.context;
    const against = { known: fixedProblems(known), factsFailure };
    const question = { aws, cluster, ...against, needs: rightsOf(kinds, cluster), creates: [] };
    await preflight({ ...question, changesLoadBalancer: true }, signal);
    throw factsFailure;
  }
}

interface PreflightFor {
  readonly kinds: ClusterKinds;
  readonly cluster: Cluster;
  readonly facts: Facts;
  readonly graph: GraphPlan;
  readonly inside: InsideView;
}

/** Where nothing is to be done, nothing can stand against it; where it is to be done inside alone, no right of AWS can. */
async function preflightFor({ kinds, cluster, facts, graph, inside }: PreflightFor, signal: AbortSignal) {
  const changes = realChanges(graph.steps);
  const { problems: known } = inside;
  const changesLoadBalancer = inside.changes.some(({ id, action }) => id === insideId("gateway") && action !== "keep");
  const base = { aws: kinds.context.aws, cluster, known, changesLoadBalancer };
  if (changes.length === 0) {
    return known.length > 0 || changesLoadBalancer ? preflight({ ...base, needs: [], creates: [] }, signal) : [];
  }
  const creates = changes.filter(({ action }) => action === "create" || action === "replace").map(({ id }) => id);
  return preflight({ ...base, facts, needs: rightsOf(kinds, cluster), creates }, signal);
}

function rightsOf({ context }: ClusterKinds, cluster: Cluster) {
  const { accountId, partition } = context.identity;
  return rightsFor("up", { ...rightsScopeOf(cluster), accountId, partition });
}

interface InsideOf {
  readonly id: ClusterId;
  readonly kinds: ClusterKinds;
  readonly graph: GraphPlan;
  readonly cloud: CloudSettings;
}

/** What lives inside comes after all node groups, since it runs on them. */
async function insideOf({ inside }: Surroundings, { id, kinds, graph, cloud }: InsideOf, signal: AbortSignal) {
  const isOf = (name: string) => (step: PlannedChange) => step.id === name || step.id.startsWith(`${name}/`);
  const groups = graph.steps.filter(isOf(kinds.eks.nodeGroup.name)).filter(({ action }) => action !== "remove");
  const isUp = graph.steps.some(
    ({ id: one, action }) => one === "control-plane" && ["keep", "update"].includes(action),
  );
  const reachable = isUp ? await reach(kinds.context.aws, id, signal) : undefined;
  return inside.view({ cloud, reachable, needs: groups.map((group) => group.id) }, signal);
}
