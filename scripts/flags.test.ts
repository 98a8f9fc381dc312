import { describe, expect, test } from "bun:test";
import { join, resolve } from "node:path";
import { scripts } from "../package.json" with { type: "json" };

const ROOT = resolve(import.meta.dir, "..");

/** The commands of the repository, by what each runs once the dependencies are there. */
const commands = Object.entries(scripts).flatMap(([name, script]) => {
  const words = /(?:^|&& )bun ([^ ]+\.ts)(.*)$/.exec(script);
  return words === null ? [] : [[name, [join(ROOT, words[1]!), ...words[2]!.split(" ").filter(Boolean)]] as const];
});

async function run(words: readonly string[]) {
  const child = Bun.spawn([process.execPath, ...words], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [out, err, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { out, err, code };
}

describe("bun run", () => {
  test("has the commands that are looked at", () => {
    expect(commands.length).toBeGreaterThan(10);
  });

  test.each(commands)("%s --help says how to use it and does nothing else", async (_, words) => {
    const { out, err, code } = await run([...words, "--help"]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^usage: /i);
  });

  test.each(commands)("%s with a word that it does not know is exit 64, and says which", async (_, words) => {
    const { out, err, code } = await run([...words, "--nonsense"]);
    expect([code, out]).toEqual([64, ""]);
    expect(err).toContain("nonsense");
    expect(err).not.toContain("    at ");
  });
});
