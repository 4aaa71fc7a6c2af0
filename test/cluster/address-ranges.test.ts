import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { divideNetwork } from "../../src/cluster/address-ranges.ts";

describe("a network is divided", () => {
  test("into a public and a private half, each with a piece for every zone", () => {
    expect(divideNetwork("192.168.0.0/16", 3)).toEqual({
      public: ["192.168.0.0/19", "192.168.32.0/19", "192.168.64.0/19"],
      private: ["192.168.128.0/19", "192.168.160.0/19", "192.168.192.0/19"],
    });
    expect(divideNetwork("10.1.2.0/24", 2)).toEqual({
      public: ["10.1.2.0/26", "10.1.2.64/26"],
      private: ["10.1.2.128/26", "10.1.2.192/26"],
    });
  });

  test("into pieces that lie within it and do not overlap", () => {
    const prefixes = fc.integer({ min: 16, max: 24 });
    fc.assert(
      fc.property(
        prefixes,
        fc.integer({ min: 0, max: 2 ** 24 - 1 }),
        fc.integer({ min: 1, max: 6 }),
        (prefix, seed, zones) => {
          const size = 2 ** (32 - prefix);
          const begin = Math.floor((seed * 256) / size) * size;
          const network = `${bytes(begin)}/${prefix}`;
          const { public: open, private: closed } = divideNetwork(network, zones);
          const pieces = [...open, ...closed].map(range).sort((one, other) => one.first - other.first);
          expect(open.length).toBe(zones);
          expect(closed.length).toBe(zones);
          expect(pieces[0]!.first).toBeGreaterThanOrEqual(begin);
          expect(pieces.at(-1)!.last).toBeLessThan(begin + size);
          for (const [index, { first }] of pieces.entries()) {
            if (index > 0) expect(first).toBeGreaterThan(pieces[index - 1]!.last);
          }
        },
      ),
    );
  });

  test("only when AWS takes its size, and the subnets' too", () => {
    expect(() => divideNetwork("10.0.0.0/8", 3)).toThrow("vpc_cidr: 10.0.0.0/8 is no size for a network with 3 zones");
    expect(() => divideNetwork("10.0.0.0/26", 3)).toThrow("no size");
    expect(divideNetwork("10.0.0.0/25", 3).public[2]).toBe("10.0.0.32/28");
  });

  test("only when it begins where such a network begins", () => {
    expect(() => divideNetwork("10.0.7.0/16", 3)).toThrow("does not begin where such a network begins");
  });
});

function bytes(address: number): string {
  return [24, 16, 8, 0].map((bits) => Math.floor(address / 2 ** bits) % 256).join(".");
}

function range(cidr: string): { readonly first: number; readonly last: number } {
  const [address = "", prefix] = cidr.split("/");
  const first = address.split(".").reduce((sum, byte) => sum * 256 + Number(byte), 0);
  return { first, last: first + 2 ** (32 - Number(prefix)) - 1 };
}
