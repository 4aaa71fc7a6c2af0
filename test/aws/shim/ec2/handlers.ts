import { bodyText, Refused, type Reply, xml } from "../reply.ts";
import type { Handler, Handlers, Handling } from "../world.ts";
import { at, parseXml, printXml, setText, textAt } from "../xml.ts";
import { dependencyHandlers } from "./dependencies.ts";
import { endpointHandlers } from "./endpoints.ts";
import { interfaceHandlers } from "./interfaces.ts";
import { natGatewayHandlers } from "./nat-gateways.ts";

const own: Handlers = {
  ...dependencyHandlers,
  ...endpointHandlers,
  ...interfaceHandlers,
  ...natGatewayHandlers,
  /** By the emulator's time, where it knows. */
  DescribeVolumes: async (handling) => {
    const reply = await handling.forward();
    if (reply.status !== 200) return reply;
    const root = parseXml(bodyText(reply));
    for (const volume of at(root, "volumeSet")?.children ?? []) {
      const madeAt = handling.region.volumes.get(textAt(volume, "volumeId") ?? "");
      if (madeAt !== undefined) setText(volume, "createTime", new Date(madeAt).toISOString());
    }
    return xml(200, printXml(root));
  },
  DescribeAvailabilityZones: async (handling) => {
    const reply = await handling.forward();
    if (reply.status !== 200) return reply;
    const root = parseXml(bodyText(reply));
    for (const zone of at(root, "availabilityZoneInfo")?.children ?? []) {
      setText(zone, "optInStatus", "opt-in-not-required");
      setText(zone, "zoneType", "availability-zone");
    }
    return xml(200, printXml(root));
  },
};

/** Every operation of EC2 goes through here: tries without effect, and repeated ones by their token. */
export function ec2Handler(operation: string): Handler {
  const handle: Handler = own[operation] ?? (({ forward }) => forward());
  return async (handling) => {
    const { form } = handling.request;
    if (form.get("DryRun") === "true") {
      throw new Refused("DryRunOperation", "Request would have succeeded, but DryRun flag is set.", 412);
    }
    const token = form.get("ClientToken");
    return token === null ? handle(handling) : once(handling, `${operation} ${token}`, handle);
  };
}

/** The same token has the same answer, for as long as AWS remembers it; here always. */
async function once(handling: Handling, key: string, handle: Handler): Promise<Reply> {
  const { tokens } = handling.region;
  const known = tokens.get(key);
  const parameters = handling.request.form.toString();
  if (known !== undefined) {
    if (known.headers["x-parameters"] === parameters) return known;
    throw new Refused(
      "IdempotentParameterMismatch",
      "The parameters do not match those of the same client token before.",
    );
  }
  const reply = await handle(handling);
  if (reply.status === 200) tokens.set(key, { ...reply, headers: { ...reply.headers, "x-parameters": parameters } });
  return reply;
}
