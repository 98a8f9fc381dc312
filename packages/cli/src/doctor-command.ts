import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { paintFor } from "@tensorwire/conformance/paint";
import type { Protection, TlsOptions } from "@tensorwire/transport";
import { Command } from "commander";
import { tools } from "./doctor-tools.ts";
import { out } from "./output.ts";

export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** False for what only some commands need. */
  readonly needed: boolean;
  readonly detail: string;
}

export function doctorCommand(): Command {
  return new Command("doctor")
    .description("Say what this machine has and lacks: runtime, sockets, TLS, tensor backends, port languages, tools.")
    .option("--json", "the findings as JSON")
    .addHelpText(
      "after",
      `
Examples:
  tensorwire doctor
  tensorwire doctor --json | jq '.[] | select(.ok | not)'

Exit status: 0 the conformance run and the pipeline can run here, 1 something that they need is missing.`,
    )
    .action(async ({ json }: { json?: true }) => {
      const findings = await examine();
      if (json) out.json(findings);
      else for (const finding of findings) out.line(render(finding));
      process.exitCode = findings.some(({ ok, needed }) => needed && !ok) ? 1 : 0;
    });
}

async function examine(): Promise<Finding[]> {
  const sockets = [runtime(), await loopback("loopback TCP"), await mutualTls()];
  // The rest is for commands that need the repository.
  if (Bun.isStandaloneExecutable) return sockets;
  return [...sockets, await backend("wasm", true), await backend("tfjs-node-gpu", false), await model(), ...tools()];
}

function runtime(): Finding {
  const [major = 0, minor = 0] = Bun.version.split(".").map(Number);
  const ok = major > 1 || (major === 1 && minor >= 4);
  return { what: "Bun", ok, needed: true, detail: `${Bun.version}${ok ? "" : "; expected 1.4 or later"}` };
}

/** A byte there and back over a real socket. */
export async function loopback(what: string, tls?: TlsOptions): Promise<Finding> {
  try {
    return { what, needed: true, ...(await echo(tls === undefined ? {} : { tls })) };
  } catch (error) {
    return { what, ok: false, needed: true, detail: messageOf(error) };
  }
}

async function echo(protection: Protection): Promise<Pick<Finding, "ok" | "detail">> {
  const { connect, formatAddress, listen } = await import("@tensorwire/transport");
  const listener = await listen("tcp://127.0.0.1:0", {
    ...protection,
    onConnection: async (connection) => {
      const chunk = await connection.read(2000);
      await connection.write([chunk ?? new Uint8Array(0)]);
      await connection.close(2000);
    },
  });
  try {
    const connection = await connect(listener.address, { ...protection, deadlineMs: 2000 });
    await connection.write([Uint8Array.of(42)]);
    const came = await connection.read(2000);
    await connection.close(2000);
    return { ok: came?.[0] === 42, detail: `one byte there and back over ${formatAddress(listener.address)}` };
  } finally {
    // It would keep the process.
    await listener.close(2000);
  }
}

/** The same with certificates that are made for it. */
async function mutualTls(): Promise<Finding> {
  const { setPaths, TestAuthority, validFor, writeSet } = await import("@tensorwire/transport/certificates");
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-doctor-"));
  try {
    const authority = await TestAuthority.create("tensorwire doctor", validFor(1));
    const paths = setPaths(folder, "here");
    writeSet(paths, authority, await authority.issue({ name: "here", hosts: ["127.0.0.1"] }));
    return await loopback("mutual TLS", paths);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function backend(name: "wasm" | "tfjs-node-gpu", needed: boolean): Promise<Finding> {
  const { chooseBackend } = await import("@tensorwire/tensor-stage");
  try {
    return { what: `backend ${name}`, ok: true, needed, detail: (await chooseBackend(name)).reason };
  } catch (error) {
    return { what: `backend ${name}`, ok: false, needed, detail: messageOf(error) };
  }
}

async function model(): Promise<Finding> {
  const { DEMO_MODEL_DIR } = await import("@tensorwire/tensor-stage");
  const missing = ["config.json", "model.safetensors", "tokenizer.json"].filter(
    (f) => !existsSync(`${DEMO_MODEL_DIR}/${f}`),
  );
  const ok = missing.length === 0;
  return {
    what: "demo model",
    ok,
    needed: true,
    detail: ok ? "config, weights and tokenizer" : `lacks ${missing.join(", ")}`,
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function render({ what, ok, needed, detail }: Finding): string {
  const paint = paintFor(process.stdout);
  const word = ok ? paint.good("ok     ") : needed ? paint.bad("missing") : paint.warn("absent ");
  return `${word}  ${what.padEnd(24)}${detail}`;
}
