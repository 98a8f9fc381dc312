import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkEvents, readCertificate } from "../src/report/certificate.ts";
import { runConformance, runInProcess } from "../src/run.ts";
import { error, testCase, testCorpus } from "../src/testing.ts";
import { CONTRADICTORY } from "./contradictory.ts";
import type { Liar } from "./gallery.ts";
import { honest, honestHello } from "./honest.ts";

// The harness has deadlines of its own; this one catches a hang of the harness.
setDefaultTimeout(60_000);

const encode = (id: string, profile: string, hex: string) =>
  testCase(id, {
    ...{ profile, role: "encode", limits: {} },
    steps: [{ encode: { payload: "6869" } }],
    expected: [[{ event: "bytes", hex }]],
  });
const corpus = testCorpus(
  testCase("len32/hello"),
  testCase("len32/cut", { steps: [{ feed: "000000" }, { eof: true }], expected: [[], [error("eof.in-prefix", 3)]] }),
  encode("len32/encode", "len32", "000000026869"),
  encode("len32/encode#again", "len32", "000000026869"),
  encode("len64/encode", "len64", "00000000000000026869"),
  encode("len64/encode#again", "len64", "00000000000000026869"),
);

const main = fileURLToPath(new URL("main.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));

async function meet({ name, hello, answer }: Liar) {
  const at = (what: string) => join(folder, `${name}.${what}`);
  let printed = "";
  const print = (text: string) => {
    printed += text;
  };
  const same = { corpus, today: "2026-11-21", print, log: () => {} };
  const live = await runConformance({
    ...same,
    // Those that say what no function can return are processes.
    way: /garbage|dies|hangs/.test(name)
      ? { kind: "launch", command: `"${process.execPath}" "${main}" ${name}` }
      : {
          kind: "in-process",
          iut: { hello: (hello ?? honestHello) as typeof honestHello, handle: (request) => answer(request) as never },
        },
    ...{ jobs: 1, seed: "liars", startDeadline: 20_000, caseDeadline: name.startsWith("hangs") ? 4000 : 20_000 },
    ...{ record: at("link"), json: at("json"), events: at("events"), certificate: at("certificate"), html: at("html") },
    ...{ junit: at("junit"), tap: at("tap") },
  });
  const once = printed;
  const again = await runConformance({ ...same, replay: at("link"), json: at("again"), events: at("events-again") });
  const read = (what: string) => readFileSync(at(what), "utf8");
  return { live, again, printed: once, at, read };
}

describe("r[iut.contradiction.shown]: what hello and answers contradict each other in is said, and changes nothing else", () => {
  for (const liar of CONTRADICTORY) {
    test.concurrent(liar.name, async () => {
      const { live, printed, at, read } = await meet(liar);
      expect(printed).toMatch(liar.says);
      expect(live.exitCode).toBe(0);
      const claims = live.report?.outcomes.filter(
        ({ profile, case: about }) => profile === "len32" && about === undefined,
      );
      expect(claims?.map(({ id, verdict }) => `${verdict} ${id}`)).toEqual(["pass len32/hello", "pass len32/cut"]);
      expect(live.report?.outcomes).toHaveLength(6);
      expect(live.report?.restarts).toBe(0);
      // In every report, and in the same words from the recording.
      const [one] = live.report?.contradictions ?? [];
      expect(live.report?.contradictions).toHaveLength(1);
      expect(JSON.parse(read("json")).contradictions).toEqual([one]);
      expect(JSON.parse(read("events").trimEnd().split("\n").at(-1) ?? "").contradictions).toEqual([one]);
      expect(read("html")).toContain("Hello and answers contradict each other");
      expect(read("junit")).toMatch(
        /<system-out>contradiction: len(?:32|64), .*&#10;<\/system-out>\n {2}<\/testsuite>/,
      );
      expect(read("tap")).toMatch(/^# contradiction: len(?:32|64), /m);
      expect(JSON.parse(read("again"))).toEqual(JSON.parse(read("json")));
      expect(read("events-again")).toBe(read("events"));
      const certificate = readCertificate(at("certificate"));
      expect(certificate.contradictions).toEqual([one!]);
      expect(checkEvents(certificate, Buffer.from(read("events")))).toEqual([]);
      expect(checkEvents({ ...certificate, contradictions: [] }, Buffer.from(read("events"))).join()).toContain(
        "contradictions: the certificate says []",
      );
    });
  }
});

describe("r[iut.contradiction.asked]", () => {
  const run = (handle: typeof honest, given = corpus) =>
    runInProcess({ hello: honestHello, handle }, { corpus: given });

  test("what hello leaves out is asked for behind all cases, once, a few of other vectors each", async () => {
    const many = testCorpus(
      ...Array.from({ length: 9 }, (_, i) => encode(`len32/encode-${i >> 1}#${i}`, "len32", "000000026869")),
      testCase("len32/hello"),
    );
    const asked: string[] = [];
    const { report } = await run((request) => {
      if (request.op === "case" && !request.id.startsWith("link-check")) asked.push(request.id);
      return honest(request);
    }, many);
    const [first, ...unasked] = asked;
    expect(first).toBe("len32/hello");
    expect(unasked.every((id) => id.startsWith("undeclared/len32/encode-"))).toBe(true);
    expect([unasked.length, new Set(unasked.map((id) => id.split("#")[0])).size]).toEqual([3, 3]);
    expect(report.contradictions).toEqual([]);
  });

  test("an IUT that declines it has no contradiction, and a refusing case is never asked for", async () => {
    const refusal = testCase("len64/cut", { profile: "len64", expected: [[], [error("eof.in-prefix", 3)]] });
    const { report } = await run(
      (request) => {
        if (request.op === "case" && request.profile === "len64") throw new Error("nobody asked");
        return honest(request);
      },
      testCorpus(testCase("len32/hello"), refusal),
    );
    expect(report.contradictions).toEqual([]);
  });

  test("a probe of level 3 is a feature of its own, where profile and role are declared", async () => {
    const probe = (id: string, profile: string) =>
      testCase(id, {
        profile,
        requires: ["cancel"],
        steps: [{ cancel: true }, ...testCase("x").steps],
        expected: [[], ...testCase("x").expected],
      });
    const deaf = run(
      honest,
      testCorpus(testCase("len32/hello"), probe("len32/probed", "len32"), probe("len64/probed", "len64")),
    );
    expect((await deaf).report.contradictions).toMatchObject([
      { kind: "works", profile: "len32", capability: "cancel" },
    ]);
  });
});

test("a decline for a limit is no contradiction, unless nothing else came", async () => {
  const declining = (all: boolean) =>
    runInProcess(
      {
        hello: honestHello,
        handle: (request) =>
          request.id?.startsWith("len32/cut") || (all && request.id?.startsWith("len32/"))
            ? { op: "declined", seq: request.seq, reason: "limit", text: "not built" }
            : honest(request),
      },
      { corpus },
    );
  expect((await declining(false)).report.contradictions).toEqual([]);
  expect((await declining(true)).report.contradictions).toMatchObject([
    { kind: "declined", role: "decode", cases: 2, of: 2, text: "limit: not built" },
  ]);
});
