import {
  CreateTagsCommand,
  DeleteNetworkInterfaceCommand,
  DeleteVolumeCommand,
  DescribeInstancesCommand,
  DescribeSubnetsCommand,
  type Instance,
  RunInstancesCommand,
  type TagSpecification,
  TerminateInstancesCommand,
} from "@aws-sdk/client-ec2";
import type { LaunchTemplateData } from "./ec2/launch-templates.ts";
import { queryAnswer, Refused } from "./reply.ts";
import { listOf } from "./request.ts";
import type { Handlers, Handling } from "./world.ts";
import { type Element, element } from "./xml.ts";

interface GroupInstance {
  readonly id: string;
  readonly zone: string;
  readonly type: string;
}

interface Activity {
  readonly id: string;
  readonly description: string;
  readonly status: "Successful" | "Failed";
  readonly message?: string;
  readonly at: number;
}

export interface AutoScalingGroup {
  readonly name: string;
  readonly createdAt: number;
  min: number;
  max: number;
  desired: number;
  readonly subnets: readonly string[];
  readonly instanceTypes: readonly string[];
  readonly lifecycle: "spot" | "on-demand";
  template: LaunchTemplateData;
  readonly tags: Map<string, { readonly value: string; readonly isPropagated: boolean }>;
  instances: GroupInstance[];
  /** Newest first. */
  readonly activities: Activity[];
}

type Wanted = Pick<AutoScalingGroup, "min" | "max" | "subnets" | "instanceTypes" | "lifecycle" | "template"> & {
  readonly tags: Readonly<Record<string, string>>;
};

export function createAutoScalingGroup({ world, region }: Handling, name: string, wanted: Wanted): AutoScalingGroup {
  const tags = new Map(Object.entries(wanted.tags).map(([key, value]) => [key, { value, isPropagated: true }]));
  const group = { ...wanted, name, createdAt: world.clock.now(), desired: 0, tags, instances: [], activities: [] };
  region.autoScalingGroups.set(name, group);
  return group;
}

/** Starts or ends instances until there are so many. */
export async function scale(handling: Handling, group: AutoScalingGroup, desired: number): Promise<void> {
  group.desired = desired;
  const surplus = group.instances.slice(desired);
  if (surplus.length > 0) await terminate(handling, group, surplus);
  const missing = desired - group.instances.length;
  if (missing > 0) await launch(handling, group, missing);
}

/** Ends all instances and starts as many, from another template when there is one. */
export async function replaceInstances(handling: Handling, group: AutoScalingGroup, template?: LaunchTemplateData) {
  if (template) group.template = template;
  const old = [...group.instances];
  if (old.length > 0) await launch(handling, group, old.length);
  await terminate(handling, group, old);
}

export async function removeAutoScalingGroup(handling: Handling, name: string): Promise<void> {
  const group = handling.region.autoScalingGroups.get(name);
  if (group === undefined) return;
  await terminate(handling, group, group.instances);
  handling.region.autoScalingGroups.delete(name);
}

/** No instance can be had. @returns the words of the activity that failed */
export function failLaunch({ world }: Handling, group: AutoScalingGroup): string {
  const kind = group.lifecycle === "spot" ? "Spot" : "On-Demand";
  const [type] = group.instanceTypes;
  const message =
    group.lifecycle === "spot"
      ? `Could not launch Spot Instances. UnfulfillableCapacity - Unable to fulfill capacity due to your request configuration. ` +
        `There is no Spot capacity available that matches your request for ${type}. Launching EC2 instance failed.`
      : `Could not launch ${kind} Instances. InsufficientInstanceCapacity - We currently do not have sufficient ${type} capacity in ` +
        `the Availability Zone you requested. Our system will be working on provisioning additional capacity. ` +
        `Launching EC2 instance failed.`;
  group.activities.unshift({
    id: crypto.randomUUID(),
    description: "Launching a new EC2 instance.",
    status: "Failed",
    message,
    at: world.clock.now(),
  });
  return message;
}

