import { bodyText, json } from "./reply.ts";
import type { Handlers, Handling } from "./world.ts";

/** moto keeps repositories but serves no images: another registry does. */
export const ecrHandlers: Handlers = {
  CreateRepository: withRegistry,
  DescribeRepositories: withRegistry,
  DeleteRepository: withRegistry,
  GetAuthorizationToken: withRegistry,
};

async function withRegistry(handling: Handling) {
  const reply = await handling.forward();
  const { registry } = handling.world.options;
  if (reply.status !== 200 || registry === undefined) return reply;
  const host = /\d{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/g;
  const text = bodyText(reply).replaceAll(`https://`, "http://").replaceAll(host, registry);
  return json(JSON.parse(text));
}
