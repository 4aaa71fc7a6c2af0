const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** How long, in its largest one or two units: `0.4s`, `12s`, `3m`, `2h10m`, `5d`. */
export function durationText(ms: number): string {
  if (ms < 10 * secondMs) return `${(Math.max(0, ms) / secondMs).toFixed(1)}s`;
  if (ms < minuteMs) return `${Math.floor(ms / secondMs)}s`;
  if (ms < hourMs) return `${Math.floor(ms / minuteMs)}m`;
  if (ms < dayMs) return twoUnits(ms, hourMs, "h", minuteMs, "m");
  return twoUnits(ms, dayMs, "d", hourMs, "h");
}

/** How long something that takes minutes has taken, to the second: `0.4s`, `12s`, `3m05s`, `2h10m`. */
export function elapsedText(ms: number): string {
  if (ms < minuteMs || ms >= hourMs) return durationText(ms);
  const seconds = Math.floor((ms % minuteMs) / secondMs);
  return `${Math.floor(ms / minuteMs)}m${String(seconds).padStart(2, "0")}s`;
}

/** An estimate: `less than a minute`, `about 1 minute`, `about 13 minutes`. */
export function roughDurationText(ms: number): string {
  if (ms < minuteMs / 2) return "less than a minute";
  const minutes = Math.round(ms / minuteMs);
  return minutes === 1 ? "about 1 minute" : `about ${minutes} minutes`;
}

/** How long ago, to the second. */
export function ageText(since: number, now: number): string {
  const ms = Math.max(0, now - since);
  return ms < minuteMs ? `${Math.floor(ms / secondMs)}s` : durationText(ms);
}

/** Local date and time to the second: `2026-11-23 14:03:09`. */
export function dateText(time: number): string {
  const date = new Date(time - new Date(time).getTimezoneOffset() * minuteMs);
  return date.toISOString().slice(0, 19).replace("T", " ");
}

export function secondsSinceEpoch(ms: number): number {
  return Math.floor(ms / secondMs);
}

function twoUnits(ms: number, large: number, largeName: string, small: number, smallName: string): string {
  const count = Math.floor(ms / large);
  const rest = Math.floor((ms - count * large) / small);
  return rest === 0 ? `${count}${largeName}` : `${count}${largeName}${rest}${smallName}`;
}
