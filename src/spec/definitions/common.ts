import { posix } from "node:path";
import type { ApiKind } from "../api.ts";
import { mapOf } from "../shape/collections.ts";
import type { Shape } from "../shape/shape.ts";
import { anyText, text } from "../shape/values.ts";

export const realtime: readonly ApiKind[] = ["RealtimeAPI"];
export const served: readonly ApiKind[] = ["RealtimeAPI", "AsyncAPI"];
export const workloads: readonly ApiKind[] = ["RealtimeAPI", "AsyncAPI", "BatchAPI", "TaskAPI"];

const dnsLabel = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const dnsHint = "use lower case letters, digits and dashes; begin with a letter, end with a letter or digit";

/** A name that Kubernetes takes as a DNS label. */
export function label(maxLength: number): Shape<string> {
  return text({
    type: "name",
    limits: `a DNS label of at most ${maxLength} characters`,
    maxLength,
    pattern: dnsLabel,
    hint: dnsHint,
  });
}

/** A path below the project's folder, with forward slashes and without `./`. */
export function projectPath(type = "path"): Shape<string> {
  return text({
    type,
    limits: "relative to the folder of the configuration file",
    parse(written) {
      const hint = "paths are relative to the folder of the configuration file, with forward slashes";
      if (written.includes("\\"))
        return { cause: "a path needs forward slashes", hint: `write ${written.replaceAll("\\", "/")}` };
      if (/^(?:[/~]|[A-Za-z]:)/.test(written)) return { cause: "the path must be relative", hint };
      const path = posix.normalize(written).replace(/\/$/, "");
      if (path === ".." || path.startsWith("../")) return { cause: "the path leads out of the project", hint };
      return path;
    },
  });
}

/** Environment variables by name. Their values may be secrets: no message repeats one. */
export function variablesMap(reserved: readonly string[]): Shape<Readonly<Record<string, string>>> {
  return mapOf(anyText(), {
    key: "name",
    checkKey(name) {
      if (!/^[A-Za-z_][A-Za-z0-9_.-]*$/.test(name)) {
        return ["is not a valid name of an environment variable", "use letters, digits and underscores"];
      }
      const prefix = reserved.find((one) => name.startsWith(one));
      if (prefix === undefined) return undefined;
      return [`names that begin with ${prefix} are set by Cortex itself`, "choose another name"];
    },
  });
}

export function image(): Shape<string> {
  return text({
    type: "image",
    limits: "a container image, for example python:3.12-slim",
    maxLength: 1000,
    pattern: /^[A-Za-z0-9][-A-Za-z0-9._:/@]*$/,
  });
}
