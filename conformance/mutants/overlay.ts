import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import type { InProcessIut } from "@tensorwire/conformance";
import { type Mutant, MutantDefect, mutate } from "./mutant.ts";

const ROOT = resolve(import.meta.dir, "../..");
const IN_PROCESS = join(ROOT, "conformance/ports/ts/src/index.ts");
const SERVED = join(ROOT, "conformance/ports/ts/src/main.ts");

const PACKAGES =
  /^@tensorwire\/(framing|tensor-spec|tp-control|pp-contract|transport|pipeline)(?:\/(testing|ranks|certificates))?$/;

/**
 * The reference with one mutant in it, or with none: the control. Its modules are bundled anew with the mutant's text in the
 * place of one file's, so that each has state of its own, several fit into one process, and no file of the tree is touched.
 *
 * @throws MutantDefect when the mutant does not fit the sources.
 */
export async function buildReference(mutant: Mutant | null): Promise<InProcessIut> {
  using built = await bundled(mutant, IN_PROCESS);
  const { reference } = (await import(built.file)) as { reference: InProcessIut };
  return reference;
}

/** The same as a program that dials the harness, until it is disposed of. */
export async function serveReference(mutant: Mutant | null): Promise<Disposable & { readonly command: string }> {
  const built = await bundled(mutant, SERVED);
  return { command: `'${process.execPath}' '${built.file}'`, [Symbol.dispose]: () => built[Symbol.dispose]() };
}

async function bundled(mutant: Mutant | null, entry: string): Promise<Disposable & { readonly file: string }> {
  const target = mutant === null ? "" : join(ROOT, mutant.file);
  let replaced = false;
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    target: "bun",
    plugins: [
      {
        name: "overlay",
        setup(build) {
          // What is not ours is not bundled: it is loaded once, from where the importing file would find it.
          build.onResolve({ filter: /^[^./]/ }, ({ path, importer, kind }) => {
            if (kind === "entry-point-build" || /^(?:@tensorwire\/|node:)/.test(path)) return undefined;
            return { path: Bun.resolveSync(path, dirname(importer)), external: true };
          });
          // By file: a package's name would lead to whatever node_modules links to.
          build.onResolve({ filter: PACKAGES }, ({ path }) => {
            const [, name = "", part = "index"] = PACKAGES.exec(path) ?? [];
            return { path: join(ROOT, `packages/${name}/src/${part}.ts`) };
          });
          if (mutant === null) return;
          build.onLoad({ filter: /\.ts$/ }, ({ path }) => {
            if (path !== target) return undefined;
            replaced = true;
            return { contents: mutate(mutant, readFileSync(path, "utf8")), loader: "ts" };
          });
        },
      },
    ],
  });
  if (mutant !== null && !replaced) throw new MutantDefect(`${mutant.id}: the reference does not load ${mutant.file}`);
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-mutant-"));
  const file = join(folder, "reference.mjs");
  writeFileSync(file, await (outputs[0] as Blob).text());
  return { file, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}
