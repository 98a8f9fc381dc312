import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { harnessCommit } from "@tensorwire/conformance";
import { flags } from "./flags.ts";
import { ROOT } from "./release/binary.ts";
import { layOutCorpus } from "./release/corpus.ts";
import { packed } from "./release/pack.ts";
import { HERE, layOutProgram, PLATFORM } from "./release/program.ts";

const USAGE = `usage: bun run release [--target PLATFORMS] [--out FOLDER]

Writes to dist/ what others can take without this repository: the corpus as an npm package of data, the command as one compiled
file in an npm package for each platform, and SHA256SUMS of both.

  --target PLATFORMS  linux-x64, linux-arm64, darwin-x64, darwin-arm64, win32-x64, with commas between; default: this machine. For another
                      one Bun fetches its own build of it
  --out FOLDER        in the place of dist/

Exit status: 0; 1 something could not be built; 64 usage.
`;

const { out, targets } = flags("release", USAGE, () => {
  const { values } = parseArgs({
    options: { target: { type: "string", default: HERE }, out: { type: "string", default: join(ROOT, "dist") } },
  });
  const targets = values.target.split(",");
  for (const target of targets) {
    if (!PLATFORM.test(target)) throw new TypeError(`expected a platform such as linux-x64, got "${target}"`);
  }
  return { out: values.out, targets };
});

const commit = harnessCommit() ?? "";
if (commit === "") console.error("the sources are not as they were committed: the binary will name no commit");
const names = [await packed(out, layOutCorpus)];
for (const platform of targets) names.push(await packed(out, (folder) => layOutProgram(folder, platform, commit)));

const sums = names.map((name) => {
  const hash = new Bun.CryptoHasher("sha256").update(readFileSync(join(out, name)));
  return `${hash.digest("hex")}  ${name}\n`;
});
writeFileSync(join(out, "SHA256SUMS"), sums.join(""));
process.stdout.write(sums.join(""));
