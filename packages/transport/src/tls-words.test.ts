import { expect, test } from "bun:test";
import { X509Certificate } from "node:crypto";
import { TestAuthority, validFor } from "./certificates.ts";
import { explainTls } from "./tls-words.ts";

const failed = (code: string) => Object.assign(new Error(code), { code });

/** What is said of a certificate whose every name is its sender's own text. */
async function wordsOf(code: string, text: string): Promise<string> {
  const authority = await TestAuthority.create(text, validFor(1));
  const { cert } = await authority.issue({ name: text, hosts: [text] });
  const certificate = new X509Certificate(cert);
  return explainTls({ cause: failed(code), certificate, ca: "ca.pem", purpose: "server", name: "node" });
}

test.each(["ERR_TLS_CERT_ALTNAME_INVALID", "DEPTH_ZERO_SELF_SIGNED_CERT", "INVALID_PURPOSE"])(
  "%s: nothing of a peer's text ends the line, fills it, or moves the cursor",
  async (code) => {
    expect(await wordsOf(code, "evil\u001b[2J\nend")).toMatch(/^[\x20-\x7e]+$/);
    const long = await wordsOf(code, "long".repeat(500));
    expect(long).toContain("longlong");
    expect(long.length).toBeLessThan(600);
  },
);
