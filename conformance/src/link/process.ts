import { beforeLeaving } from "../leaving.ts";
import type { Behind } from "./link.ts";
import { within } from "./within.ts";

/** How long a process may take to leave after bye, and again after being asked to by a signal. */
const GRACE_MS = 2000;
/** How long to wait for the end of a process whose link has gone, to be able to say how it ended. */
const EPITAPH_MS = 1000;

/** Where there is no PATH it stands where every system has one. */
const SHELL = Bun.which("sh") ?? "/bin/sh";

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal);
  } catch {
    // Gone already.
  }
}

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Stands before every line that the process writes. */
  readonly mark: string;
  /** Where those lines go. */
  readonly log: (line: string) => void;
  /** True: stdin and stdout are the link, and only stderr is forwarded. */
  readonly stdio: boolean;
}

/** A command of the user's, run by the shell in a process group of its own. r[iut.launch.shell] */
export class Child implements Behind {
  readonly #process: Bun.Subprocess<"pipe" | "ignore", "pipe", "pipe">;
  readonly #forwarded: Promise<unknown>;

  constructor(command: string, { env = {}, mark, log, stdio }: ChildOptions) {
    this.#process = Bun.spawn(process.platform === "win32" ? ["cmd", "/c", command] : [SHELL, "-c", command], {
      env: { ...process.env, ...env },
      stdin: stdio ? "pipe" : "ignore",
      stdout: "pipe",
      stderr: "pipe",
      detached: true,
    });
    const { pid } = this.#process;
    // A harness that leaves in a hurry leaves no IUT behind; and Ctrl-C reaches it alone, since every IUT has a group of its own.
    const gone = beforeLeaving(() => signalGroup(pid, "SIGKILL"));
    const streams = stdio ? [this.#process.stderr] : [this.#process.stdout, this.#process.stderr];
    this.#forwarded = Promise.all(streams.map((stream) => forward(stream, mark, log)));
    this.#process.exited.finally(gone);
  }

  get group(): number {
    return this.#process.pid;
  }

  get stdin(): Bun.FileSink {
    return this.#process.stdin as Bun.FileSink;
  }

  get stdout(): ReadableStream<Uint8Array> {
    return this.#process.stdout;
  }

  /** Resolves with a sentence when the process has ended. */
  async ended(): Promise<string> {
    await this.#process.exited;
    const { signalCode, exitCode } = this.#process;
    return signalCode ? `the process was ended by ${signalCode}` : `the process ended with status ${exitCode}`;
  }

  async epitaph(): Promise<string | undefined> {
    return within(EPITAPH_MS, this.ended());
  }

  async end(kill: boolean): Promise<void> {
    const { pid } = this.#process;
    for (const signal of kill ? (["SIGKILL"] as const) : ([undefined, "SIGTERM", "SIGKILL"] as const)) {
      if (signal !== undefined) signalGroup(pid, signal);
      if ((await within(GRACE_MS, this.ended())) !== undefined) break;
    }
    // What the shell's command may have left behind in its group.
    signalGroup(pid, "SIGKILL");
    await within(GRACE_MS, this.#forwarded);
  }
}

const LOG_CHARACTERS = 2000;

async function forward(stream: ReadableStream<Uint8Array>, mark: string, log: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = (lines.pop() ?? "").slice(0, LOG_CHARACTERS);
    for (const line of lines) log(`${mark}${line.slice(0, LOG_CHARACTERS)}`);
  }
  if (rest !== "") log(`${mark}${rest}`);
}
