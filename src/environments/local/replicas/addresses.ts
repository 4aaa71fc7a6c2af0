import { rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { makePrivateFolder } from "../../../platform/files.ts";

/** Where one process of a replica listens: a unix socket, or on Windows a port of the loopback address. */
export type Address = { readonly path: string } | { readonly port: number };

/** @returns an address per process that nobody listens on. @throws DISK_FULL, NOT_WRITABLE */
export async function claimAddresses(replica: string, processes: number, socketFolder: string): Promise<Address[]> {
  const indexes = Array.from({ length: processes }, (_, index) => index);
  if (process.platform === "win32") return Promise.all(indexes.map(async () => ({ port: await freePort() })));
  await makePrivateFolder(socketFolder);
  const addresses = indexes.map((index) => ({ path: join(socketFolder, `${replica}.${index}.sock`) }));
  await freeAddresses(addresses);
  return addresses;
}

/** Removes the sockets of processes that are gone. */
export async function freeAddresses(addresses: readonly Address[]): Promise<void> {
  await Promise.all(addresses.map((address) => "path" in address && rm(address.path, { force: true })));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once("error", reject).listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}
