import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Way } from "@tensorwire/conformance";
import { paintFor } from "@tensorwire/conformance/paint";
import type { Protection, TlsOptions } from "@tensorwire/transport";
import { Command } from "commander";
import { tools } from "./doctor-tools.ts";
import { integer, out, text, UsageError } from "./output.ts";
import { type WayFlags, wayOf, waysIn } from "./ways.ts";

export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** False for what only some commands need. */
  readonly needed: boolean;
  readonly detail: string;
}

interface Flags extends WayFlags {
  readonly seed?: string;
  readonly deadline?: number;
  readonly json?: true;
}

export function doctorCommand(): Command {
  const command = new Command("doctor").description(
    "Say what this machine has and lacks, or, with a way in, whether an adapter is in order: the link check of a run and nothing else.",
  );
  return waysIn(command)
    .optionsGroup("What to ask of it:")
    .option("--seed <text>", "repeat the random frames of a check with its seed", text)
    .option(
      "--deadline <ms>",
      "milliseconds until hello must be there, and for each answer; default: 30,000, for hello with --attach 300,000",
      integer(1),
    )
    .optionsGroup("Report:")
    .option("--json", "the findings as JSON")
    .addHelpText(
      "after",
      `
Without a way in: runtime, sockets, TLS, tensor backends, port languages, tools.

Examples:
  tensorwire doctor
  tensorwire doctor --json | jq '.[] | select(.ok | not)'
  tensorwire doctor --launch "python3 port.py"
  tensorwire doctor --connect 127.0.0.1:4000 --json | jq '.checks[] | select(.verdict != "pass")'

Exit status: 0 the conformance run and the pipeline can run here, 1 something that they need is missing. With a way in: 0 the run can
begin, 1 the codec of a profile is unusable, 3 the implementation did not start or its adapter is broken, 64 usage.`,
    )
    .action(async (flags: Flags) => {
      const way = await wayOf(flags);
      if (way !== null) return await examineLink(way, flags);
      const other = (["seed", "deadline"] as const).find((name) => flags[name] !== undefined);
      if (other !== undefined) throw new UsageError(`--${other} is for a way in, such as --launch`);
      const findings = await examineMachine();
      if (flags.json) out.json(findings);
      else for (const finding of findings) out.line(render(finding));
      process.exitCode = findings.some(({ ok, needed }) => needed && !ok) ? 1 : 0;
    });
}

async function examineLink(way: Way, { seed, deadline, json }: Flags): Promise<void> {
  const { checkedText, examine } = await import("@tensorwire/conformance");
  const paint = paintFor(process.stdout);
  const examination = await examine({
    way,
    ...(seed !== undefined && { seed }),
    ...(deadline !== undefined && { deadline }),
    ...(!json && { heard: (check) => void out.line(checkedText(check, paint)) }),
    log: (line) => void process.stderr.write(`${line}\n`),
  });
  if (json) out.json(examination);
  else {
    for (const line of examination.link) out.line(`  ${line}`);
    out.line(`${ENDS[examination.exit]} · seed ${examination.seed}`);
  }
  process.exitCode = examination.exit;
}

const ENDS = {
  0: "a run can begin",
  1: "the codec of a profile is unusable: a run would judge the others",
  3: "the implementation did not start, or its adapter is broken: a run would judge nothing",
} as const;

async function examineMachine(): Promise<Finding[]> {
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
