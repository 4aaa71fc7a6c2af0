import type { Addon, Cluster as EksCluster, Nodegroup } from "@aws-sdk/client-eks";
import type { Aws } from "../../aws/aws.ts";
import type { Check } from "../../core/check.ts";
import type { ClusterId } from "../../core/cloud-cluster.ts";
import { allPages } from "../pages.ts";
import { readRunning } from "../prices/read-running.ts";
import { clusterTag } from "../resources/context.ts";
import { readVersions, supportText, type VersionSupport } from "../version-support.ts";
import { mustBeOurs } from "./info.ts";

/**
 * What belongs to AWS of a cluster's health: one check for the control plane, its version, each node group, each add-on, the NAT
 * gateways. @throws ENVIRONMENT_NOT_FOUND, NOT_SUPPORTED
 */
export async function checkCloud(aws: Aws, cluster: ClusterId, signal: AbortSignal): Promise<readonly Check[]> {
  const found = await readRunning(aws, cluster.name, signal);
  mustBeOurs(found, cluster);
  const { controlPlane } = found;
  const fix = `cortex cluster up -c FILE brings what is missing; cortex cluster down -n ${cluster.name} -r ${cluster.region} removes the rest`;
  if (!controlPlane) {
    return [
      { name: "control plane", status: "fail", message: "there is none, though other parts of it are there", fix },
    ];
  }
  const { version = "" } = controlPlane;
  const [versions, groups, addons, gateways] = await Promise.all([
    readVersions(aws, signal),
    readGroups(aws, cluster.name, signal),
    readAddons(aws, cluster.name, signal),
    checkGateways(aws, cluster.name, signal),
  ]);
  const checks = await Promise.all(groups.map((group) => checkGroup(aws, cluster, group, signal)));
  return [
    checkControlPlane(cluster, controlPlane),
    ...checkVersion(cluster, version, versions.get(version), aws.clock.now()),
    ...checks,
    ...addons.map(checkAddon),
    ...gateways,
  ];
}

/** Pure. */
export function checkControlPlane({ name, region }: ClusterId, { status, health, version }: EksCluster): Check {
  const issues = (health?.issues ?? []).map(({ message, code }) => message ?? String(code));
  const base = { name: "control plane" };
  if (status === "ACTIVE" && issues.length === 0)
    return { ...base, status: "ok", message: `active, Kubernetes ${version}` };
  const console = `https://${region}.console.aws.amazon.com/eks/clusters/${name}`;
  if (status === "ACTIVE") return { ...base, status: "warn", message: issues.join("; "), fix: `see ${console}` };
  const message = stateText(status, issues);
  return { ...base, status: status === "UPDATING" ? "warn" : "fail", message, fix: `see ${console}` };
}

/** Pure. @param support undefined: EKS does not tell @param now milliseconds since the epoch */
export function checkVersion(
  { name, region }: ClusterId,
  version: string,
  support: VersionSupport | undefined,
  now: number,
): readonly Check[] {
  const message = supportText(version, support, now);
  if (message === undefined) return [];
  return [{ name: "version", status: "warn", message, fix: `cortex cluster upgrade -n ${name} -r ${region}` }];
}

async function readGroups(aws: Aws, clusterName: string, signal: AbortSignal): Promise<readonly Nodegroup[]> {
  const eks = await aws.eks();
  const pages = await allPages(
    (nextToken) => eks.listNodegroups({ clusterName, nextToken }, signal),
    ({ nextToken }) => nextToken,
  );
  const names = pages.flatMap(({ nodegroups = [] }) => nodegroups).sort();
  const found = await Promise.all(
    names.map((nodegroupName) => eks.describeNodegroup({ clusterName, nodegroupName }, signal)),
  );
  return found.flatMap(({ nodegroup }) => nodegroup ?? []);
}

