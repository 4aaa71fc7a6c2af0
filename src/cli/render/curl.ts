/** A line that can be pasted into a shell to send a request. */
export function curlLine(endpoint: string): string {
  return `curl ${endpoint} -X POST -H "Content-Type: application/json" -d @sample.json`;
}
