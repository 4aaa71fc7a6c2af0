/** Longest line that a watch is believed to need, in bytes: etcd keeps no object beyond a few MiB. */
const longestLine = 64 * 1024 * 1024;

/**
 * Lines of `chunks` without their breaks; what is after the last break is dropped, since a line that the server did not end is
 * not whole. Reads on only when the consumer wants more.
 */
export async function* wholeLines(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let held: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, start)) {
      const piece = chunk.subarray(start, end);
      yield Buffer.concat([...held, piece]).toString("utf8");
      held = [];
      size = 0;
      start = end + 1;
    }
    if (start < chunk.length) {
      held.push(chunk.subarray(start));
      size += chunk.length - start;
    }
    if (size > longestLine) throw new Error("the server sent a line without an end");
  }
}