async function checkGroup(aws: Aws, cluster: ClusterId, group: Nodegroup, signal: AbortSignal): Promise<Check> {
  const { nodegroupName: name = "", status, scalingConfig, health } = group;
  const base = { name: `node group ${name}` };
  const issues = (health?.issues ?? []).map(({ message, code }) => message ?? String(code));
  const { desiredSize: desired = 0, minSize: min = 0, maxSize: max = 0 } = scalingConfig ?? {};
  const fix = activityPage(cluster, group);
  if (status !== "ACTIVE" && status !== "UPDATING") {
    const message = stateText(status, issues);
    return { ...base, status: "fail", message, fix };
  }
  const refusal = issues[0] ?? (await lastRefusal(aws, group, signal));
  if (refusal !== undefined) return { ...base, status: "warn", message: refusal, fix };
  return { ...base, status: "ok", message: sizeText(desired, min, max) };
}

export function sizeText(desired: number, min: number, max: number): string {
  return `${desired} ${desired === 1 ? "instance" : "instances"}, of ${min} to ${max}`;
}

/** @returns why the newest instance could not be had; undefined when it could, or none was wanted */
async function lastRefusal(aws: Aws, { resources }: Nodegroup, signal: AbortSignal): Promise<string | undefined> {
  const name = resources?.autoScalingGroups?.[0]?.name;
  if (name === undefined) return undefined;
  const scaling = await aws.autoScaling();
  const { Activities = [] } = await scaling.describeScalingActivities(
    { AutoScalingGroupName: name, MaxRecords: 5 },
    signal,
  );
  const [last] = Activities;
  if (last?.StatusCode !== "Failed" && last?.StatusCode !== "Cancelled") return undefined;
  return last.StatusMessage ?? last.Description;
}

/** `it is degraded: no nodes; no room` */
function stateText(status: string | undefined, issues: readonly string[]): string {
  const state = `it is ${status?.toLowerCase() ?? "in an unknown state"}`;
  return issues.length === 0 ? state : `${state}: ${issues.join("; ")}`;
}

/** Where AWS shows what a group did last. */
function activityPage({ region }: ClusterId, { resources }: Nodegroup): string {
  const name = resources?.autoScalingGroups?.[0]?.name;
  const base = `https://${region}.console.aws.amazon.com/ec2/home?region=${region}#AutoScalingGroups`;
  return name === undefined ? `see ${base}` : `see ${base}Details:id=${encodeURIComponent(name)};view=activity`;
}

async function readAddons(aws: Aws, clusterName: string, signal: AbortSignal): Promise<readonly Addon[]> {
  const eks = await aws.eks();
  const pages = await allPages(
    (nextToken) => eks.listAddons({ clusterName, nextToken }, signal),
    ({ nextToken }) => nextToken,
  );
  const names = pages.flatMap(({ addons = [] }) => addons).sort();
  const found = await Promise.all(names.map((addonName) => eks.describeAddon({ clusterName, addonName }, signal)));
  return found.flatMap(({ addon }) => addon ?? []);
}

/** Pure. */
export function checkAddon({ addonName = "", status, addonVersion = "", health, clusterName = "" }: Addon): Check {
  const base = { name: `add-on ${addonName}` };
  const issues = (health?.issues ?? []).map(({ message, code }) => message ?? String(code));
  if (status === "ACTIVE" && issues.length === 0) return { ...base, status: "ok", message: addonVersion };
  const isMoving = status === "ACTIVE" || status === "CREATING" || status === "UPDATING";
  const message = stateText(status, issues);
  const fix = `aws eks describe-addon --cluster-name ${clusterName} --addon-name ${addonName}`;
  return { ...base, status: isMoving ? "warn" : "fail", message, fix };
}

async function checkGateways(aws: Aws, name: string, signal: AbortSignal): Promise<readonly Check[]> {
  const { NatGateways = [] } = await (await aws.ec2()).describeNatGateways(
    { Filter: [{ Name: `tag:${clusterTag}`, Values: [name] }] },
    signal,
  );
  return NatGateways.filter(({ State }) => State !== "deleted" && State !== "deleting").map((gateway): Check => {
    const base = { name: `NAT gateway ${gateway.NatGatewayId}` };
    if (gateway.State === "available") return { ...base, status: "ok", message: "available" };
    const message = stateText(gateway.State, gateway.FailureMessage ? [gateway.FailureMessage] : []);
    const fix = "private instances reach nothing without it: `cortex cluster up` makes a new one";
    return { ...base, status: gateway.State === "failed" ? "fail" : "warn", message, fix };
  });
}
