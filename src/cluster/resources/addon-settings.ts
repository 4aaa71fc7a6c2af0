/** What an add-on of EKS is set to. */
export interface Configuration {
  readonly [key: string]: unknown;
}

/** @returns undefined for what is no JSON, as YAML, which EKS takes too: whoever wrote that looks after it */
export function configurationOf(text: string | undefined): Configuration | undefined {
  if (!text?.trim()) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isConfiguration(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Pure. True also where it is not known. */
export function hasAll(has: Configuration | undefined, wanted: Configuration | undefined): boolean {
  if (!has || !wanted) return true;
  return Object.entries(wanted).every(([key, value]) => {
    const there = has[key];
    if (!isConfiguration(value)) return there === value;
    return isConfiguration(there) && hasAll(there, value);
  });
}

/** Pure. @returns `has` with all of `wanted` */
export function merged(has: Configuration, wanted: Configuration): Configuration {
  const changed = Object.entries(wanted).map(([key, value]) => {
    const there = has[key];
    return [key, isConfiguration(value) ? merged(isConfiguration(there) ? there : {}, value) : value] as const;
  });
  return { ...has, ...Object.fromEntries(changed) };
}

function isConfiguration(value: unknown): value is Configuration {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
