import { randomBytes } from "node:crypto";

/** Makes ids that no other run of the agent makes: a random prefix and a counter. */
export function requestIds(): () => string {
  const prefix = randomBytes(6).toString("hex");
  let count = 0;
  return () => `${prefix}-${(++count).toString(36)}`;
}
