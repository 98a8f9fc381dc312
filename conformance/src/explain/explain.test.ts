import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { loadCorpus } from "../corpus/index.ts";
import { DEFAULT_CORPUS, DEFAULT_SPEC } from "../options.ts";
import { paint } from "../report/paint.ts";
import { idFilter } from "../selection.ts";
import { explain, explainText, nearest } from "./explain.ts";
import { meaningText } from "./lines.ts";
import { listCorpus, sweepOf } from "./list.ts";
import { readRules } from "./rules.ts";
import { describeWireStep } from "./wire-steps.ts";

// Over the whole corpus, on a machine that may be busy.
setDefaultTimeout(60_000);

const corpus = loadCorpus(DEFAULT_CORPUS);
const sources = { corpus, vectors: DEFAULT_CORPUS, spec: DEFAULT_SPEC };
const text = (id: string, more = {}) => {
  const explanation = explain(id, { ...sources, ...more });
  return explanation && explainText(explanation, paint(false));
};

describe("explaining", () => {
  test("a vector: its rules in words, its bytes, its events, its sweeps, who stands beside it, what it would have caught", () => {
    const page = text("len64/hello");
    expect(page).toContain("r[len64.prefix.layout]  framing.md:");
    expect(page).toContain("The prefix MUST be 8 bytes");
    expect(page).toContain("00 00 00 00 00 00 00 05  68 65 6c 6c 6f");
    expect(page).toContain('message {"payload":"68656c6c6f"}');
    expect(page).toMatch(/cases +\d+: itself, .*cut 12/);
    expect(page).toMatch(/sibling of +len64\/end-one-byte/);
    expect(page).toContain("vectordotdev/vector#26169");
    expect(page).toMatch(/digest +sha256:[0-9a-f]{64}, since 0\.1\n/);
  });

  test("a case: its own cuts and rules", () => {
    const page = text("len64/hello#cut=3");
    expect(page).toContain("00 00 00|00 00 00 00 05");
    expect(page).toContain("r[len64.boundary.chunking]");
    expect(page).not.toContain("itself,");
  });

  test("names the mutants that die by its rules, and nothing that lived", () => {
    const mutant = (id: string, fate: string, first: string | null) => ({ id, fate, first, why: "w", rules: [] });
    const page = text("len64/hello", {
      mutants: [
        mutant("len64/early", "killed", "len64/hello#cut=3"),
        mutant("len64/other", "killed", "len64/two"),
        mutant("len64/alive", "survived", null),
      ],
    });
    expect(page).toContain("len64/early");
    expect(page).not.toContain("len64/other");
    expect(page).not.toContain("len64/alive");
  });

  test("a vector's probes, and a case of one: its own steps in words and what it requires", () => {
    expect(text("len64/hello")).toMatch(/probes +.*poison \d+, cancel \d+/);
    const page = text("len64/hello#poison");
    expect(page).toMatch(/requires +poison/);
    expect(page).toContain("r[iut.probe.poison.recall]");
    expect(page).toContain("all chunks and messages once more");
    expect(text("len64/encode-hello#quota=3")).toContain("the sink takes 3 bytes, then none");
  });

  test("a case of the probe beside: two connections, one behind the other, and whose each step is", () => {
    const about = text("len32/hello#beside=one-byte,prefix=3+1");
    expect(about).toContain("Bytes: 14, a | where a read ends, 2 connections one behind the other");
    expect(about).toContain("00 00 00|05 68 65 6c 6c  6f|00|00 00 01 a7");
    expect(about).toMatch(/2 +connection 1 from here on/);
  });

  test("a scenario of ranks: who they are, and each of its steps in words", () => {
    const page = text("wire/pp-session/stage-worker-reset-at-work");
    expect(page).toContain("c  rank 2, to the implementation as tp-leader, which dials, group g");
    expect(page).toContain("a  rank 0, to the implementation as pp-stage, which listens, group g");
    expect(page).toContain("sends an error result of call 1");
    expect(page).toContain("sends SHUTDOWN and ends its direction, or resets");
    expect(page).toContain(
      "c  the connection is over for the implementation, which says that the rank is lost with call 1",
    );
    expect(text("wire/pp-session/driver-stale")).toContain("that it dropped a result of call 1 as stale");
    const hello = text("wire/tp-session/hello-worker-plan");
    expect(hello).toMatch(/upstream +OM-04/);
    expect(hello).toContain("with a handshake as TP_WORKER 1 of demo");
    expect(text("wire/tp-session/leader-kwargs-2-53")).toMatch(/asked to broadcast .* says error header.field at 0/);
  });

  test("knows what someone may have meant", () => {
    expect(text("len64/helo")).toBeUndefined();
    expect(nearest("len64/helo", corpus)[0]).toBe("len64/hello");
    expect(nearest("wire/tp/spilt", corpus)[0]).toBe("wire/tp/split");
    expect(nearest("zzz", corpus)).toEqual([]);
  });
});

