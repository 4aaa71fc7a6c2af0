import type { ApiRequest, ApiResponse } from "../../core/environment.ts";
import type { KubeClient } from "../../kubernetes/kube-client.ts";
import { port } from "./names.ts";

/** Sends one request to an API by way of the API server, which reaches every Service, also where there is no Gateway. */
export async function requestApi(
  client: KubeClient,
  namespace: string,
  api: string,
  { method, path, headers, body }: ApiRequest,
  signal: AbortSignal,
): Promise<ApiResponse> {
  const below = path === "" || path.startsWith("?") ? `/${path}` : path;
  const service = `/api/v1/namespaces/${namespace}/services/${api}:${port.service}/proxy${below}`;
  return client.request({ method, path: service, headers, body }, signal);
}
