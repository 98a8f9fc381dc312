/**
 * bun scripts/layouts/generate.ts [--check]
 *
 * From spec/layouts/*.json: the Kaitai descriptions, the Wireshark dissector, and the tables of fields in spec/.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseArgs } from "node:util";
import { flags } from "../flags.ts";
import { kaitaiId, kaitaiText } from "./kaitai.ts";
import { type Layout, ROOT, readLayouts } from "./layout.ts";
import { luaText } from "./lua.ts";
import { withTables } from "./tables.ts";

const KAITAI = "spec/layouts/kaitai";
const WIRESHARK = "spec/layouts/wireshark/tensorwire.lua";
const PAGES = ["spec/tp-control.md", "spec/layouts/README.md"];

/** Every file that the layouts make, by its path in the repository. */
export function generated(layouts: readonly Layout[]): Map<string, string> {
  return new Map([
    ...layouts.map((layout) => [`${KAITAI}/${kaitaiId(layout.profile)}.ksy`, kaitaiText(layout)] as const),
    [WIRESHARK, luaText(layouts)],
    ...PAGES.map((page) => [page, withTables(readFileSync(join(ROOT, page), "utf8"), layouts)] as const),
  ]);
}

/** What the repository has otherwise than the layouts: files that differ or are missing, and descriptions of no layout. */
export function stale(files: ReadonlyMap<string, string>): string[] {
  const differ = [...files].filter(([path, text]) => read(path) !== text).map(([path]) => path);
  return [...differ, ...surplus(files)];
}

const surplus = (files: ReadonlyMap<string, string>): string[] =>
  list(KAITAI).filter((path) => path.endsWith(".ksy") && !files.has(path));

function list(folder: string): string[] {
  try {
    return readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`);
  } catch {
    return [];
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(join(ROOT, path), "utf8");
  } catch {
    return undefined;
  }
}

const USAGE = `usage: bun scripts/layouts/generate.ts [--check]

Writes what the layouts of spec/layouts make: Kaitai descriptions, the Wireshark dissector, tables in spec/.

  --check  write nothing; name what is not as the layouts have it

Exit status: 0; 1 with --check, where something is not; 64 usage.
`;

if (import.meta.main) {
  const { check } = flags(
    "generate",
    USAGE,
    () => parseArgs({ options: { check: { type: "boolean", default: false } } }).values,
  );
  const files = generated(readLayouts());
  const wrong = stale(files);
  if (check) {
    for (const path of wrong) console.error(`${path} is not what spec/layouts makes: bun scripts/layouts/generate.ts`);
    process.exit(wrong.length === 0 ? 0 : 1);
  }
  for (const path of surplus(files)) rmSync(join(ROOT, path));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(ROOT, path)), { recursive: true });
    writeFileSync(join(ROOT, path), text);
  }
}
