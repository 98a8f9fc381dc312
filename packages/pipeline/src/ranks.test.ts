import { expect, test } from "bun:test";
import { dirname, join } from "node:path";

/** Every module that `entry` loads, its own and those of other packages. */
async function loaded(entry: string): Promise<Set<string>> {
  const found = new Set<string>();
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const walk = async (file: string) => {
    if (found.has(file)) return;
    found.add(file);
    const { imports } = transpiler.scan(await Bun.file(file).text());
    for (const { path } of imports) {
      if (path.startsWith(".")) await walk(join(dirname(file), path));
      else found.add(path);
    }
  };
  await walk(join(import.meta.dir, entry));
  return found;
}

test("the ranks load no model and no backend, and the whole package does", async () => {
  const heavy = (names: Set<string>) => [...names].filter((name) => /tensor-stage|tensorflow/.test(name));
  expect(heavy(await loaded("ranks.ts"))).toEqual([]);
  expect(heavy(await loaded("index.ts"))).toContain("@tensorwire/tensor-stage");
});
