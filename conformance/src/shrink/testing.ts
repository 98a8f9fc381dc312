import { createHash } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEFAULT_CORPUS } from "../options.ts";

/** A corpus of one profile and of what was made small, as whoever commits it has it. For tests only. */
export function corpusWith(folder: string, profile: string): string {
  const root = mkdtempSync(join(tmpdir(), "tensorwire-"));
  cpSync(join(DEFAULT_CORPUS, "schema"), join(root, "schema"), { recursive: true });
  cpSync(join(DEFAULT_CORPUS, profile), join(root, profile), { recursive: true });
  mkdirSync(join(root, "wire"));
  cpSync(folder, root, { recursive: true });
  const names = [profile, "wire"].flatMap((part) => readdirSync(join(root, part)).map((name) => `${part}/${name}`));
  const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");
  const hashes = names
    .filter((name) => !name.endsWith(".jsonl"))
    .map((name) => [name, sha256(readFileSync(join(root, name)))] as const);
  const lines = hashes.map(([name, hash]) => `${hash}  ${name}\n`).join("");
  const lock = { corpus: `sha256:${sha256(lines)}`, files: Object.fromEntries(hashes) };
  writeFileSync(join(root, "lock.json"), JSON.stringify(lock));
  return root;
}
