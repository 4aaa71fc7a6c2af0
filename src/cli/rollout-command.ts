import type { RolloutEvent } from "../core/environment.ts";
import type { App } from "./app.ts";
import { endpointText } from "./render/endpoint-text.ts";
import { rolloutReporter } from "./render/rollout-reporter.ts";

/** Shows the rollout of one API that is deployed already, to its end. @throws what `events` throws */
export async function followRollout(
  app: App,
  name: string,
  events: AsyncIterable<RolloutEvent>,
  { message, isText, inEnv }: { readonly message: string; readonly isText: boolean; readonly inEnv: string },
): Promise<void> {
  await using reporter = rolloutReporter(app, !isText);
  for await (const event of events) {
    if (event.type === "accepted") {
      app.leftBehind = `${name}: the update goes on without this command; \`cortex get ${name}${inEnv}\` shows it`;
      if (isText) await reporter.result(`${message}\n`);
    }
    await reporter.event(name, event);
    if (event.type === "live" && isText) await reporter.result(`${name} is live\n${endpointText(event.endpoint)}`);
  }
  app.leftBehind = undefined;
}
