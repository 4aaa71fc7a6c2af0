import { CortexError } from "../core/errors.ts";

/** Address ranges of the subnets, in the order of the zones. */
export interface AddressRanges {
  readonly public: readonly string[];
  readonly private: readonly string[];
}

/** What AWS takes for a network, and for a subnet. */
const largestNetwork = 16;
const smallestSubnet = 28;

/**
 * Halves a network into a public and a private part, and gives each zone an equal piece of both. Pure, so that it comes out the
 * same whenever something of a network is missing; the pieces stay where they are if there are fewer zones or no private part.
 * @param network e.g. `192.168.0.0/16`
 * @throws SPEC_INVALID when it is too large for AWS, too small for so many zones, or begins in the middle of itself
 */
export function divideNetwork(network: string, zones: number): AddressRanges {
  const [address = "", size = ""] = network.split("/");
  const prefix = Number(size);
  const perPart = 2 ** Math.ceil(Math.log2(Math.max(zones, 1)));
  const subnetPrefix = prefix + 1 + Math.log2(perPart);
  const first = toNumber(address);
  if (prefix < largestNetwork || subnetPrefix > smallestSubnet) {
    const smallest = smallestSubnet - 1 - Math.log2(perPart);
    throw new CortexError("SPEC_INVALID", `vpc_cidr: ${network} is no size for a network with ${zones} zones`, {
      hint: `choose one between /${largestNetwork} and /${smallest}, for example 192.168.0.0/16`,
    });
  }
  const blockSize = 2 ** (32 - subnetPrefix);
  if (first % (blockSize * perPart * 2) !== 0) {
    const begin = first - (first % (blockSize * perPart * 2));
    throw new CortexError("SPEC_INVALID", `vpc_cidr: ${network} does not begin where such a network begins`, {
      hint: `write ${toText(begin)}/${prefix}`,
    });
  }
  const piece = (index: number) => `${toText(first + index * blockSize)}/${subnetPrefix}`;
  const pieces = (from: number) => Array.from({ length: zones }, (_, zone) => piece(from + zone));
  return { public: pieces(0), private: pieces(perPart) };
}

function toNumber(address: string): number {
  return address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join(".");
}
