import { BlockList, isIP, isIPv6 } from "node:net";

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * The proxy that leads to `server`: the kubeconfig's `proxyUrl`, else what HTTPS_PROXY or HTTP_PROXY and NO_PROXY say.
 * @returns undefined for none; a text that is no URL comes back as it is
 */
export function proxyFor(server: URL, proxyUrl: string | undefined, variables: Variables): URL | string | undefined {
  if (proxyUrl) return asUrl(proxyUrl);
  const either = (name: string) => variables[name] || variables[name.toLowerCase()];
  const named = server.protocol === "https:" ? either("HTTPS_PROXY") : either("HTTP_PROXY");
  if (!named || isLeftOut(server, either("NO_PROXY") ?? "")) return undefined;
  return asUrl(named.includes("://") ? named : `http://${named}`);
}

function asUrl(text: string): URL | string {
  return URL.canParse(text) ? new URL(text) : text;
}

/** NO_PROXY as Go programs read it: names with all below them, addresses, ranges, `*`; this machine is always left out. */
function isLeftOut(server: URL, list: string): boolean {
  const host = bareHost(server);
  if (host === "localhost" || isLoopback(host)) return true;
  const port = server.port || (server.protocol === "https:" ? "443" : "80");
  return list
    .split(",")
    .map((one) => one.trim().toLowerCase())
    .some((one) => one !== "" && matches(one, host, port));
}

function matches(rule: string, host: string, port: string): boolean {
  if (rule === "*") return true;
  const range = /^(.+)\/(\d+)$/.exec(rule);
  if (range) return isIP(range[1]!) !== 0 && isIP(host) !== 0 && inRange(host, range[1]!, Number(range[2]));
  const withPort = /^(.*[^:]|\[.*\]):(\d+)$/.exec(rule);
  if (withPort && isIP(rule) === 0 && withPort[2] !== port) return false;
  const name = (withPort && isIP(rule) === 0 ? withPort[1]! : rule).replace(/^\[|\]$/g, "").replace(/^\*(?=\.)/, "");
  return name.startsWith(".") ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function inRange(host: string, base: string, bits: number): boolean {
  if (isIPv6(host) !== isIPv6(base) || bits > (isIPv6(base) ? 128 : 32)) return false;
  const ranges = new BlockList();
  const family = isIPv6(base) ? "ipv6" : "ipv4";
  ranges.addSubnet(base, bits, family);
  return ranges.check(host, family);
}

function isLoopback(host: string): boolean {
  return /^127\.\d+\.\d+\.\d+$/.test(host) || host === "::1";
}

/** The host of `url` without the brackets of IPv6. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[|\]$/g, "");
}
