import { CortexError, type Location } from "../../core/errors.ts";
import { createSource, type Source } from "./source.ts";

export const largestFileBytes = 1024 * 1024;

/**
 * Reads bytes as UTF-8 text, with or without a byte order mark.
 * @throws SPEC_INVALID for a file that is above 1 MiB, in another encoding, or holds control characters
 */
export function decode(file: string, bytes: Uint8Array | string): Source {
  const size = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.byteLength;
  if (size > largestFileBytes) {
    refuse(`the file is too large: ${size} bytes, at most ${largestFileBytes} are read`, { file, line: 1, column: 1 });
  }
  const text = (typeof bytes === "string" ? bytes : decodeUtf8(file, bytes)).replace(/^\uFEFF/, "");
  const source = createSource(file, text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: finding them is the point
  const control = text.search(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/);
  if (control !== -1) {
    const code = text.charCodeAt(control).toString(16).padStart(4, "0").toUpperCase();
    const { text: _, ...at } = source.locate(control);
    refuse(
      `the file holds a control character (U+${code})`,
      at,
      "remove it, or write it as an escape in double quotes",
    );
  }
  return source;
}

function decodeUtf8(file: string, bytes: Uint8Array): string {
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) {
    refuse("the file is UTF-16", { file, line: 1, column: 1 }, "save it as UTF-8");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse("the file is not UTF-8 here", firstBadByte(file, bytes), "save it as UTF-8");
  }
}

/** Where the first byte stands that is not UTF-8: no line break is ever part of a longer character. */
function firstBadByte(file: string, bytes: Uint8Array): Location {
  const strict = new TextDecoder("utf-8", { fatal: true });
  for (let line = 1, start = 0; start <= bytes.length; line += 1) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    try {
      strict.decode(bytes.subarray(start, end));
    } catch {
      const column = new TextDecoder().decode(bytes.subarray(start, end)).indexOf("\uFFFD") + 1;
      return { file, line, column };
    }
    start = end + 1;
  }
  return { file, line: 1, column: 1 };
}

function refuse(message: string, at: Location, hint?: string): never {
  const problem = { message, at, ...(hint !== undefined && { hint }) };
  throw new CortexError("SPEC_INVALID", message, { ...problem, problems: [problem] });
}
