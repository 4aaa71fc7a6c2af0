import type { Handlers } from "./world.ts";

/** S3: times of objects are those of the emulator's clock. */
export const s3Handlers: Handlers = {
  PutObject: async (handling) => {
    const reply = await handling.forward();
    if (reply.status === 200) handling.world.objects.set(handling.request.path, handling.world.clock.now());
    return reply;
  },
  GetObject: async (handling) => {
    const reply = await handling.forward();
    const writtenAt = handling.world.objects.get(handling.request.path);
    if (reply.status !== 200 || writtenAt === undefined) return reply;
    return { ...reply, headers: { ...reply.headers, "last-modified": new Date(writtenAt).toUTCString() } };
  },
  // moto looks at no condition of a policy, and takes one that asks for TLS as one that shuts everybody out.
  PutBucketPolicy: (handling) => {
    const isAboutTls = handling.request.body.toString().includes("aws:SecureTransport");
    return isAboutTls ? { status: 204, headers: {}, body: "" } : handling.forward();
  },
};
