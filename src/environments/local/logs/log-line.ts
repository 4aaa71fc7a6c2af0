import type { LogLine } from "../../../core/environment.ts";

/** A request as the gateway answered it. */
export interface AccessLine {
  /** When it ended, milliseconds since the epoch. */
  readonly time: number;
  readonly api: string;
  /** The TrafficSplitter that it came by, if not empty. */
  readonly splitter?: string;
  /** Whether it is a copy whose answer nobody sees. */
  readonly isCopy?: boolean;
  /** Undefined when no replica had a part in it. */
  readonly revision?: number;
  readonly replica?: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
  readonly requestId: string;
}

export function formatLine(line: LogLine): string {
  // The time comes first, so that a reader can skip old lines without parsing them.
  return `{"time":${line.time},"api":"${line.api}","revision":${line.revision},"replica":"${line.replica}","stream":"${line.stream}","text":${JSON.stringify(line.text)}}\n`;
}

export function accessLogLine({ time, api, revision, replica, ...request }: AccessLine): LogLine {
  const { method, path, status, ms, requestId, splitter, isCopy } = request;
  const way = splitter ? ` ${isCopy ? "copy of" : "via"} ${splitter}` : "";
  const text = `${method} ${path} ${status} ${ms < 10 ? ms.toFixed(2) : ms.toFixed(1)}ms ${requestId}${way}`;
  return { time, api, revision: revision ?? 0, replica: replica ?? "", stream: "access", text };
}

/** @returns when the line on disk was written, 0 when that cannot be told */
export function timeOf(line: string): number {
  if (!line.startsWith('{"time":')) return 0;
  const time = Number.parseInt(line.slice(8, 24), 10);
  return Number.isFinite(time) ? time : 0;
}

/** @returns undefined for what is no whole line, e.g. one that a crash cut off */
export function parseLine(line: string): LogLine | undefined {
  if (line.length < 2) return undefined;
  try {
    const parsed = JSON.parse(line) as LogLine;
    return typeof parsed.time === "number" && typeof parsed.text === "string" ? parsed : undefined;
  } catch {
    return undefined;
  }
}