describe("explaining a scenario", () => {
  test("of cases: why, rules, who opens, and what it plays", () => {
    const page = text("wire/tp/split");
    expect(page).toContain("Header, manifest and tensors may come in any pieces.");
    expect(page).toContain("r[tp.boundary.chunking]  tp-control.md:");
    expect(page).toContain("the harness, which dials");
    expect(page).toMatch(/digest +sha256:[0-9a-f]{64}, since 0\.1\n/);
    expect(page).toMatch(/Plays \d+ cases\n {2}wire\/tp\/split\/noop#cut=1 {2}tp\/noop#cut=1/);
  });

  test("one case that it plays: the steps of that case, with the rules of both", () => {
    const page = text("wire/tp/split/infer#cut=3");
    expect(page).toMatch(/scenario +wire\/tp\/split\n/);
    expect(page).toContain("Plays tp/infer#cut=3");
    expect(page).toContain("read of 3 bytes");
    expect(page).toContain("r[iut.wire.sync]");
  });

  test("cases side by side, and one of them", () => {
    expect(text("wire/tp/two-connections")).toContain("tp/infer-tensor#chunk=1 beside tp/mixed#chunk=1");
    const page = text("wire/tp/two-connections/1");
    expect(page).toContain("Plays tp/infer-tensor#chunk=1");
    expect(page).toContain("Plays tp/mixed#chunk=1");
  });

  test("of steps: each in words, and none in the letters of its file", () => {
    const seen = (corpus.wire ?? []).flatMap(({ scenarios }) =>
      scenarios.flatMap((scenario) => ("connections" in scenario ? [text(scenario.id)!.split("Steps\n")[1]!] : [])),
    );
    expect(seen.length).toBeGreaterThan(10);
    const all = seen.join("");
    expect(all).not.toContain('{"conn"');
    for (const words of [
      "the harness writes 3 bytes",
      "1 byte at a time, with a barrier between",
      "stops reading",
      "sees a reset",
      "is asked to take nothing",
    ]) {
      expect(all).toContain(words);
    }
  });

  test("knows every scenario and every case that one plays, and nothing else", () => {
    for (const { scenarios } of corpus.wire ?? []) for (const { id } of scenarios) expect(text(id)).toBeString();
    expect(text("wire/tp/split/infer#cut=9999")).toBeUndefined();
    expect(text("wire/tp/none")).toBeUndefined();
  });
});

describe("a step of a scenario that has no words yet", () => {
  test("is shown as it is written", () => {
    expect(describeWireStep({ conn: "a", vanish: true })).toBe('a  {"conn":"a","vanish":true}');
    expect(describeWireStep({ vanish: true })).toBe('{"vanish":true}');
  });
});

describe("listing", () => {
  test("counts every case once, by vector and by sweep", () => {
    const listing = listCorpus(corpus, idFilter("len32/*"));
    let cases = 0;
    for (const _ of corpus.cases((id) => id.startsWith("len32/"))) cases++;
    expect(listing.totals.cases).toBe(cases);
    const hello = listing.vectors.find(({ id }) => id === "len32/hello");
    expect(hello).toMatchObject({ family: "frames", profile: "len32", role: "decode" });
    expect(hello).toMatchObject({ digest: expect.stringMatching(/^[0-9a-f]{64}$/), changed: "0.1" });
    expect(1 + Object.values(hello?.sweeps ?? {}).reduce((sum, count) => sum + count, 0)).toBe(hello?.cases ?? 0);
    expect(hello?.probes).toMatchObject({ poison: expect.any(Number), cancel: expect.any(Number) });
    expect(listing.totals.probes).toBe([...corpus.probes!((id) => id.startsWith("len32/"))].length);
    expect(listing.scenarios).toEqual([]);
    expect(listing.rules.find(({ id }) => id === "len32.prefix.layout")?.cases).toBeGreaterThan(0);
  });

  test("has each scenario with what it plays", () => {
    const { scenarios, totals } = listCorpus(corpus, idFilter("wire/tp/*"));
    const files = corpus.wire!.filter(({ profile }) => profile === "tp");
    expect(scenarios.length).toBe(files.flatMap((file) => file.scenarios).length);
    expect(scenarios.find(({ id }) => id === "wire/tp/split")?.items).toBeGreaterThan(90);
    expect(totals).toMatchObject({ vectors: 0, cases: 0, probes: 0, scenarios: scenarios.length });
  });

  test("takes the sweep from a case's id", () => {
    expect(sweepOf("len64/hello")).toBeUndefined();
    expect(sweepOf("len64/hello#prefix@0=1+7")).toBe("prefix");
    expect(sweepOf("len64/hello#again")).toBe("again");
  });
});

test("every rule that the corpus names is stated in the specification", () => {
  const rules = readRules(DEFAULT_SPEC);
  expect([...corpus.rules].filter((id) => !rules.has(id))).toEqual([]);
  expect(rules.get("len32.prefix.layout")?.text).toMatch(/^The prefix MUST be 4 bytes/);
});

test("what an id means tells of the version that changed it, and why", () => {
  const meaning = { digest: "ab", since: "0.1", changed: "0.2", reason: "It may end otherwise." };
  expect(meaningText(meaning)).toBe("sha256:ab, since 0.1, changed in 0.2: It may end otherwise.");
});
