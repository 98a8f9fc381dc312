import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setPaths, TestAuthority, validFor, writeSet } from "@tensorwire/transport/certificates";

test("a connection that cannot be made is a finding, and keeps no process", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-doctor-"));
  try {
    const authority = await TestAuthority.create("here", validFor(1));
    const paths = setPaths(folder, "elsewhere");
    writeSet(paths, authority, await authority.issue({ name: "elsewhere", hosts: ["elsewhere"] }));
    const code = `
      const { loopback } = await import(${JSON.stringify(join(import.meta.dir, "doctor-command.ts"))});
      console.log(JSON.stringify(await loopback("TLS", ${JSON.stringify(paths)})));
    `;
    const child = Bun.spawn([process.execPath, "-e", code], { stdout: "pipe", stderr: "inherit", timeout: 10_000 });
    expect(await new Response(child.stdout).json()).toMatchObject({ ok: false, needed: true });
    expect(await child.exited).toBe(0);
  } finally {
    rmSync(folder, { recursive: true });
  }
}, 20_000);
