import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { honest, honestHello } from "../../liars/honest.ts";
import type { InProcessIut } from "../link/in-process.ts";
import { type ConformanceOptions, UsageError } from "../options.ts";
import { runConformance } from "../run.ts";
import { testCase, testCorpus } from "../testing.ts";
import { badge } from "./badge.ts";
import { CertificateError, readCertificate } from "./certificate.ts";
import { junit } from "./junit.ts";
import { ReportError, readReport } from "./read.ts";
import type { Report } from "./report.ts";
import { tap } from "./tap.ts";
import { SAMPLE, sampleIut, sampleReport } from "./testing.ts";
import { verifyByEvents, verifyByReplay } from "./verify.ts";
import { machineReads } from "./write.ts";

const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
const file = (name: string) => join(folder, name);
const run = (options: ConformanceOptions) =>
  runConformance({
    way: { kind: "in-process", iut: sampleIut("sample", "eof-in-prefix-clean") },
    corpus: SAMPLE,
    seed: "5eed",
    today: "2026-06-15",
    log: () => {},
    print: () => {},
    ...options,
  });

describe("the event stream", () => {
  test("has a header, each case and a footer", async () => {
    await run({ events: file("events") });
    const lines = readFileSync(file("events"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ type: "header", stream: 1, iut: { name: "sample" }, seed: "5eed" });
    expect(lines.slice(1, -1).map(({ type, id, verdict }) => [type, id, verdict])).toEqual([
      ["case", "len32/hello", "pass"],
      ["case", "len32/hello#cut=2", "pass"],
      ["case", "len32/cut", "fail"],
      ["case", "len64/hello", "not applicable"],
    ]);
    expect(lines.at(-1)).toMatchObject({ type: "footer", exit: 1, counts: { pass: 2, fail: 1 } });
  });

  test("is the same for the same run, and there too when the IUT never starts", async () => {
    await run({ events: file("once") });
    await run({ events: file("again") });
    expect(readFileSync(file("once"), "utf8")).toBe(readFileSync(file("again"), "utf8"));
    const dead = { kind: "stdio", command: "exit 3" } as const;
    expect((await run({ way: dead, events: file("dead"), startDeadline: 5000 })).exitCode).toBe(3);
    const lines = readFileSync(file("dead"), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines.map(({ type }) => type)).toEqual(["header", "footer"]);
    expect(lines[1].trouble).toContain("did not start");
  });
});

describe("TAP", () => {
  test("has a plan, a line for each case, and a YAML block for each failure", async () => {
    const lines = tap(await sampleReport("sample", "eof-in-prefix-clean")).split("\n");
    expect(lines.slice(0, 5)).toEqual([
      "TAP version 13",
      "1..4",
      "ok 1 - len32/hello",
      "ok 2 - len32/hello\\#cut=2",
      "not ok 3 - len32/cut",
    ]);
    expect(lines).toContain('  verdict: "fail"');
    expect(lines).toContain("ok 4 - len64/hello # SKIP not applicable: profile not declared");
  });

  test("names no directive and breaks no line by what an id or a text holds", async () => {
    const { report } = await runConformanceReport("len32/x # SKIP\nok 99 - forged");
    const lines = tap(report)
      .split("\n")
      .filter((line) => /^(?:not )?ok/.test(line));
    expect(lines).toEqual(["not ok 1 - len32/x \\# SKIP ok 99 - forged"]);
  });

  test("bails out where nothing could be told", async () => {
    const { report } = await run({ way: { kind: "stdio", command: "exit 3" }, startDeadline: 5000 });
    expect(tap(report!)).toMatch(/^TAP version 13\n1\.\.0\nBail out! the IUT did not start/);
  });
});

