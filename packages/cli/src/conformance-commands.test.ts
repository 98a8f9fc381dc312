import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { DEFAULT_CORPUS } from "@tensorwire/conformance";
import { tensorwire } from "./testing.ts";

// Each test starts processes; the harness has deadlines of its own.
setDefaultTimeout(120_000);

const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
const file = (name: string) => join(folder, name);

const SMALL = ["conformance", "--in-process", "--filter", "len32/hello", "--seed", "7"] as const;

describe("a run and what is made of it", () => {
  test("a certificate is borne out by its events and its recording, and not by a changed one", async () => {
    const targets = [
      "--certificate",
      file("c"),
      "--events",
      file("e"),
      "--record",
      file("l"),
      "--badge",
      file("b.svg"),
    ];
    expect((await tensorwire(...SMALL, ...targets)).code).toBe(0);
    expect(readFileSync(file("b.svg"), "utf8")).toContain("len32 (in part)");
    const good = await tensorwire("verify-certificate", file("c"), "--events", file("e"), "--replay", file("l"));
    expect([good.out.trim(), good.code]).toEqual([`${file("c")}: borne out`, 0]);
    writeFileSync(file("bad"), readFileSync(file("e"), "utf8").replace('"pass"', '"fail"'));
    const bad = await tensorwire("verify-certificate", file("c"), "--events", file("bad"));
    expect(bad.code).toBe(1);
    expect(bad.out).toContain("not borne out");
    expect((await tensorwire("verify-certificate", file("c"))).code).toBe(64);
    expect((await tensorwire("verify-certificate", file("e"), "--events", file("e"))).code).toBe(64);
  });

  test("reports of several runs make one page; what is none is refused", async () => {
    for (const name of ["one.json", "two.json"]) await tensorwire(...SMALL, "--json", file(name));
    const { code } = await tensorwire("report", file("one.json"), file("two.json"), "--html", file("m.html"));
    expect(code).toBe(0);
    expect(readFileSync(file("m.html"), "utf8")).toContain("Conformance of 2 implementations");
    expect((await tensorwire("report", file("m.html"), "--html", file("x.html"))).code).toBe(64);
    expect(existsSync(file("x.html"))).toBe(false);
  });

  test("compare holds runs and reports against each other, and exits by whether they agree", async () => {
    await tensorwire(...SMALL, "--json", file("mine.json"));
    const narrowed = ["--filter", "len32/hello", "--seed", "7"];
    const alike = await tensorwire("compare", file("mine.json"), "--in-process", ...narrowed);
    expect([alike.code, alike.out.trimEnd().split("\n").at(-1)]).toEqual([0, "they agree"]);
    const other = JSON.parse(readFileSync(file("mine.json"), "utf8"));
    const at = other.cases.findIndex(({ id }: { id: string }) => id === "len32/hello");
    other.cases[at] = { id: "len32/hello", verdict: "fail", actual: [[]], text: "a message is missing in step 0" };
    writeFileSync(file("other.json"), JSON.stringify(other));
    const apart = await tensorwire("compare", file("mine.json"), file("other.json"), "--json");
    expect(apart.code).toBe(1);
    const { differences, exit } = JSON.parse(apart.out);
    expect([exit, differences.length, differences[0].id]).toEqual([1, 1, "len32/hello"]);
    expect((await tensorwire("compare", "--in-process")).code).toBe(64);
    expect((await tensorwire("compare", file("mine.json"), file("m.html"))).code).toBe(64);
  });

  test("an unfilled baseline is exit 2 at the next run, and a filled one is known", async () => {
    const failing = ["conformance", "--stdio", "exit 3", "--filter", "len32/hello"];
    const { code } = await tensorwire(...failing, "--baseline", file("k.json"), "--update-baseline");
    expect(code).toBe(3);
    expect(existsSync(file("k.json"))).toBe(false);
    writeFileSync(file("k.json"), '{"entries":[{"pattern":"len32/gone","reason":""}]}');
    const narrowed = await tensorwire(...SMALL, "--baseline", file("k.json"));
    expect(narrowed.code).toBe(2);
    expect(narrowed.out).toContain("baseline, no reason: len32/gone");
    expect((await tensorwire(...SMALL, "--update-baseline")).code).toBe(64);
  });
});

