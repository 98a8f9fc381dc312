import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import type { Corpus } from "./corpus/types.ts";
import type { Way } from "./link/ways.ts";
import { isWebSocket } from "./link/web-socket.ts";
import type { Certificate } from "./report/certificate.ts";
import type { Report } from "./report/report.ts";
import { quote } from "./report/shell.ts";
import type { RuntimeFacts } from "./wire/runtime.ts";

/** What a run of the harness may be told. Everything has a default: `{}` is the reference over a real TCP socket. */
export interface ConformanceOptions {
  /** How to reach the IUT. Default: launch the reference of this repository. */
  readonly way?: Way;
  /** A folder of vectors, or a loaded corpus. Default: the `vectors/` of this repository. */
  readonly corpus?: string | Corpus;
  /** Only these profiles. A run without any case is exit 5. */
  readonly profiles?: readonly string[];
  /** Only cases whose id, or whose vector's id, this pattern matches (`*`, `?`). */
  readonly filter?: string;
  /** Links to open. Default 1 for attach, connect, stdio and in-process; for launch one a core, at most 4. */
  readonly jobs?: number;
  /** Of the link check's frames, the challenges and the order of the vectors. Default: fresh; it is printed. */
  readonly seed?: string;
  /** A file of known failures. */
  readonly baseline?: string;
  /** Rewrite that file from the run: what holds stays, what fails without an entry gets one, the rest goes. */
  readonly updateBaseline?: boolean;
  /** `YYYY-MM-DD`: the day that entries expire by and that certificates bear. Default: today, UTC. */
  readonly today?: string;
  /**
   * Run the cases of a profile though the link check found its codec unusable: a peer that drops a cut frame in silence is then
   * told case by case. Default false.
   */
  readonly unusableToo?: boolean;
  /** Files to write; "-" is stdout, and the readable report then goes to stderr. */
  readonly json?: string;
  /** JSON Lines, written while the run goes on. */
  readonly events?: string;
  readonly tap?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly certificate?: string;
  readonly badge?: string;
  /** The whole control link, for `replay`. */
  readonly record?: string;
  /** The data connections of levels 0 and 2, as TCP packets with the implementation's events beside them, in pcapng. */
  readonly capture?: string;
  /** A recording to judge again, in the place of an IUT: what it was narrowed to and its seed come from there. */
  readonly replay?: string;
  /** A folder: failures are shrunk to vector files in it, `<profile>/shrunk.json`. */
  readonly shrink?: string;
  /** Milliseconds until hello must be there, and for each request of the link check. Default 30,000; hello under attach 300,000. */
  readonly startDeadline?: number;
  /** Milliseconds for each case. Default: scaled to the machine by the link check, 2,000 at least. */
  readonly caseDeadline?: number;
  /** The test of the sockets that the harness stands on. Default: its own; another is for tests of what a difference comes to. */
  readonly checkRuntime?: () => Promise<RuntimeFacts>;
  /** For programs: the report, and what a certificate says of its events. */
  readonly observe?: (report: Report, events: Certificate["events"]) => void;
  /** Where the report goes. Default: stdout (stderr with `json: "-"`). */
  readonly print?: (text: string) => void;
  /** Where progress, notes and the IUT's own output go. Default: stderr. */
  readonly log?: (line: string) => void;
}

/** The user asked for something that cannot be: exit 64. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** One file, made by `bun run release`: all modules lie in one folder of it, with the corpus and the chapters of the specification. */
const { isStandaloneExecutable } = Bun;

export const DEFAULT_CORPUS = here(isStandaloneExecutable ? "vectors" : "../../vectors");
export const DEFAULT_SPEC = here(isStandaloneExecutable ? "spec" : "../../spec");

/** What a shell is to be given for the command `tensorwire`. */
export const TENSORWIRE = isStandaloneExecutable ? "tensorwire" : "bun run tensorwire";

/** The reference, started as any other IUT: by a command, over a socket. */
export function referenceWay(): Way {
  const program = isStandaloneExecutable ? "reference" : quote(here("../ports/ts/src/main.ts"));
  return { kind: "launch", command: `${quote(process.execPath)} ${program}` };
}

export function defaultJobs(way: Way): number {
  return way.kind === "launch" ? Math.min(4, availableParallelism()) : 1;
}

/** How reports name the way in. */
export function describeWay(way: Way): string {
  const names = {
    launch: "launched, over TCP",
    attach: "attached, over TCP",
    connect: "connected",
    stdio: "stdin and stdout",
    "in-process": "in process",
  } as const;
  if (way.kind === "replay") return way.name;
  if (way.kind === "wire") return "level 0, over its socket";
  if (way.kind === "attach" && isWebSocket(way.listen ?? "")) return "attached, over a WebSocket";
  return way.kind === "connect" ? `${names.connect} to ${way.address}` : names[way.kind];
}

/** The command that repeats a run, to be copied into a shell. */
export function repeatCommand(options: ConformanceOptions): string {
  const words = [`${TENSORWIRE} conformance`];
  const { way } = options;
  if (way?.kind === "replay") return way.command;
  if (way?.kind === "wire") {
    words.push(`--wire ${quote(way.address)} --profile ${way.profile}`);
    if (way.maxFrameLength !== undefined) words.push(`--wire-limit ${way.maxFrameLength}`);
  }
  if (way?.kind === "launch") words.push(`--launch ${quote(way.command)}`);
  if (way?.kind === "stdio") words.push(`--stdio ${quote(way.command)}`);
  if (way?.kind === "connect") words.push(`--connect ${quote(way.address)}`);
  if (way?.kind === "attach")
    words.push(["--attach", ...(way.listen === undefined ? [] : [quote(way.listen)])].join(" "));
  if (way?.kind === "attach" && way.insecure === true) words.push("--insecure");
  if (way?.kind === "in-process") words.push("--in-process");
  if (typeof options.corpus === "string") words.push(`--corpus ${quote(options.corpus)}`);
  if (options.unusableToo === true) words.push("--unusable-too");
  return words.join(" ");
}
