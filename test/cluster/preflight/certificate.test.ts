import { expect, test } from "vitest";
import { judgeCertificate } from "../../../src/cluster/preflight/certificate.ts";

const arn = "arn:aws:acm:us-east-1:123456789012:certificate/1a2b";
const now = Date.parse("2026-11-26T12:00:00Z");
const judged = (detail: Parameters<typeof judgeCertificate>[1]) => judgeCertificate(arn, detail, now)?.message;

test("a certificate that is in force serves", () => {
  expect(judged({ Status: "ISSUED", NotAfter: new Date("2027-01-01") })).toBeUndefined();
});

test("one that has expired, was revoked or never came to be does not", () => {
  const expired = `ssl_certificate_arn: certificate ${arn} expired on 2026-11-01`;
  expect(judged({ Status: "EXPIRED", NotAfter: new Date("2026-11-01") })).toBe(expired);
  // ACM looks once a day.
  expect(judged({ Status: "ISSUED", NotAfter: new Date("2026-11-01") })).toBe(expired);
  expect(judged({ Status: "REVOKED" })).toContain("is not in force: revoked");
  expect(judged({ Status: "VALIDATION_TIMED_OUT" })).toContain("is not in force: validation timed out");
  expect(judged({ Status: "FAILED", FailureReason: "NO_AVAILABLE_CONTACTS" })).toContain(
    "is not in force: failed (no available contacts)",
  );
});
