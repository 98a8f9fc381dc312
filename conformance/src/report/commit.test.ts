import { afterAll, expect, test } from "bun:test";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

const folder = mkdtempSync(join(tmpdir(), "tensorwire-commit-"));
afterAll(() => rmSync(folder, { recursive: true }));

const WHO = ["-c", "user.name=test", "-c", "user.email=test@example.org"];

function said(cwd: string, ...words: readonly string[]): string {
  const env = { PATH: process.env.PATH ?? "", GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" };
  const { exitCode, stdout, stderr } = Bun.spawnSync([...words], { cwd, env });
  if (exitCode !== 0) throw new Error(`${words.join(" ")}: ${stderr}`);
  return stdout.toString().trim();
}

/** A copy of the harness below a folder, as far as the commit is concerned. */
function harnessAt(root: string): () => string {
  const file = join(root, "conformance/src/report/commit.ts");
  mkdirSync(dirname(file), { recursive: true });
  cpSync(join(import.meta.dir, "commit.ts"), file);
  writeFileSync(join(root, "package.json"), "{}");
  const code = `console.log((await import(${JSON.stringify(file)})).harnessCommit() ?? "unknown")`;
  return () => said(root, process.execPath, "-e", code);
}

test.skipIf(Bun.which("git") === null)(
  "the commit is that of a checkout whose sources nobody has changed",
  () => {
    const root = join(folder, "checkout");
    const commit = harnessAt(root);
    const git = (...words: readonly string[]) => said(root, "git", ...WHO, ...words);
    git("init", "--quiet");
    expect(commit()).toBe("unknown");
    git("add", ".");
    git("commit", "--quiet", "--message", "one");
    expect(commit()).toBe(git("rev-parse", "HEAD"));
    writeFileSync(join(root, "notes.txt"), "beside the sources");
    expect(commit()).toBe(git("rev-parse", "HEAD"));
    writeFileSync(join(root, "package.json"), '{"name":"changed"}');
    expect(commit()).toBe("unknown");
    git("commit", "--quiet", "--all", "--message", "two");

    const inner = harnessAt(join(root, "third_party/tensorwire"));
    git("add", ".");
    git("commit", "--quiet", "--message", "three");
    expect(inner()).toBe("unknown");
  },
  30_000,
);

test("there is none where there is no repository", () => {
  expect(harnessAt(join(folder, "unpacked"))()).toBe("unknown");
}, 30_000);
