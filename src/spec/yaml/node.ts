/** Where something stands in a file, and how the file's author would name it. */
export interface Place {
  /** Which item of the top-level list it belongs to, from 0; undefined outside such a list. */
  readonly item: number | undefined;
  /** As it was written, e.g. `predictor.env.LEVEL` or `pod.containers[0].image`; "" for the item itself. */
  readonly path: string;
  readonly offset: number;
}

export type Scalar = null | boolean | number | string;

export interface ScalarNode extends Place {
  readonly kind: "scalar";
  /** What was written, with variables filled in: `1.10` stays `1.10`. */
  readonly text: string;
  /** What `text` means in YAML: a plain `3` is a number, a quoted one is text. */
  readonly value: Scalar;
  /** Set when a variable in it could not be filled in: that has been reported, and there is no value to check. */
  readonly isBroken?: boolean;
  readonly isQuoted?: boolean;
}

export interface ListNode extends Place {
  readonly kind: "list";
  readonly items: readonly Node[];
}

export interface MapNode extends Place {
  readonly kind: "map";
  /** Where the key of this map stands; undefined for an item of a list. */
  readonly keyOffset?: number;
  readonly entries: ReadonlyMap<string, Entry>;
}

export type Node = ScalarNode | ListNode | MapNode;

/** A key and its value; the place is the key's. */
export interface Entry extends Place {
  readonly key: string;
  readonly value: Node;
}

export const emptyMap = ({ item, path, offset }: Place): MapNode => ({
  kind: "map",
  item,
  path,
  offset,
  entries: new Map(),
});

export const childPath = (path: string, key: string): string => (path === "" ? key : `${path}.${key}`);

/** @returns what kind of value it is, in words of a person */
export function describeNode(node: Node): string {
  if (node.kind === "list") return "a list";
  if (node.kind === "map") return "a map of keys";
  if (node.value === null) return "nothing";
  if (typeof node.value === "string") return `the text ${quote(node.value)}`;
  return quote(node.text);
}

/** @returns `text` in double quotes on one line, cut when it is long */
export function quote(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 57)}...` : text);
}