describe.skipIf(Bun.which("prove") === null)("prove reads the TAP of", () => {
  const prove = (text: string) => {
    writeFileSync(file("report.tap"), text);
    const { exitCode, stdout, stderr } = Bun.spawnSync(["prove", file("report.tap")], { timeout: 30_000 });
    return { exitCode, output: `${stdout}${stderr}` };
  };

  test("a run that passes", async () => {
    const { exitCode, output } = prove(tap(await sampleReport("sample")));
    expect(output).toContain("All tests successful.");
    expect(exitCode).toBe(0);
  });

  test("a run that fails, whatever its texts hold", async () => {
    const ids = ['len32/x # SKIP\nok 99 - "forged"', "len32/\\→\u0007: [x]"];
    const { report } = await run({ corpus: testCorpus(...ids.map((id) => testCase(id, { expected: [[], []] }))) });
    const { exitCode, output } = prove(tap(report!));
    expect(output).toContain("Failed 2/2 subtests");
    expect(output).not.toContain("Parse errors");
    expect(exitCode).toBe(1);
  });

  test("a run that bails out", async () => {
    const { report } = await run({ way: { kind: "stdio", command: "exit 3" }, startDeadline: 5000 });
    expect(prove(tap(report!)).output).toContain("Bailout called.");
  });
});

async function runConformanceReport(id: string) {
  const { report } = await run({ corpus: testCorpus(testCase(id, { expected: [[], []] })) });
  return { report: report! };
}

test("JUnit has totals where readers look for them, and the message in the body too, which some read alone", async () => {
  const xml = junit(await sampleReport("sample", "eof-in-prefix-clean"));
  expect(xml).toContain(
    '<testsuites name="tensorwire conformance: sample" tests="4" failures="1" errors="0" skipped="1"',
  );
  expect(xml).toMatch(/<failure type="fail" message="step 1 [^"]+">[^<]*step 1 should give/);
});

describe("what fails without a case of its own", () => {
  const cutShort = async (): Promise<Report> => ({
    ...(await sampleReport("sample")),
    outcomes: [{ id: "wire/len32/x", profile: "len32", verdict: "disagreement", text: "the levels do not agree" }],
    notRun: new Map([
      ["len32", 2],
      ["len64", 1],
    ]),
  });

  test("fails in JUnit: a disagreement, and the cases of a profile that were not run", async () => {
    const xml = junit(await cutShort());
    expect(xml).toContain('tests="3" failures="3" errors="0" skipped="0"');
    expect(xml).toContain('<testsuite name="len32" tests="2" failures="2" errors="0" skipped="0">');
    expect(xml).toContain('<testsuite name="len64" tests="1" failures="1" errors="0" skipped="0">');
    expect(xml).toContain('<failure type="disagreement" message="the levels do not agree">');
    const left = (profile: string, text: string) =>
      `<testcase name="not run" classname="${profile}"><failure type="not run" message="${text}">${text}</failure></testcase>`;
    expect(xml).toContain(left("len32", "2 cases were not run"));
    expect(xml).toContain(left("len64", "1 case was not run"));
    expect(junit(await sampleReport("sample"))).not.toContain("not run");
  });

  test("fails in TAP, and is in its plan", async () => {
    const lines = tap(await cutShort()).split("\n");
    expect(lines[1]).toBe("1..3");
    expect(lines.filter((line) => line.startsWith("not ok"))).toEqual([
      "not ok 1 - wire/len32/x",
      "not ok 2 - len32",
      "not ok 3 - len64",
    ]);
    expect(lines).toContain('  message: "2 cases were not run"');
  });
});

