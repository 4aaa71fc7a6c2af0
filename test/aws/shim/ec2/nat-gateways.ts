import { DescribeAddressesCommand, DisassociateAddressCommand } from "@aws-sdk/client-ec2";
import { bodyText, Refused, type Reply, xml } from "../reply.ts";
import { type Filter, filtersOf, withForm } from "../request.ts";
import type { Handlers, Handling } from "../world.ts";
import { at, findAll, parseXml, printXml, setText, textAt } from "../xml.ts";
import { fits, withoutFilters } from "./filters.ts";
import { findInterfaces, removeInterface } from "./interfaces.ts";

export interface NatRecord {
  readonly allocationId: string | undefined;
  readonly interfaceId: string | undefined;
  state: "pending" | "available" | "deleting" | "deleted" | "failed";
  failure?: { readonly code: string; readonly message: string };
  /** Its address and interface are free again. */
  isGone: boolean;
}

/** Elements that filters are about. */
const fields = { "nat-gateway-id": "natGatewayId", "vpc-id": "vpcId", "subnet-id": "subnetId", state: "state" };

/** A NAT gateway that is deleted is still told of for a while. */
const toldOfMs = 60 * 60_000;

export const natGatewayHandlers: Handlers = {
  CreateNatGateway: createGateway,
  DescribeNatGateways: async (handling) => {
    const { request } = handling;
    const reply = await handling.forward(
      withForm(
        request,
        withoutFilters(request.form, () => true),
      ),
    );
    return reply.status === 200 ? describe(handling, reply, filtersOf(request.form)) : reply;
  },
  DeleteNatGateway: deleteGateway,
};

async function createGateway(handling: Handling): Promise<Reply> {
  const { world, region, moto } = handling;
  const reply = await handling.forward();
  if (reply.status !== 200) return reply;
  const root = parseXml(bodyText(reply));
  const gateway = findAll(root, "natGateway")[0]!;
  const id = textAt(gateway, "natGatewayId")!;
  const [address] = findAll(gateway, "natGatewayAddressSet").flatMap(({ children }) => children);
  const interfaceId = address && textAt(address, "networkInterfaceId");
  const allocationId =
    (address && textAt(address, "allocationId")) ?? handling.request.form.get("AllocationId") ?? undefined;
  const record: NatRecord = { allocationId, interfaceId, state: "pending", isGone: false };
  region.natGateways.set(id, record);
  if (interfaceId) region.interfaces.set(interfaceId, { status: "in-use", isManaged: true, type: "nat_gateway" });
  world.timeline.plan(world.clock.now() + world.times.createNatGateway, async () => {
    if (record.state !== "pending") return;
    record.state = handling.isScarce ? "failed" : "available";
    if (!handling.isScarce) return;
    record.failure = {
      code: "InsufficientFreeAddressesInSubnet",
      message: "Subnet has insufficient free addresses to create this NAT gateway",
    };
    await free({ ...handling, moto }, record);
  });
  setText(gateway, "state", "pending");
  return xml(200, printXml(root));
}

async function deleteGateway(handling: Handling): Promise<Reply> {
  const { world, region, request } = handling;
  const id = request.form.get("NatGatewayId") ?? "";
  const record = region.natGateways.get(id);
  if (record === undefined || record.state === "deleted") {
    throw new Refused("NatGatewayNotFound", `The Nat Gateway ${id} was not found`);
  }
  if (record.state !== "deleting") {
    record.state = "deleting";
    const now = world.clock.now();
    world.timeline.plan(now + world.times.deleteNatGateway, async () => {
      record.state = "deleted";
      await free(handling, record);
      await handling.forward();
    });
    world.timeline.plan(now + world.times.deleteNatGateway + toldOfMs, () => {
      region.natGateways.delete(id);
    });
  }
  return xml(200, `<DeleteNatGatewayResponse><natGatewayId>${id}</natGatewayId></DeleteNatGatewayResponse>`);
}

/** Gives the address and the interface back, which moto keeps. */
async function free({ moto, region }: Handling, record: NatRecord) {
  if (record.isGone) return;
  record.isGone = true;
  const { allocationId, interfaceId } = record;
  if (allocationId) {
    const found = await moto.ec2
      .send(new DescribeAddressesCommand({ AllocationIds: [allocationId] }))
      .catch(() => undefined);
    const AssociationId = found?.Addresses?.[0]?.AssociationId;
    if (AssociationId) await moto.ec2.send(new DisassociateAddressCommand({ AssociationId }));
  }
  if (interfaceId && (await findInterfaces(moto, { "network-interface-id": interfaceId })).length > 0) {
    await removeInterface(moto, region, interfaceId);
  }
}

function describe({ region }: Handling, reply: Reply, filters: readonly Filter[]): Reply {
  const root = parseXml(bodyText(reply));
  const set = at(root, "natGatewaySet");
  if (set === undefined) return reply;
  set.children = set.children.filter((item) => {
    const record = region.natGateways.get(textAt(item, "natGatewayId") ?? "");
    if (record === undefined) return false;
    setText(item, "state", record.state);
    if (record.failure) {
      setText(item, "failureCode", record.failure.code);
      setText(item, "failureMessage", record.failure.message);
    }
    return filters.every((filter) => fits(item, filter, fields));
  });
  return xml(200, printXml(root));
}
