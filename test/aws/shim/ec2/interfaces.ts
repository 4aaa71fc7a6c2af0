import {
  CreateNetworkInterfaceCommand,
  DeleteNetworkInterfaceCommand,
  DescribeNetworkInterfacesCommand,
  type Filter as Ec2Filter,
  type NetworkInterface,
} from "@aws-sdk/client-ec2";
import type { Moto } from "../moto-clients.ts";
import { bodyText, Refused, type Reply, xml } from "../reply.ts";
import { type Filter, filtersOf, withForm } from "../request.ts";
import type { Handlers, Handling, RegionState } from "../world.ts";
import { at, element, parseXml, printXml, setChild, setText, textAt } from "../xml.ts";
import { withoutFilters } from "./filters.ts";

/** What moto does not know of a network interface. */
export interface InterfaceRecord {
  readonly status: "available" | "in-use";
  /** Another service made it and alone may remove it. */
  readonly isManaged: boolean;
  readonly type: "interface" | "nat_gateway" | "network_load_balancer" | "load_balancer";
  readonly publicIp?: string;
}

interface NewInterface {
  readonly subnetId: string;
  readonly groups: readonly string[];
  readonly description: string;
  readonly record: InterfaceRecord;
  readonly tags: Readonly<Record<string, string>>;
}

/** @returns the id of a network interface that some other service has put into a subnet */
export async function addInterface(moto: Moto, { interfaces }: RegionState, wanted: NewInterface): Promise<string> {
  const { subnetId, groups, description, record, tags } = wanted;
  const { NetworkInterface } = await moto.ec2.send(
    new CreateNetworkInterfaceCommand({
      SubnetId: subnetId,
      Description: description,
      ...(groups.length > 0 && { Groups: [...groups] }),
      ...(Object.keys(tags).length > 0 && {
        TagSpecifications: [
          { ResourceType: "network-interface", Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })) },
        ],
      }),
    }),
  );
  const id = NetworkInterface!.NetworkInterfaceId!;
  interfaces.set(id, record);
  return id;
}

export async function removeInterface(moto: Moto, { interfaces }: RegionState, id: string): Promise<void> {
  interfaces.delete(id);
  await moto.ec2.send(new DeleteNetworkInterfaceCommand({ NetworkInterfaceId: id })).catch((error: Error) => {
    if (error.name !== "InvalidNetworkInterfaceID.NotFound") throw error;
  });
}

export async function findInterfaces(
  moto: Moto,
  filters: Readonly<Record<string, string>>,
): Promise<NetworkInterface[]> {
  const Filters: Ec2Filter[] = Object.entries(filters).map(([Name, value]) => ({ Name, Values: [value] }));
  return (await moto.ec2.send(new DescribeNetworkInterfacesCommand({ Filters }))).NetworkInterfaces ?? [];
}

/** Filters on what only the emulator knows. */
const own: Readonly<Record<string, (item: Shown) => string>> = {
  status: ({ status }) => status,
  "requester-managed": ({ isManaged }) => String(isManaged),
  "interface-type": ({ type }) => type,
};

interface Shown extends InterfaceRecord {
  readonly id: string;
}

export const interfaceHandlers: Handlers = {
  DescribeNetworkInterfaces: async (handling) => {
    const { request } = handling;
    const filters = filtersOf(request.form);
    const reply = await handling.forward(
      withForm(
        request,
        withoutFilters(request.form, (name) => name in own),
      ),
    );
    return reply.status === 200
      ? describe(
          handling,
          reply,
          filters.filter(({ name }) => name in own),
        )
      : reply;
  },
  DeleteNetworkInterface: async (handling) => {
    const id = handling.request.form.get("NetworkInterfaceId") ?? "";
    const record = handling.region.interfaces.get(id);
    if (record?.isManaged) throw new Refused("OperationNotPermitted", `You are not allowed to manage ${id}`, 403);
    const [found] = await findInterfaces(handling.moto, { "network-interface-id": id });
    if (record?.status === "in-use" || found?.Attachment?.InstanceId) {
      const words = `The network interface '${id}' is currently in use`;
      throw new Refused("InvalidNetworkInterface.InUse", words);
    }
    const reply = await handling.forward();
    if (reply.status === 200) handling.region.interfaces.delete(id);
    return reply;
  },
};

function describe({ region }: Handling, reply: Reply, filters: readonly Filter[]): Reply {
  const root = parseXml(bodyText(reply));
  const set = at(root, "networkInterfaceSet");
  if (set === undefined) return reply;
  set.children = set.children.filter((item) => {
    const id = textAt(item, "networkInterfaceId") ?? "";
    const record = region.interfaces.get(id);
    const attached = at(item, "attachment", "instanceId") !== undefined;
    const now: Shown = record
      ? { ...record, id }
      : { id, status: attached ? "in-use" : "available", isManaged: false, type: "interface" };
    setText(item, "status", now.status);
    setText(item, "requesterManaged", String(now.isManaged));
    setText(item, "interfaceType", now.type);
    if (now.isManaged)
      setChild(item, element("attachment", [element("instanceOwnerId", "amazon-aws"), element("status", "attached")]));
    if (now.publicIp) setChild(item, element("association", [element("publicIp", now.publicIp)]));
    return filters.every(({ name, values }) => values.includes(own[name]!(now)));
  });
  return xml(200, printXml(root));
}
