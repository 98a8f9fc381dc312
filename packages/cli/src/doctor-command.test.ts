import { expect, test } from "bun:test";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setPaths, TestAuthority, validFor, writeSet } from "@tensorwire/transport/certificates";
import { tensorwire } from "./testing.ts";

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

test("with a way in it says each part of the link check, and nothing of this machine", async () => {
  const good = await tensorwire(
    "doctor",
    "--launch",
    `'${process.execPath}' '${join(import.meta.dir, "main.ts")}' reference`,
  );
  expect(good.out).toMatch(
    /^ok +hello +tensorwire-reference .*\nok +one request in several segments\nok +one line of 8 MiB\n/,
  );
  expect([good.out.match(/^(?!ok).*/gm), good.code]).toEqual([
    [expect.stringContaining("a run can begin · seed "), ""],
    0,
  ]);
  const ended = await tensorwire("doctor", "--stdio", "exit 7", "--seed", "s", "--json");
  expect([JSON.parse(ended.out), ended.code]).toEqual([
    {
      exit: 3,
      seed: "s",
      iut: null,
      link: [],
      checks: [expect.objectContaining({ check: "hello", verdict: "adapter error" })],
    },
    3,
  ]);
  const empty = await tensorwire("doctor", "--stdio", "exit 7", "--seed", "");
  expect([empty.code, empty.err]).toEqual([64, expect.stringContaining("expected a text, it is empty")]);
  const alone = await tensorwire("doctor", "--seed", "s");
  expect([alone.code, alone.err]).toEqual([64, expect.stringContaining("--seed is for a way in")]);
}, 120_000);

test("a program that is not here, or too old, is absent with what it is for", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-doctor-"));
  try {
    for (const [name, status] of [
      ["node", 1],
      ["perl", 0],
    ] as const) {
      writeFileSync(join(folder, name), `#!/bin/sh\nexit ${status}\n`);
      chmodSync(join(folder, name), 0o755);
    }
    const code = `
      const { tools } = await import(${JSON.stringify(join(import.meta.dir, "doctor-tools.ts"))});
      console.log(JSON.stringify(tools()));
    `;
    const env = { ...process.env, PATH: folder, TENSORWIRE_CHROMIUM: join(folder, "perl") };
    const child = Bun.spawn([process.execPath, "-e", code], { env, stdout: "pipe", timeout: 10_000 });
    const rows: { what: string; ok: boolean; needed: boolean; detail: string }[] = await child.stdout.json();
    const row = (name: string) => rows.find(({ what }) => what === name);
    expect(row("node")).toMatchObject({ ok: false, detail: "expected 20 or later; for bun run mutation" });
    expect(row("spin")).toMatchObject({ ok: false, detail: "not on the PATH; for bun run model" });
    expect(row("perl")).toMatchObject({ ok: true, detail: "the Perl port" });
    expect(row("chromium")).toMatchObject({ ok: true });
    expect(rows.filter(({ needed }) => needed)).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
