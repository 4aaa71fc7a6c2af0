/** An element of the XML that AWS speaks: it has either children or text. */
export interface Element {
  readonly name: string;
  /** With its blank before it, as it was read. */
  readonly attributes: string;
  children: Element[];
  text: string;
}

const token = /<\?[^>]*\?>|<!--[\s\S]*?-->|<(\/?)([\w:.-]+)((?:\s[^<>]*?)?)(\/?)>|([^<]+)/g;

/** @returns the outermost element. @throws Error for what is no XML */
export function parseXml(text: string): Element {
  const root = element("", []);
  const open = [root];
  for (const [, closes, name, attributes = "", isEmpty, words] of text.matchAll(token)) {
    const parent = open.at(-1)!;
    if (words !== undefined) parent.text += words;
    else if (closes) open.pop();
    else if (name !== undefined) {
      const child = { ...element(name, []), attributes };
      parent.children.push(child);
      if (!isEmpty) open.push(child);
    }
  }
  const [outermost] = root.children;
  if (outermost === undefined || open.length !== 1) throw new Error(`no XML: ${text.slice(0, 200)}`);
  return outermost;
}

export function printXml({ name, attributes, children, text }: Element): string {
  const inner = children.length > 0 ? children.map(printXml).join("") : text;
  return `<${name}${attributes}>${inner}</${name}>`;
}

export function element(name: string, content: string | readonly Element[]): Element {
  const isText = typeof content === "string";
  return { name, attributes: "", children: isText ? [] : [...content], text: isText ? escapeXml(content) : "" };
}

/** @returns the element at a path of names below this one; undefined when there is none */
export function at(from: Element, ...path: readonly string[]): Element | undefined {
  return path.reduce<Element | undefined>((found, name) => found?.children.find((child) => child.name === name), from);
}

/** @returns the text there, `undefined` when there is no such element */
export function textAt(from: Element, ...path: readonly string[]): string | undefined {
  const found = at(from, ...path);
  return found === undefined ? undefined : unescapeXml(found.text.trim());
}

/** Puts a text in the place of an element's child, or adds it. */
export function setText(parent: Element, name: string, text: string): void {
  setChild(parent, element(name, text));
}

export function setChild(parent: Element, child: Element): void {
  const index = parent.children.findIndex(({ name }) => name === child.name);
  if (index >= 0) parent.children[index] = child;
  else parent.children.push(child);
}

/** @returns the elements of that name, however deep; those inside one that was found are not looked for */
export function findAll(from: Element, name: string): Element[] {
  return from.children.flatMap((child) => (child.name === name ? [child] : findAll(child, name)));
}

export function escapeXml(text: string): string {
  return text.replace(/[<>&"]/g, (one) => ({ "<": "&lt;", ">": "&gt;", "&": "&amp;", '"': "&quot;" })[one]!);
}

function unescapeXml(text: string): string {
  return text
    .replace(/&(lt|gt|quot|apos);/g, (_, name: string) => ({ lt: "<", gt: ">", quot: '"', apos: "'" })[name]!)
    .replaceAll("&amp;", "&");
}
