const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{20000}-\u{3fffd}]/u;
const invisible = /[\p{Mn}\p{Me}\p{Cf}\p{Cc}]/u;
const ascii = /^[\x20-\x7e]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: an escape sequence begins with a control character
const colorSequences = /\u001b\[[0-9;]*m/g;

/** How many cells of a terminal `text` fills; colour counts nothing. */
export function displayWidth(text: string): number {
  if (ascii.test(text)) return text.length;
  let width = 0;
  for (const character of text.replace(colorSequences, "")) width += characterWidth(character);
  return width;
}

/** 0, 1 or 2 cells. */
export function characterWidth(character: string): number {
  if (character >= " " && character <= "~") return 1;
  if (invisible.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

export function padEnd(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - displayWidth(text)));
}

/** @returns `text` in at most `width` cells, its end replaced by an ellipsis where it is longer */
export function truncate(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  let taken = "";
  let used = 0;
  for (const character of text) {
    used += characterWidth(character);
    if (used > width - 1) break;
    taken += character;
  }
  return `${taken}…`;
}

/** @returns `text` as one line that cannot steer a terminal: control characters become spaces */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ").trim();
}
