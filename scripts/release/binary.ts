import { join, resolve } from "node:path";
import { Glob } from "bun";
import { lockedFiles } from "./corpus.ts";

export const ROOT = resolve(import.meta.dir, "../..");

/** Never loaded there: the commands that would are not in it, since they start processes from their sources. */
const LEFT_OUT = /^@tensorwire\/(?:pipeline|tensor-stage)$/;

/** What the harness reads while it runs, as it lies in the repository. The binary has the same folders (`conformance/src/options.ts`). */
export function embedded(): string[] {
  return [
    ...lockedFiles(join(ROOT, "vectors")).map((file) => `vectors/${file}`),
    ...new Glob("spec/*.md").scanSync(ROOT),
    "spec/mutants.json",
    ...new Glob("spec/layouts/*.json").scanSync(ROOT),
  ].sort();
}

export interface BinaryOptions {
  readonly outfile: string;
  /** As Bun names it: `bun-linux-arm64`. Default: this machine. */
  readonly target?: Bun.Build.CompileTarget;
  /** Empty where nobody knows. */
  readonly commit: string;
}

/**
 * Compiles the command into one file that needs no Bun, no repository and no network. Gives back the packages of others that are in it, by
 * their folders.
 */
export async function compileBinary({ outfile, target, commit }: BinaryOptions): Promise<string[]> {
  // Bun embeds what a module imports as a file, and keeps its path below the root.
  const entry = join(ROOT, "tensorwire.ts");
  const assets = embedded().map((file, i) => [`asset${i}`, `import asset${i} from "./${file}" with { type: "file" };`]);
  const text = [
    // The bundler begins the modules of certificates in another order than they are imported in, and they want this one first.
    `import ${JSON.stringify(Bun.resolveSync("reflect-metadata", join(ROOT, "packages/transport")))};`,
    ...assets.map(([, line]) => line),
    // What nobody uses would be left out.
    `Object.defineProperty(globalThis, "tensorwireAssets", { value: [${assets.map(([name]) => name).join(", ")}] });`,
    `await import("./packages/cli/src/main.ts");`,
  ];
  const built = await Bun.build({
    entrypoints: [entry],
    files: { [entry]: text.join("\n") },
    root: ROOT,
    target: "bun",
    naming: { asset: "[dir]/[name].[ext]" },
    plugins: [
      {
        name: "left out",
        setup: (build) => void build.onResolve({ filter: LEFT_OUT }, ({ path }) => ({ path, external: true })),
      },
    ],
    define: { TENSORWIRE_COMMIT: JSON.stringify(commit) },
    metafile: true,
    compile: {
      outfile,
      ...(target !== undefined && { target }),
      // Of the folder that it is started in it reads what its arguments name: a bunfig.toml there would have it run code.
      ...{ autoloadBunfig: false, autoloadDotenv: false, autoloadTsconfig: false, autoloadPackageJson: false },
    },
  });
  const packages = Object.keys(built.metafile?.inputs ?? {}).flatMap((file) => {
    const [folder] = /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? [];
    return folder === undefined ? [] : [resolve(ROOT, folder)];
  });
  return [...new Set(packages)].sort();
}
