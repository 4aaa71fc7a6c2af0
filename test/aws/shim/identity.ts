import { queryAnswer } from "./reply.ts";
import type { Handlers } from "./world.ts";
import { element } from "./xml.ts";

export const stsHandlers: Handlers = {
  GetCallerIdentity: ({ request, world }) =>
    queryAnswer(request, [
      element("Arn", world.caller),
      element("UserId", "AIDAEMULATED"),
      element("Account", world.account),
    ]),
};
