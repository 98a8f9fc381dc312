import { cpSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Glob } from "bun";
import manifest from "../../packages/cli/package.json" with { type: "json" };
import { compileBinary, ROOT } from "./binary.ts";

/** Where a binary runs, in the words of npm: `linux-x64`, `darwin-arm64`, `win32-x64`. */
export const PLATFORM = /^(linux|darwin|win32)-(x64|arm64)$/;

export const HERE = `${process.platform}-${process.arch}`;

/** Lays the compiled command out as an npm package, with what its users read: the specification, schemas and layouts among it. */
export async function layOutProgram(into: string, platform: string, commit: string): Promise<void> {
  const [, os = "", cpu = ""] = PLATFORM.exec(platform) ?? [];
  const name = os === "win32" ? "tensorwire.exe" : "tensorwire";
  const packages = await compileBinary({
    outfile: join(into, name),
    commit,
    ...(platform !== HERE && { target: `bun-${os === "win32" ? "windows" : os}-${cpu}` as Bun.Build.CompileTarget }),
  });
  for (const pattern of ["*.md", "iut/*.json", "proto/*.proto", "layouts/**/*"]) {
    for (const file of new Glob(pattern).scanSync(join(ROOT, "spec")))
      cpSync(join(ROOT, "spec", file), join(into, "spec", file));
  }
  cpSync(join(ROOT, "LICENSE"), join(into, "LICENSE"));
  writeFileSync(join(into, "NOTICES"), notices(packages));
  writeFileSync(join(into, "README.md"), readme(name, platform));
  const about = {
    name: `tensorwire-${platform}`,
    version: manifest.version,
    description: "Conformance harness for wire formats that carry tensors between processes, in one file",
    license: "Apache-2.0",
    os: [os],
    cpu: [cpu],
    bin: { tensorwire: `./${name}` },
    files: [name, "NOTICES", "spec"],
  };
  writeFileSync(join(into, "package.json"), `${JSON.stringify(about, null, 2)}\n`);
}

function readme(name: string, platform: string): string {
  return `# tensorwire for ${platform}

One file, \`${name}\`, with the harness, the corpus and the reference in it. It needs nothing else.

    ./${name} conformance --launch ./my-port
    ./${name} explain len64/hello
    ./${name} --help

[spec/porting.md](spec/porting.md) leads from nothing to a certified port; where it says \`bun run tensorwire\`, this file is meant. The
schemas of the protocol are in [spec/iut](spec/iut). NOTICES has the licences of what others wrote.
`;
}

/** The licences of the packages of others, which their terms want to go with them. */
function notices(packages: readonly string[]): string {
  const parts = packages.map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
    const text = file === undefined ? `Licence: ${license}\n` : readFileSync(join(folder, file), "utf8");
    return `${name} ${version}\n\n${text.trimEnd()}\n`;
  });
  const bun = `Bun ${Bun.version}, with what it is made of: https://bun.com/docs/project/licensing\n`;
  return [bun, ...parts].join(`\n${"-".repeat(80)}\n\n`);
}
