export const CR = 13;
export const LF = 10;
export const SP = 32;
export const HTAB = 9;
export const COLON = 58;
export const SLASH = 47;
export const QUESTION = 63;

/** Classes of bytes, as bits. */
export const TOKEN = 1;
/** May stand in a header's value: visible, space, tab, and anything above ASCII. */
export const VALUE = 2;
/** May stand in a request target: visible but `#`, and anything above ASCII, as some clients send it unescaped. */
export const TARGET = 4;
/** May stand in a Host header. */
export const HOST = 8;
/** May stand in a request id that we pass on. */
export const REQUEST_ID = 16;
export const DIGIT = 32;

function classify(byte: number): number {
  const text = String.fromCharCode(byte);
  const isVisible = byte > 0x20 && byte !== 0x7f;
  return (
    (/[A-Za-z0-9!#$%&'*+\-.^_`|~]/.test(text) ? TOKEN : 0) |
    (isVisible || byte === SP || byte === HTAB ? VALUE : 0) |
    (isVisible && text !== "#" ? TARGET : 0) |
    (/[A-Za-z0-9\-._~%!$&'()*+,;=:[\]]/.test(text) ? HOST : 0) |
    (/[A-Za-z0-9\-._~+/=:@]/.test(text) ? REQUEST_ID : 0) |
    (/[0-9]/.test(text) ? DIGIT : 0)
  );
}

export const classes: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => classify(byte));

/** Whether `bytes[start, end)` is `word` (lower case, of letters, digits and dashes) in any case. */
export function isWord(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if ((bytes[start + i]! | 0x20) !== word.charCodeAt(i)) return false;
  return true;
}

/** Whether every byte of `bytes[start, end)` is of one of the classes in `mask`. */
export function isAll(bytes: Uint8Array, start: number, end: number, mask: number): boolean {
  for (let i = start; i < end; i++) if ((classes[bytes[i]!]! & mask) === 0) return false;
  return true;
}
