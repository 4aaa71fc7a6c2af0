/** What a person is told of where an API is, with a line that can be pasted into a shell to send a request. */
export function endpointText(endpoint: string): string {
  if (isInside(endpoint)) return `endpoint: ${endpoint} (inside the cluster only)\n`;
  return `endpoint: ${endpoint}\ncurl: curl ${endpoint} -X POST -H "Content-Type: application/json" -d @sample.json\n`;
}

/** Through a gateway every API has a path; only its Service, which nobody reaches from here, has none. */
function isInside(endpoint: string): boolean {
  return new URL(endpoint).pathname === "/";
}
