const block = 512;

/** @returns the content of the file `path` in a tar archive, without copying it; undefined when it has none */
export function readTarFile(archive: Buffer, path: string): Buffer | undefined {
  for (let at = 0; at + block <= archive.length && archive[at] !== 0; ) {
    const header = archive.subarray(at, at + block);
    const bytes = Number.parseInt(text(header, 124, 12), 8);
    const prefix = text(header, 257, 5) === "ustar" ? text(header, 345, 155) : "";
    const name = [prefix, text(header, 0, 100)].filter(Boolean).join("/");
    const start = at + block;
    // A file is "0", in old archives the null byte.
    if (name === path && [0, 0x30].includes(header[156]!)) return archive.subarray(start, start + bytes);
    at = start + Math.ceil(bytes / block) * block;
  }
  return undefined;
}

function text(header: Buffer, from: number, length: number): string {
  return header
    .toString("latin1", from, from + length)
    .split("\0")[0]!
    .trim();
}
