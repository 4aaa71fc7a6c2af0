import type { Aws } from "../aws/aws.ts";
import { awsErrorName } from "../aws/refusal.ts";

/** What one container of one replica printed. */
interface Stream {
  readonly name: string;
  readonly pod: string;
  readonly container: string;
  readonly revision: number;
  /** Milliseconds since the epoch. */
  readonly lastAt: number;
}

interface Line {
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly text: string;
}

/** Of an API that is deployed all day there are many; so many pages of 50 are enough. */
const mostPages = 40;
/** That one call gives. */
const mostLines = 10_000;

/** What Fluent Bit sent to a log group, a stream per container, named `NAMESPACE.POD.CONTAINER.REVISION`. */
export function logArchive(aws: Aws, logGroupName: string) {
  return {
    /** None where there is no such log group. */
    async streams(namespace: string, api: string, signal: AbortSignal): Promise<readonly Stream[]> {
      const logs = await aws.logs();
      const found: Stream[] = [];
      const logStreamNamePrefix = `${namespace}.${api}-`;
      let nextToken: string | undefined;
      try {
        for (let page = 0; page < mostPages; page += 1) {
          const answer = await logs.describeLogStreams({ logGroupName, logStreamNamePrefix, nextToken }, signal);
          for (const { logStreamName: name = "", creationTime = 0, ...times } of answer.logStreams ?? []) {
            const parts = partsOf(name, namespace, api);
            const { lastEventTimestamp = 0, lastIngestionTime = 0 } = times;
            if (parts)
              found.push({ name, ...parts, lastAt: Math.max(creationTime, lastEventTimestamp, lastIngestionTime) });
          }
          nextToken = answer.nextToken;
          if (nextToken === undefined) break;
        }
      } catch (error) {
        if (awsErrorName(error) !== "ResourceNotFoundException") throw error;
      }
      return found;
    },

    async *lines(
      logStreamName: string,
      { sinceMs: startTime, tail }: { readonly sinceMs: number | undefined; readonly tail: number | undefined },
      signal: AbortSignal,
    ): AsyncGenerator<Line> {
      const logs = await aws.logs();
      const isWhole = tail === undefined || tail > mostLines;
      const common = { logGroupName, logStreamName, startTime, startFromHead: isWhole };
      let nextToken: string | undefined;
      for (;;) {
        const limit = isWhole ? undefined : Math.max(tail, 1);
        const answer = await logs.getLogEvents({ ...common, limit, nextToken }, signal);
        for (const { timestamp: time = 0, message = "" } of answer.events ?? []) {
          yield { time, text: message.replace(/\r?\n$/, "") };
        }
        // At the end it gives the token that it was asked with; pages before may be empty.
        if (!isWhole || answer.nextForwardToken === undefined || answer.nextForwardToken === nextToken) return;
        nextToken = answer.nextForwardToken;
      }
    },
  };
}

/** Pods of a Deployment are named `NAME-HASH-SUFFIX`, so that those of `iris-v2` are none of `iris`. */
function partsOf(
  name: string,
  namespace: string,
  api: string,
): Pick<Stream, "pod" | "container" | "revision"> | undefined {
  const [place, pod = "", container = "", revision = ""] = name.split(".");
  const rest = pod.startsWith(`${api}-`) ? pod.slice(api.length + 1) : "";
  if (place !== namespace || !/^[a-z0-9]{1,10}-[a-z0-9]{5}$/.test(rest) || container === "") return undefined;
  return { pod, container, revision: Number(revision) || 0 };
}
