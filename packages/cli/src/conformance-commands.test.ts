import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
    const wrong = await tensorwire("explain", "len32/helo");
    expect(wrong.code).toBe(64);
    expect(wrong.err).toContain("near: len32/hello");
    expect(JSON.parse((await tensorwire("explain", "len32/hello", "--json")).out).about.id).toBe("len32/hello");
  });
});

test("help of each command teaches by example", async () => {
  for (const command of ["conformance", "compare", "report", "verify-certificate", "list", "explain", "certs"]) {
    const { out, code } = await tensorwire(command, "--help");
    expect(code).toBe(0);
    expect(out).toContain(`Examples:\n  tensorwire `);
    expect(out).toContain("Exit status: 0");
  }
});