async function launch({ world, moto }: Handling, group: AutoScalingGroup, count: number): Promise<void> {
  const { Subnets = [] } = await moto.ec2.send(new DescribeSubnetsCommand({ SubnetIds: [...group.subnets] }));
  const counts = Subnets.map(
    (_, index) => Math.floor(count / Subnets.length) + (index < count % Subnets.length ? 1 : 0),
  );
  const [type = "t3.medium"] = group.instanceTypes;
  const groups = group.template.SecurityGroupIds ?? group.template.NetworkInterfaces?.[0]?.Groups;
  for (const [index, { SubnetId, AvailabilityZone }] of Subnets.entries()) {
    const n = counts[index]!;
    if (n === 0) continue;
    const { Instances = [] } = await moto.ec2.send(
      new RunInstancesCommand({
        ImageId: nodeImage,
        MinCount: n,
        MaxCount: n,
        InstanceType: type as never,
        SubnetId,
        ...(groups && { SecurityGroupIds: groups }),
        TagSpecifications: tagSpecifications(group),
        ...(group.lifecycle === "spot" && { InstanceMarketOptions: { MarketType: "spot" } }),
      }),
    );
    await tagInterfaces(moto, group, Instances);
    for (const { InstanceId } of Instances) {
      group.instances.push({ id: InstanceId!, zone: AvailabilityZone!, type });
      group.activities.unshift({
        id: crypto.randomUUID(),
        description: `Launching a new EC2 instance: ${InstanceId}`,
        status: "Successful",
        at: world.clock.now(),
      });
    }
  }
}

/** As their launch template says, which moto does not read for interfaces. */
async function tagInterfaces(moto: Handling["moto"], group: AutoScalingGroup, instances: readonly Instance[]) {
  const Tags = tagsOfTemplate(group, "network-interface").map(([Key, Value]) => ({ Key, Value }));
  const Resources = instances.flatMap(({ NetworkInterfaces = [] }) =>
    NetworkInterfaces.flatMap(({ NetworkInterfaceId }) => NetworkInterfaceId ?? []),
  );
  if (Tags.length === 0 || Resources.length === 0) return;
  await moto.ec2.send(new CreateTagsCommand({ Resources, Tags }));
}

function tagsOfTemplate({ template }: AutoScalingGroup, kind: string): (readonly [string, string])[] {
  return (template.TagSpecifications ?? [])
    .filter(({ ResourceType }) => ResourceType === kind)
    .flatMap(({ Tags = [] }) => Tags.map(({ Key, Value }) => [Key!, Value!] as const));
}

/** One of those that moto knows: what runs on a node does not matter here. */
const nodeImage = "ami-12c6146b";

function tagSpecifications(group: AutoScalingGroup): TagSpecification[] {
  const own = [...group.tags]
    .filter(([, { isPropagated }]) => isPropagated)
    .map(([key, { value }]) => [key, value] as const);
  const of = (kind: "instance" | "volume", all: readonly (readonly [string, string])[]): TagSpecification => ({
    ResourceType: kind,
    Tags: [...new Map([...tagsOfTemplate(group, kind), ...all])].map(([Key, Value]) => ({ Key, Value })),
  });
  const instance = of("instance", [...own, ["aws:autoscaling:groupName", group.name]]);
  return [instance, of("volume", own.slice(0, 2))].filter(({ Tags }) => Tags!.length > 0);
}

/** Ends instances; their interfaces and volumes go with them, which moto leaves. */
async function terminate({ moto }: Handling, group: AutoScalingGroup, gone: readonly GroupInstance[]): Promise<void> {
  if (gone.length === 0) return;
  const InstanceIds = gone.map(({ id }) => id);
  const { Reservations = [] } = await moto.ec2.send(new DescribeInstancesCommand({ InstanceIds }));
  const instances = Reservations.flatMap(({ Instances = [] }) => Instances);
  await moto.ec2.send(new TerminateInstancesCommand({ InstanceIds }));
  await Promise.all(instances.flatMap((instance) => partsOf(instance).map((remove) => remove(moto).catch(() => {}))));
  group.instances = group.instances.filter(({ id }) => !InstanceIds.includes(id));
}