describe("what there is to run", () => {
  test("list --json has vectors, rules and totals; a pattern that nothing matches is exit 5", async () => {
    const { out, code } = await tensorwire("list", "--json", "len32/*");
    expect(code).toBe(0);
    const { totals, vectors } = JSON.parse(out);
    expect(totals.vectors).toBe(vectors.length);
    expect((await tensorwire("list", "nothing/*")).code).toBe(5);
    expect((await tensorwire("list", "--rules", "len32/hello")).out).toContain("len32.prefix.layout");
  });

  test("explain says what a case sends, and what was meant by a wrong name", async () => {
    expect((await tensorwire("explain", "len32/hello#cut=2")).out).toContain("r[len32.boundary.chunking]");
    expect((await tensorwire("explain", "wire/len32/split")).out).toContain("level 2 on real connections");
    const challenge = ["explain", "challenge/len32/valid-1"] as const;
    expect((await tensorwire(...challenge, "--seed", "7")).out).toContain("Fresh messages in fresh reads");
    expect((await tensorwire(...challenge)).err).toContain("expected --seed");
    const told = await tensorwire("explain", "len32/hello", "--mutants", join(DEFAULT_CORPUS, "lock.json"));
    expect([told.code, told.err]).toEqual([
      64,
      expect.stringContaining("expected what `bun run mutants --json` wrote"),
    ]);
    const wrong = await tensorwire("explain", "len32/helo");
    expect(wrong.code).toBe(64);
    expect(wrong.err).toContain("near: len32/hello");
    expect(JSON.parse((await tensorwire("explain", "len32/hello", "--json")).out).about.id).toBe("len32/hello");
  });
});

describe("--corpus", () => {
  const corpus = file("corpus");
  cpSync(DEFAULT_CORPUS, corpus, { recursive: true });

  test("names another corpus for a run, a list, an explanation and a recorded run; reports say its hash", async () => {
    const { hash } = otherCorpus(corpus);
    const words = ["--corpus", corpus] as const;
    const run = await tensorwire(
      ...SMALL,
      ...words,
      "--json",
      file("o"),
      "--certificate",
      file("oc"),
      "--record",
      file("ol"),
    );
    expect(run.code).toBe(0);
    expect(run.out).toContain(hash.slice(0, 19));
    const { corpus: told, command } = JSON.parse(readFileSync(file("o"), "utf8"));
    expect([told.hash, command]).toEqual([hash, `bun run tensorwire conformance --in-process --corpus ${corpus}`]);
    expect((await tensorwire("list", "len32/hello", ...words)).out).toContain(hash.slice(0, 19));
    expect((await tensorwire("explain", "len32/hello", ...words)).out).toContain("Told by another release.");
    const recorded = ["verify-certificate", file("oc"), "--replay", file("ol")] as const;
    expect((await tensorwire(...recorded, ...words)).code).toBe(0);
    expect((await tensorwire(...recorded)).code).toBe(1);
  });

  test("that leads to no corpus is wrong usage, and to a broken one a defect", async () => {
    const none = await tensorwire(...SMALL, "--corpus", folder);
    expect([none.code, none.err]).toEqual([64, expect.stringContaining("expected a lock.json in it")]);
    const above = await tensorwire("list", "--corpus", dirname(DEFAULT_CORPUS));
    expect([above.code, above.err]).toEqual([64, expect.stringContaining(`${DEFAULT_CORPUS} has one`)]);
    mkdirSync(file("broken"), { recursive: true });
    for (const [lock, says] of [
      ["{}", "expected the fields corpus and files"],
      ['{"corpus":"sha256:0","files":{"gone.json":"0"}}', "gone.json: ENOENT"],
    ] as const) {
      writeFileSync(file("broken/lock.json"), lock);
      const broken = await tensorwire("explain", "len32/hello", "--corpus", file("broken"));
      expect([broken.code, broken.err]).toEqual([4, expect.stringContaining(says)]);
    }
  });
});

/** Gives one vector other words, as another release could have them, and the lock its hashes. */
function otherCorpus(folder: string): { hash: string } {
  const sha256 = (data: string) => new Bun.CryptoHasher("sha256").update(data).digest("hex");
  const path = "len32/frames.json";
  const text = readFileSync(join(folder, path), "utf8").replace(/"why": "[^"]*"/, '"why": "Told by another release."');
  writeFileSync(join(folder, path), text);
  const { files } = JSON.parse(readFileSync(join(folder, "lock.json"), "utf8"));
  files[path] = sha256(text);
  const lines = Object.entries(files).map(([name, digest]) => `${digest}  ${name}\n`);
  const hash = `sha256:${sha256(lines.join(""))}`;
  writeFileSync(join(folder, "lock.json"), JSON.stringify({ corpus: hash, files }));
  return { hash };
}

test("an option that is given twice is refused, and one that collects is not", async () => {
  const twice = await tensorwire("list", "--corpus", "a", "--corpus", "b");
  expect([twice.code, twice.err]).toEqual([64, expect.stringContaining('expected --corpus once, got "a" and "b"')]);
  const below = await tensorwire("capture", "import", "x", "--profile", "len32", "--profile", "tp");
  expect(below.code).toBe(64);
  const compared = await tensorwire("compare", "--launch", "exit 3", "--launch", "exit 4", "--filter", "len32/hello");
  expect(compared.code).toBe(3);
  const filters = await tensorwire(...SMALL, "--filter", "len64/hello");
  expect(filters.err).toContain('expected --filter once, got "len32/hello" and "len64/hello"');
});

test("help of each command teaches by example", async () => {
  for (const command of ["conformance", "compare", "report", "verify-certificate", "list", "explain", "certs"]) {
    const { out, code } = await tensorwire(command, "--help");
    expect(code).toBe(0);
    expect(out).toContain(`Examples:\n  tensorwire `);
    expect(out).toContain("Exit status: 0");
  }
});
