import type { Client } from "../../aws/shim/clients.ts";
import { temporaryFolder } from "../../project/folder.ts";

/** A profile whose credentials can be replaced while it is used. */
export async function profile() {
  const folder = await temporaryFolder();
  return {
    async holds({ variables }: Client) {
      const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key } = variables;
      await folder.write({ credentials: `[work]\naws_access_key_id=${id}\naws_secret_access_key=${key}\n` });
    },
    variablesOf({ variables }: Client) {
      const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...others } = variables;
      const files = { AWS_SHARED_CREDENTIALS_FILE: `${folder.path}/credentials`, AWS_CONFIG_FILE: "/nonexistent" };
      return { ...others, ...files, AWS_PROFILE: "work" };
    },
    [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
  };
}