function partsOf({ NetworkInterfaces = [], BlockDeviceMappings = [] }: Instance) {
  return [
    ...NetworkInterfaces.map(({ NetworkInterfaceId }) => (moto: Handling["moto"]) => {
      return moto.ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId })) as Promise<unknown>;
    }),
    ...BlockDeviceMappings.map(({ Ebs }) => (moto: Handling["moto"]) => {
      return moto.ec2.send(new DeleteVolumeCommand({ VolumeId: Ebs?.VolumeId })) as Promise<unknown>;
    }),
  ];
}

export const autoScalingHandlers: Handlers = {
  DescribeAutoScalingGroups: ({ request, region }) => {
    const names = listOf(request.form, "AutoScalingGroupNames.member");
    const all = [...region.autoScalingGroups.values()].filter(({ name }) => names.length === 0 || names.includes(name));
    return queryAnswer(request, [
      element(
        "AutoScalingGroups",
        all.map((group) => groupElement(group)),
      ),
    ]);
  },
  DescribeScalingActivities: ({ request, region }) => {
    const name = request.form.get("AutoScalingGroupName");
    const groups = [...region.autoScalingGroups.values()].filter((group) => name === null || group.name === name);
    if (name !== null && groups.length === 0)
      throw new Refused("ValidationError", `AutoScalingGroup name not found - AutoScalingGroup ${name} not found`);
    const activities = groups.flatMap((group) => group.activities.map((one) => activityElement(group, one)));
    return queryAnswer(request, [element("Activities", activities)]);
  },
  CreateOrUpdateTags: ({ request, region }) => {
    const { form } = request;
    for (let n = 1; form.has(`Tags.member.${n}.Key`); n += 1) {
      const at = (name: string) => form.get(`Tags.member.${n}.${name}`) ?? "";
      const group = region.autoScalingGroups.get(at("ResourceId"));
      if (group === undefined)
        throw new Refused("ValidationError", `AutoScalingGroup name not found - ${at("ResourceId")}`);
      group.tags.set(at("Key"), { value: at("Value"), isPropagated: at("PropagateAtLaunch") === "true" });
    }
    return queryAnswer(request, []);
  },
};

function groupElement(group: AutoScalingGroup): Element {
  const number = (name: string, value: number) => element(name, String(value));
  return element("member", [
    element("AutoScalingGroupName", group.name),
    element("AutoScalingGroupARN", `arn:aws:autoscaling:::autoScalingGroup:x:autoScalingGroupName/${group.name}`),
    number("MinSize", group.min),
    number("MaxSize", group.max),
    number("DesiredCapacity", group.desired),
    number("DefaultCooldown", 300),
    element("HealthCheckType", "EC2"),
    element("CreatedTime", new Date(group.createdAt).toISOString()),
    element("VPCZoneIdentifier", group.subnets.join(",")),
    element(
      "Instances",
      group.instances.map(({ id, zone, type }) =>
        element("member", [
          element("InstanceId", id),
          element("InstanceType", type),
          element("AvailabilityZone", zone),
          element("LifecycleState", "InService"),
          element("HealthStatus", "Healthy"),
          element("ProtectedFromScaleIn", "false"),
        ]),
      ),
    ),
    element(
      "Tags",
      [...group.tags].map(([key, { value, isPropagated }]) =>
        element("member", [
          element("ResourceId", group.name),
          element("ResourceType", "auto-scaling-group"),
          element("Key", key),
          element("Value", value),
          element("PropagateAtLaunch", String(isPropagated)),
        ]),
      ),
    ),
  ]);
}

function activityElement({ name }: AutoScalingGroup, { id, description, status, message, at }: Activity): Element {
  return element("member", [
    element("ActivityId", id),
    element("AutoScalingGroupName", name),
    element("Description", description),
    element("Cause", "an instance was started in response to a difference between desired and actual capacity"),
    element("StartTime", new Date(at).toISOString()),
    element("StatusCode", status),
    ...(message === undefined ? [] : [element("StatusMessage", message)]),
    element("Progress", "100"),
  ]);
}
