import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, normalize, resolve } from "node:path";
import { Glob } from "bun";

const ROOT = resolve(import.meta.dir, "..");

/** What each workspace may import of the others, read downwards only: entries of packages, and the data of `spec`. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  "packages/framing": [],
  "packages/tensor-spec": ["framing"],
  "packages/tp-control": ["framing", "tensor-spec", "tensor-spec/internal", "spec"],
  "packages/pp-contract": ["framing", "tensor-spec", "tensor-spec/internal", "tp-control", "spec"],
  "packages/transport": ["framing", "tensor-spec"],
  "packages/tensor-stage": ["framing", "tensor-spec"],
  "packages/pipeline": ["framing", "tensor-spec", "tp-control", "pp-contract", "transport", "tensor-stage"],
  "packages/cli": [
    "framing",
    "tensor-spec",
    "tp-control",
    "pp-contract",
    "transport",
    "transport/certificates",
    "tensor-stage",
    "pipeline",
    "iut-ts",
    "iut-ts/program",
    "conformance",
    "conformance/paint",
  ],
  conformance: ["spec"],
  // The adapter of the reference speaks the harness's protocol: of the harness it may import that and no more.
  "conformance/ports/ts": [
    "framing",
    "tensor-spec",
    "tp-control",
    "pp-contract",
    "transport",
    "transport/testing",
    "pipeline/ranks",
    "conformance/protocol",
    "conformance/line-reader",
    "conformance/wire",
  ],
};

/** May import whatever they work on; nothing imports them. */
const TOOLS = ["spec", "scripts", "bench", "conformance/mutants", "conformance/peers"];

/** Bytes in, events out: these know no socket, clock or file. */
const SANS_IO = ["packages/framing", "packages/tensor-spec", "packages/tp-control", "packages/pp-contract"];
const IO_NAMES =
  /\b(?:Bun|process|console|performance|Date|setTimeout|setInterval|setImmediate|queueMicrotask|fetch|WebSocket|Worker)\b(?=[.(])/;
const IMPORTS = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["']([^"']+)["']/g;

interface Import {
  readonly file: string;
  readonly target: string;
}

function sources(folder: string): string[] {
  const below = [...Object.keys(ARROWS), ...TOOLS].filter((other) => other.startsWith(`${folder}/`));
  return [...new Glob(`${folder}/**/*.ts`).scanSync(ROOT)]
    .filter((file) => !file.includes("node_modules") && !below.some((other) => file.startsWith(`${other}/`)))
    .sort();
}

/** Source without comments: a name in a comment imports nothing. */
function code(file: string): string {
  return readFileSync(join(ROOT, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");
}

function imports(file: string): Import[] {
  return [...code(file).matchAll(IMPORTS)].map((match) => ({ file, target: match[1]! }));
}

function isTest(file: string): boolean {
  return /\.test\.ts$|\/testing\.ts$|\/testing\//.test(file);
}

for (const [folder, allowed] of Object.entries(ARROWS)) {
  const files = sources(folder);
  const shipped = files.filter((file) => !isTest(file));

  describe(folder, () => {
    test("has sources to look at", () => {
      expect(shipped.length).toBeGreaterThan(0);
    });

    test(`imports only ${allowed.length === 0 ? "itself" : allowed.join(", ")}, by their public entry`, () => {
      const wrong = shipped
        .flatMap(imports)
        .filter(({ target }) => target.startsWith("@tensorwire/"))
        .filter(({ target }) => {
          const entry = target.slice("@tensorwire/".length);
          return !allowed.includes(entry) && !(entry.startsWith("spec/") && allowed.includes("spec"));
        });
      expect(wrong).toEqual([]);
    });

    test("reaches no file of another workspace by a relative path", () => {
      const wrong = files
        .flatMap(imports)
        .filter(({ target }) => target.startsWith("."))
        .map(({ file, target }) => ({ file, reached: normalize(join(dirname(file), target)) }))
        .filter(({ reached }) => !reached.startsWith(`${folder}/`) && !reached.startsWith("vectors/"));
      expect(wrong).toEqual([]);
    });

    if (SANS_IO.includes(folder)) {
      test("knows no socket, clock or file", () => {
        const modules = shipped.flatMap(imports).filter(({ target }) => /^(?:node:|bun$|bun:)/.test(target));
        const names = shipped.filter((file) => IO_NAMES.test(code(file)));
        expect([modules, names]).toEqual([[], []]);
      });
    }
  });
}

test("every workspace that has sources is under an arrow, or is a tool", () => {
  const { workspaces } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const folders = workspaces.packages.flatMap((pattern: string) =>
    pattern.endsWith("/*")
      ? [...new Glob(`${pattern}/package.json`).scanSync(ROOT)].map((file) => dirname(file))
      : [pattern],
  );
  const isTool = (folder: string) => TOOLS.some((tool) => folder === tool || folder.startsWith(`${tool}/`));
  expect(folders.filter((folder: string) => !(folder in ARROWS) && !isTool(folder))).toEqual([]);
});