describe("a certificate", () => {
  test("is borne out by the events and by the recording of its run", async () => {
    const targets = { certificate: file("cert.json"), events: file("cert.events"), record: file("cert.link") };
    await run({ ...targets });
    const claim = readCertificate(file("cert.json"));
    expect(claim).toMatchObject({ date: "2026-06-15", exit: 1, seed: "5eed", counts: { pass: 2, fail: 1 } });
    expect(verifyByEvents(claim, readFileSync(file("cert.events")))).toEqual([]);
  });

  test("r[iut.certificate.events]: falls with a changed verdict, a lost line, or a better number", async () => {
    await run({ certificate: file("c2.json"), events: file("c2.events") });
    const claim = readCertificate(file("c2.json"));
    const events = readFileSync(file("c2.events"), "utf8");
    const faults = (text: string) => verifyByEvents(claim, Buffer.from(text)).join("\n");
    expect(faults(events.replace('"verdict":"fail"', '"verdict":"pass"'))).toContain("counts");
    expect(faults(events.split("\n").toSpliced(2, 1).join("\n"))).toContain("lines");
    expect(faults(`${events} `)).toContain("sha256");
    expect(faults("nonsense\n")).toContain("cannot be read");
    const better = { ...claim, counts: { ...claim.counts, fail: 0 } };
    expect(verifyByEvents(better, Buffer.from(events)).join()).toContain("counts");
  });

  test("falls with a line that does not fit its schema, and the line and the place are named", async () => {
    await run({ certificate: file("c5.json"), events: file("c5.events") });
    const claim = readCertificate(file("c5.json"));
    const lines = readFileSync(file("c5.events"), "utf8").trimEnd().split("\n");
    const faults = (number: number, change: object) => {
      const line = JSON.stringify({ ...JSON.parse(lines.at(number) ?? ""), ...change });
      return verifyByEvents(claim, Buffer.from(`${lines.with(number, line).join("\n")}\n`)).at(-1) ?? "";
    };
    const last = lines.length;
    expect(faults(0, { corpus: { hash: "sha256:x", vectors: 1 } })).toContain("line 1 at /corpus/hash: must match");
    expect(faults(1, { verdict: "good" })).toContain('line 2 at /verdict: must be one of ["pass",');
    expect(faults(1, { expected: [[{ event: "end", at: 5 }]] })).toContain(
      'line 2 at /expected/0/0: unknown field "at"',
    );
    expect(faults(1, { type: "pause" })).toContain('line 2 at /type: must be one of ["header",');
    expect(faults(1, JSON.parse(lines[0] ?? ""))).toContain("line 2: a header between the cases");
    expect(faults(-1, { counts: { pass: 1 } })).toContain(
      `line ${last} at /counts: must have required property 'fail'`,
    );
    expect(faults(-1, { contradictions: [{ kind: "works" }] })).toContain(
      `line ${last} at /contradictions/0: must have`,
    );
  });

  test("falls with a better word, a profile left out or twice, or another reason", async () => {
    const baseline = file("c3.baseline");
    writeFileSync(baseline, '{"entries":[{"pattern":"len32/cut","reason":"known since May"}]}');
    await run({ certificate: file("c3.json"), events: file("c3.events"), baseline });
    const claim = readCertificate(file("c3.json"));
    const faults = (change: object) =>
      verifyByEvents({ ...claim, ...change }, readFileSync(file("c3.events"))).join("\n");
    expect(faults({})).toBe("");
    const [len32, len64] = claim.profiles;
    if (len32 === undefined || len64 === undefined) throw new Error("two profiles were expected");
    expect(len32.word).toBe("not conformant");
    expect(faults({ profiles: [{ ...len32, word: "conformant" }, len64] })).toContain("the profile len32: ");
    expect(faults({ profiles: [{ ...len32, not_run: 1 }, len64] })).toContain("the profile len32: ");
    for (const profiles of [[], [len32], [len64, len32], [len32, len64, len64]]) {
      expect(faults({ profiles })).toContain("profiles: ");
    }
    expect(claim.known_failures).toEqual([{ id: "len32/cut", reason: "known since May" }]);
    expect(faults({ known_failures: [{ id: "len32/cut", reason: "harmless" }] })).toContain("known failures: ");
    expect(faults({ known_failures: [] })).toContain("known failures: ");
  });

  test("of a run that was cut short says so, as its events do", async () => {
    const crash: InProcessIut = {
      hello: honestHello,
      handle: (request) => {
        if (request.id?.startsWith("len32/")) throw new Error("segfault");
        return honest(request);
      },
    };
    const many = testCorpus(...Array.from({ length: 12 }, (_, i) => testCase(`len32/${i}`)));
    const way = { kind: "in-process", iut: crash } as const;
    await run({ way, corpus: many, certificate: file("c4.json"), events: file("c4.events") });
    const claim = readCertificate(file("c4.json"));
    expect(claim.profiles.map(({ not_run }) => not_run)).toEqual([3]);
    const events = readFileSync(file("c4.events"));
    expect(verifyByEvents(claim, events)).toEqual([]);
    const whole = { ...claim, profiles: claim.profiles.map((each) => ({ ...each, not_run: 0 })) };
    expect(verifyByEvents(whole, events).join()).toContain("the profile len32: ");
  });

  test("names the commits of implementation and harness where they are known, and the events bear that out", async () => {
    const iut = sampleIut("sample");
    const commit = "c0ffee5eed";
    const way = {
      kind: "in-process",
      iut: { ...iut, hello: { ...iut.hello, iut: { ...iut.hello.iut, commit } } },
    } as const;
    const said: string[] = [];
    await run({
      ...{
        way,
        certificate: file("c5.json"),
        events: file("c5.events"),
        json: file("c5.report"),
        html: file("c5.html"),
      },
      print: (text) => said.push(text),
    });
    const claim = readCertificate(file("c5.json"));
    expect(claim.iut).toMatchObject({ name: "sample", commit });
    expect(readReport(file("c5.report")).iut).toMatchObject({ commit });
    expect(readFileSync(file("c5.html"), "utf8")).toContain(`1 ${commit} (typescript)`);
    expect(said.join()).toContain(commit);
    const built = { ...claim, harness: { ...claim.harness, commit: "0".repeat(40) } };
    writeFileSync(file("c6.json"), JSON.stringify(built));
    expect(verifyByEvents(readCertificate(file("c6.json")), readFileSync(file("c5.events")))).toEqual([]);
    const other = { ...claim, harness: { ...claim.harness, version: "0.0.0" } };
    expect(verifyByEvents(other, readFileSync(file("c5.events"))).join()).toContain("harness");
  });

  test("is held to its schema", () => {
    writeFileSync(file("no.json"), '{"certificate":1}');
    expect(() => readCertificate(file("no.json"))).toThrow(CertificateError);
  });

  test("a replay of another run does not bear it out", async () => {
    const real = (seed: string, targets: ConformanceOptions) =>
      runConformance({
        way: { kind: "in-process", iut: sampleIut("real") },
        ...{ filter: "len32/hello", today: "2026-06-15", seed, log: () => {}, print: () => {}, ...targets },
      });
    await real("a", { certificate: file("r.json"), record: file("r.link") });
    await real("b", { record: file("other.link") });
    expect(await verifyByReplay(readCertificate(file("r.json")), file("r.link"))).toEqual([]);
    expect((await verifyByReplay(readCertificate(file("r.json")), file("other.link"))).join()).toContain("seed");
    // Four times over the whole corpus, on a machine that may be busy.
  }, 240_000);
});

test("a badge has the corpus and the date, says what failed, and escapes what it is told", async () => {
  await run({ certificate: file("b.json") });
  const claim = readCertificate(file("b.json"));
  const svg = badge({ ...claim, iut: { name: '"><script>', version: "1", language: "x" } });
  expect(svg).toContain("corpus 00000000 · 2026-06-15");
  expect(svg).toContain("not conformant");
  expect(svg).not.toContain("<script>");
  expect(badge({ ...claim, selection: { profiles: ["len32"], filter: null } })).toContain("(in part)");
});

test("only one report can go to stdout", () => {
  expect(machineReads({ json: "-" })).toBe(true);
  expect(machineReads({ json: "file" })).toBe(false);
  expect(() => machineReads({ json: "-", tap: "-" })).toThrow(UsageError);
});

test("what --json wrote can be read again, and nothing else", async () => {
  await run({ json: file("report.json") });
  expect(readReport(file("report.json"))).toMatchObject({ report: 1, summary: { exit: 1 } });
  writeFileSync(file("not.json"), '{"report":2}');
  expect(() => readReport(file("not.json"))).toThrow(ReportError);
});
