import { DescribeVpcEndpointsCommand } from "@aws-sdk/client-ec2";
import { bodyText, ec2Answer, xml } from "../reply.ts";
import { filtersOf, listOf, withForm } from "../request.ts";
import type { Handlers, Handling } from "../world.ts";
import { at, element, parseXml, printXml, textAt } from "../xml.ts";
import { fits, withoutFilters } from "./filters.ts";

const fieldsOfEndpoints = {
  "vpc-endpoint-id": "vpcEndpointId",
  "vpc-endpoint-state": "state",
  "vpc-endpoint-type": "vpcEndpointType",
  "vpc-id": "vpcId",
  "service-name": "serviceName",
};

export const endpointHandlers: Handlers = {
  DescribeVpcEndpoints: async (handling) => {
    const { request } = handling;
    const reply = await handling.forward(
      withForm(
        request,
        withoutFilters(request.form, () => true),
      ),
    );
    if (reply.status !== 200) return reply;
    const root = parseXml(bodyText(reply));
    const set = at(root, "vpcEndpointSet");
    const filters = filtersOf(request.form);
    if (set) {
      set.children = set.children.filter(
        (item) =>
          textAt(item, "state")?.toLowerCase() !== "deleted" &&
          filters.every((filter) => fits(item, filter, fieldsOfEndpoints)),
      );
    }
    return xml(200, printXml(root));
  },
  DeleteVpcEndpoints: async (handling) => {
    const { form } = handling.request;
    const there = await endpointsThere(handling);
    const ids = listOf(form, "VpcEndpointId");
    // moto ends one twice, and stumbles over the routes that went the first time.
    const [known, gone] = [ids.filter((id) => there.has(id)), ids.filter((id) => !there.has(id))];
    if (known.length > 0) {
      const rest = new URLSearchParams([...form].filter(([name]) => !name.startsWith("VpcEndpointId.")));
      for (const [index, id] of known.entries()) rest.append(`VpcEndpointId.${index + 1}`, id);
      const reply = await handling.forward(withForm(handling.request, rest));
      if (reply.status !== 200) return reply;
    }
    const unsuccessful = gone.map((id) => {
      const message = `The Vpc Endpoint Id '${id}' does not exist`;
      const error = element("error", [element("code", "InvalidVpcEndpoint.NotFound"), element("message", message)]);
      return element("item", [error, element("resourceId", id)]);
    });
    return ec2Answer("DeleteVpcEndpoints", [element("unsuccessful", unsuccessful)]);
  },
};

/** @returns ids of those that moto has not ended yet */
async function endpointsThere({ moto }: Handling): Promise<ReadonlySet<string>> {
  const { VpcEndpoints = [] } = await moto.ec2.send(new DescribeVpcEndpointsCommand({}));
  return new Set(
    VpcEndpoints.filter(({ State }) => String(State).toLowerCase() !== "deleted").map((one) => one.VpcEndpointId!),
  );
}
