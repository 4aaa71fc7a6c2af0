/** Labels and annotations of everything that Cortex makes. Other machines, and other versions, read them: names are never changed. */
export const label = {
  managedBy: "app.kubernetes.io/managed-by",
  /** The API's name; with `managedBy` it selects all objects of one API. */
  name: "app.kubernetes.io/name",
  component: "app.kubernetes.io/component",
  kind: "cortex.dev/kind",
  /** Number of the revision, on pods and on what belongs to one revision. */
  revision: "cortex.dev/revision",
  /** On what `cortex cluster install` made: the add-on that it belongs to. No object of an API has it. */
  addon: "cortex.dev/addon",
} as const;

/** Value of `label.managedBy`, and the field manager of every write. */
export const manager = "cortex";

/** Selects all that Cortex made in a namespace. */
export const ours = `${label.managedBy}=${manager}`;

/** Where `cortex cluster install` keeps what it made and found; every machine reads it there. */
export const clusterConfig = { namespace: "cortex-system", name: "cortex" } as const;
