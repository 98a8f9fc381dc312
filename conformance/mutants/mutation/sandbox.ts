import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./list.ts";

const COPIED = ["packages", "package.json", "bunfig.toml", "tsconfig.json"];
const LINKED = ["node_modules", "spec", "vectors", "conformance", "scripts"];

/** A copy of the packages, in which the unit tests of one meet a mutant of it. Outside of the tree, where `bun test` would find it. */
export class Sandbox {
  readonly #folder = mkdtempSync(join(tmpdir(), "tensorwire-mutation-"));

  constructor() {
    for (const name of COPIED)
      cpSync(join(ROOT, name), join(this.#folder, name), { recursive: true, verbatimSymlinks: true });
    for (const name of LINKED) symlinkSync(join(ROOT, name), join(this.#folder, name));
  }

  /** True when the tests of the package fail, or do not end in time, with this text in the place of the file's. */
  async notices(file: string, text: string, original: string, deadline: number): Promise<boolean> {
    const place = join(this.#folder, file);
    const tests = file.split("/").slice(0, 2).join("/");
    writeFileSync(place, text);
    try {
      const child = Bun.spawn([process.execPath, "test", "--bail", "--timeout", "60000", tests], {
        cwd: this.#folder,
        stdio: ["ignore", "ignore", "ignore"],
        timeout: deadline,
        killSignal: "SIGKILL",
      });
      return (await child.exited) !== 0;
    } finally {
      writeFileSync(place, original);
    }
  }

  close(): void {
    rmSync(this.#folder, { recursive: true });
  }
}
