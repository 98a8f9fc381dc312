import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { beforeLeaving } from "@tensorwire/conformance/leaving";

const ROOT = resolve(import.meta.dir, "../..");
const COPIED = ["packages", "scripts", "spec", "package.json", "bunfig.toml", "tsconfig.json"];
const LINKED = ["node_modules", "vectors", "conformance"];

/** One file of the sandbox with another text, by its path from the root. */
export interface Replaced {
  readonly file: string;
  readonly text: string;
}

/** How `bun test` ended: null at the deadline. */
export interface Ended {
  readonly exitCode: number | null;
  /** Where a signal ended it: SIGKILL at the deadline, any other is a crash. */
  readonly signalCode: string | number | null;
  readonly stderr: string;
}

/**
 * A copy of the sources and their unit tests, in which the tests meet a mutant: in processes that a test starts, and in files that
 * other programs read. Outside of the tree, where `bun test` would find it.
 */
export class Sandbox implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), "tensorwire-sandbox-"));
  readonly #kept = beforeLeaving(() => this.#remove());
  #child: Bun.Subprocess | null = null;

  constructor() {
    for (const name of COPIED)
      cpSync(join(ROOT, name), join(this.folder, name), { recursive: true, verbatimSymlinks: true });
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(this.folder, name));
  }

  /** Runs `bun test` here, with one file replaced while it runs, or with none. */
  async test(args: readonly string[], deadline: number, replaced: Replaced | null): Promise<Ended> {
    const said = join(this.folder, "stderr.txt");
    writeFileSync(said, "");
    const place = join(this.folder, replaced?.file ?? "");
    const original = replaced === null ? null : readFileSync(place);
    if (replaced !== null) writeFileSync(place, replaced.text);
    try {
      const child = Bun.spawn([process.execPath, "test", "--no-orphans", ...args], {
        cwd: this.folder,
        // A file: a process that a test has left behind would hold a pipe open.
        stdio: ["ignore", "ignore", Bun.file(said)],
        timeout: Math.ceil(deadline),
        killSignal: "SIGKILL",
      });
      this.#child = child;
      await child.exited;
      const { exitCode, signalCode } = child;
      return { exitCode, signalCode, stderr: readFileSync(said, "utf8") };
    } finally {
      this.#child = null;
      if (original !== null) writeFileSync(place, original);
    }
  }

  [Symbol.dispose](): void {
    this.#kept();
    this.#remove();
  }

  #remove(): void {
    this.#child?.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }
}
