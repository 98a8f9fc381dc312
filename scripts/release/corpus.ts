import { cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { Glob } from "bun";
import { ROOT } from "./binary.ts";

interface Lock {
  readonly corpus: string;
  readonly files: Readonly<Record<string, string>>;
}

const json = <T>(path: string) => JSON.parse(readFileSync(path, "utf8")) as T;

/** All that belongs to a corpus: what its lock names, the lock, and the schemas of both. */
export function lockedFiles(folder: string): string[] {
  const { files } = json<Lock>(join(folder, "lock.json"));
  return ["lock.json", ...new Glob("schema/*.json").scanSync(folder), ...Object.keys(files)].sort();
}

/** npm counts in threes. */
export function corpusVersion(folder: string): string {
  const { version } = json<{ version: string }>(join(folder, "history.json"));
  return `${version}.0`;
}

/** Lays the corpus out as an npm package of data: no code, no dependency, no script. */
export function layOutCorpus(into: string): void {
  const from = join(ROOT, "vectors");
  const files = lockedFiles(from);
  for (const file of files) {
    mkdirSync(join(into, dirname(file)), { recursive: true });
    cpSync(join(from, file), join(into, file));
  }
  cpSync(join(from, "README.md"), join(into, "README.md"));
  cpSync(join(ROOT, "LICENSE"), join(into, "LICENSE"));
  const manifest = {
    name: "tensorwire-corpus",
    version: corpusVersion(from),
    description:
      "Byte vectors for wire formats that carry tensors between processes, for implementations in any language",
    license: "Apache-2.0",
    files: [...new Set(files.map((file) => file.split("/", 1)[0]))],
    exports: { "./*.json": "./*.json", "./*.bin": "./*.bin" },
  };
  writeFileSync(join(into, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}
