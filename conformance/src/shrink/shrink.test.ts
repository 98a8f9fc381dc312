import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import vectorFile from "../../../vectors/schema/vector-file.schema.json";
import { honest, honestHello } from "../../liars/honest.ts";
import { challenges } from "../challenge/cases.ts";
import { loadCorpus, readCorpusFiles } from "../corpus/index.ts";
import { answer, type Bug } from "../corpus/naive-decoder.ts";
import type { Case } from "../corpus/types.ts";
import type { FileVector } from "../corpus/vector-file.ts";
import { CaseDeadline } from "../deadlines.ts";
import { judge } from "../judge.ts";
import type { InProcessIut } from "../link/in-process.ts";
import { DEFAULT_CORPUS } from "../options.ts";
import type { Event } from "../protocol.ts";
import { runConformance, runInProcess } from "../run.ts";
import { message, testCase, testCorpus } from "../testing.ts";
import { failuresToShrink, KINDS } from "./kinds.ts";
import { Prober } from "./prober.ts";
import { caseOf as caseOfScenario, play, takeApart } from "./scenario.ts";
import { type Shrunk, shrink } from "./shrink.ts";
import { corpusWith } from "./testing.ts";
import { casesOf } from "./vector.ts";

// A bound on a hang, not on time.
setDefaultTimeout(120_000);

const corpus = loadCorpus(DEFAULT_CORPUS);
const profiles = new Map(readCorpusFiles(DEFAULT_CORPUS).profiles.map((profile) => [profile.profile, profile]));
const len32 = profiles.get("len32")!;

const caseOf = (id: string): Case => {
  const [found] = corpus.cases((other) => other === id);
  if (found === undefined) throw new Error(`no case is named ${id}`);
  return found;
};

const buggy = (bug: Bug): InProcessIut => ({
  hello: honestHello,
  handle: (request) =>
    request.op === "case" && !request.id.startsWith("link-check")
      ? { op: "result", seq: request.seq, steps: answer(request as never, bug) }
      : honest(request),
});

const proberOf = (iut: InProcessIut, ms = 5000) =>
  new Prober({
    way: { kind: "in-process", iut },
    welcome: { op: "welcome", protocol: 1, corpus: corpus.hash, run: "r", seed: "s" },
    startDeadline: 5000,
    deadline: CaseDeadline.fixed(ms),
    log: () => {},
  });

async function shrunk(about: Case, bug: Bug) {
  const actual = answer(about, bug);
  const difference = judge(about.expected, actual, "class");
  if (difference === null) throw new Error(`${about.id} does not show ${bug}`);
  const { id, profile } = about;
  return made(
    await shrink({ id, profile, verdict: "fail", case: about, actual, difference }, len32, proberOf(buggy(bug))),
  );
}

function made(shrunk: Shrunk | string): Shrunk {
  if (typeof shrunk === "string") throw new Error(shrunk);
  return shrunk;
}

test("one that is silent when it is asked alone is left as it is, and not said to be right", async () => {
  const mute: InProcessIut = { hello: honestHello, handle: () => new Promise<never>(() => {}) };
  const about = caseOf("len32/hello");
  const outcome = { id: about.id, profile: "len32", verdict: "fail", case: about, actual: [] } as const;
  expect(await shrink(outcome, len32, proberOf(mute, 20))).toBe(
    "len32/hello is left as it is: it was not answered in time when it was asked alone",
  );
});

const sizeOf = (vector: FileVector | undefined) =>
  vector?.role === "decode" ? vector.bytes.reduce((sum, { hex = "" }) => sum + hex.length / 2, 0) : Number.NaN;

describe("taking a case apart", () => {
  for (const profile of ["len32", "len56-tagged", "grpc-lpm", "multipart", "tp"]) {
    test(`${profile}: playing it again gives the expectation that the corpus derived`, () => {
      let taken = 0;
      let all = 0;
      for (const about of corpus.cases((id) => id.startsWith(`${profile}/`) && !/large|slow/.test(id))) {
        if (about.role !== "decode" || about.alternatives !== undefined) continue;
        all++;
        const scenario = takeApart(about, profiles.get(profile)!);
        if (scenario === undefined) continue;
        taken++;
        expect(play(scenario).expected).toEqual(about.expected as Event[][]);
      }
      expect(taken / all).toBeGreaterThan(0.9);
    });
  }
});

describe("shrinking", () => {
  test("leaves of a long row the two reads that matter and the shortest payload", async () => {
    const found = await shrunk(caseOf("len32/two#cuts=5,6"), "three-pieces");
    expect(found.fails).toMatch(/^len32\/shrunk-[0-9a-f]{8}#cuts=5,6$/);
    expect(sizeOf(found.vector)).toBe(11);
  });

  test("drops glued vectors that have nothing to do with it", async () => {
    const found = await shrunk(caseOf(`len32/${firstGlued()}#glue=all`), "one-frame-per-read");
    expect(found.smallest.steps).toHaveLength(2);
    expect(sizeOf(found.vector)).toBeLessThanOrEqual(10);
  });

  test("lowers limits, and a refused length to one above them", async () => {
    const found = await shrunk(caseOf("len32/limit-over-second"), "drops-before-error");
    expect(found.vector?.limits).toEqual({ max_frame_length: "1" });
    expect(JSON.stringify(found.vector)).toContain('"field":"length","hex":"00000002"');
  });

  test("gives a vector of the corpus' own shape: it fails there, and a right decoder passes all of it", async () => {
    const validate = new Ajv2020({ strict: true, strictRequired: false }).compile(vectorFile);
    for (const [id, bug] of [
      ["len32/hello#cuts=5,6", "three-pieces"],
      ["len32/hello#eof=3", "eof-in-prefix-clean"],
      ["len32/hello#empty=2", "empty-read-is-eof"],
      ["len32/hello#reset=2", "state-survives-reset"],
      ["len32/two#chunk=3", "partial-prefix-dropped"],
    ] as const) {
      const { vector, fails } = await shrunk(caseOf(id), bug);
      expect([id, typeof fails]).toEqual([id, "string"]);
      validate({ family: "shrunk", profile: "len32", about: "Failures made small.", vectors: [vector] });
      expect(validate.errors ?? []).toEqual([]);
      for (const about of casesOf(vector!, len32)) {
        expect(judge(about.expected, answer(about), "class")).toBeNull();
      }
    }
  });

  test("is deterministic", async () => {
    const once = await shrunk(caseOf("len32/two#chunk=3"), "partial-prefix-dropped");
    const again = await shrunk(caseOf("len32/two#chunk=3"), "partial-prefix-dropped");
    expect(once).toEqual(again);
  });

  test("shortens what an encoder is asked for, with the prefix that goes with it", async () => {
    const about = testCase("len32/encode-long", {
      role: "encode",
      steps: [{ encode: { payload: "61".repeat(40) } }, { encode: { payload: "62" } }],
      expected: [[{ event: "bytes", hex: `00000028${"61".repeat(40)}` }], [{ event: "bytes", hex: "0000000162" }]],
    });
    const iut: InProcessIut = {
      hello: honestHello,
      // Forgets the last byte of a payload of two or more.
      handle: ({ seq, steps }) => ({
        op: "result",
        seq,
        steps: steps.map((step) => {
          const { payload } = ("encode" in step ? step.encode : {}) as { payload: string };
          const size = payload.length / 2;
          const hex = size < 2 ? payload : payload.slice(0, -2);
          return [{ event: "bytes", hex: size.toString(16).padStart(8, "0") + hex }];
        }),
      }),
    };
    const given = await iut.handle({ ...about, op: "case", seq: 0 });
    const actual = given.op === "result" ? given.steps : [];
    const difference = judge(about.expected, actual, "class")!;
    const outcome = { id: about.id, profile: "len32", verdict: "fail", case: about, actual, difference } as const;
    const found = made(await shrink(outcome, len32, proberOf(iut)));
    expect(found.vector).toMatchObject({
      role: "encode",
      value: { payload: "6161" },
      bytes: [{ hex: "00000002" }, { hex: "6161" }],
    });
  });

  test("an answer that an alternative allows is no failure: what gets that small is too small", async () => {
    const steps = [..."0000000568"].flatMap((_, i, all) => (i % 2 === 0 ? [{ feed: `${all[i]}${all[i + 1]}` }] : []));
    const reads = [...steps, { feed: "656c6c6f" }, { eof: true } as const];
    const refusal = { event: "error", class: "oversize.declared", at: "4", fatal: true } as const;
    const about = testCase("len32/choice", {
      steps: reads,
      expected: reads.map((_, i) => (i === 5 ? [message("68656c6c6f")] : i === 6 ? [{ event: "end" }] : [])),
      alternatives: [{ reason: "It may be refused too.", expected: reads.map((_, i) => (i === 3 ? [refusal] : [])) }],
    });
    // Refuses, as it may; in three reads and more it says nothing at all.
    const iut: InProcessIut = {
      hello: honestHello,
      handle: ({ seq, steps: asked }) => {
        const fed = asked.map((step) => ("feed" in step ? step.feed.length / 2 : 0));
        const many = fed.filter((size) => size > 0).length >= 3;
        let at = 0;
        return {
          op: "result",
          seq,
          steps: fed.map((size) => {
            const before = at;
            at += size;
            return !many && before < 4 && at >= 4 ? [refusal] : [];
          }),
        };
      },
    };
    const given = await iut.handle({ ...about, op: "case", seq: 0 });
    const actual = given.op === "result" ? given.steps : [];
    const difference = judge(about.expected, actual, "class")!;
    const outcome = { id: about.id, profile: "len32", verdict: "fail", case: about, actual, difference } as const;
    const found = made(await shrink(outcome, len32, proberOf(iut)));
    expect(found.smallest.steps).toHaveLength(4);
    expect(found.smallest.alternatives).toHaveLength(1);
    expect(found.vector).toMatchObject({
      at_eof: "end",
      alternatives: [
        { reason: "It may be refused too.", events: [{ at: 4, event: "error", class: "oversize.declared" }] },
      ],
    });
  });

  test("fresh cases can be taken apart; of a session those alone whose every message is told", () => {
    const kept = new Map<string, { all: number; taken: number }>();
    for (const about of challenges("shrink")) {
      if (about.role !== "decode") continue;
      const count = kept.get(about.profile) ?? { all: 0, taken: 0 };
      const taken = takeApart(about, profiles.get(about.profile)!) === undefined ? 0 : 1;
      kept.set(about.profile, { all: count.all + 1, taken: count.taken + taken });
    }
    for (const [profile, { all, taken }] of kept) {
      expect([profile, taken / all > (profile.endsWith("-session") ? 0.5 : 0.9)]).toEqual([profile, true]);
    }
  });

  test("vectors of the corpus with alternatives can be taken apart", () => {
    let all = 0;
    let taken = 0;
    for (const about of corpus.cases((id) => id.startsWith("tp/") || id.startsWith("pp-envelope/"))) {
      if (about.alternatives === undefined) continue;
      all++;
      const scenario = takeApart(about, profiles.get(about.profile)!);
      if (scenario === undefined) continue;
      taken++;
      expect(caseOfScenario(scenario).alternatives).toEqual(about.alternatives as never);
    }
    expect(taken / all).toBeGreaterThan(0.9);
  });

  test("takes one failure of each kind, the lightest", () => {
    const outcome = (about: Case, bug: Bug) => {
      const actual = answer(about, bug);
      const difference = judge(about.expected, actual, "class");
      return {
        id: about.id,
        profile: "len32",
        verdict: "fail",
        case: about,
        actual,
        ...(difference && { difference }),
      };
    };
    const heavy = outcome(caseOf("len32/two#eof=2"), "eof-in-prefix-clean");
    const light = outcome(caseOf("len32/hello#eof=1"), "eof-in-prefix-clean");
    expect(failuresToShrink([heavy, light] as never)).toEqual({ chosen: [[light, heavy]], left: [] } as never);
  });
});

test("what cannot be made smaller is said: frames of the link check, contradictions, known failures, too many kinds", () => {
  const about = caseOf("len32/hello");
  const kinds = Array.from({ length: KINDS + 2 }, (_, i) => ({ ...about, profile: `p${i}` }));
  const { chosen, left } = failuresToShrink([
    { id: "link-check/len32/frame", profile: "len32", verdict: "fail", case: about },
    { id: "tp/version-2-cut#choice", profile: "tp", verdict: "fail", text: "one stream" },
    { id: "len32/hello", profile: "len32", verdict: "known-fail", case: about },
    { id: "len32/hello", profile: "len32", verdict: "adapter error", case: about },
    ...kinds.map((one) => ({ id: one.id, profile: one.profile, verdict: "crash", case: one }) as const),
  ]);
  expect(chosen).toHaveLength(KINDS);
  expect(left).toEqual([
    "link-check/len32/frame is left as it is: the link check asks for single frames, and is no vector",
    "tp/version-2-cut#choice is left as it is: its cases are right one by one, and contradict each other: the report names them",
    "2 more kinds of failure are left as they are: a run makes 20 small. Narrow it with --filter",
    "1 of the failures that the baseline knows are left as they are",
    "1 adapter errors are left as they are: they are of the adapter, whatever the case",
  ]);
});

test("--shrink writes the files, and says what it did", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
  const said: string[] = [];
  await runConformance({
    way: { kind: "in-process", iut: buggy("three-pieces") },
    corpus: testCorpus(caseOf("len32/two#cuts=5,6")),
    shrink: folder,
    log: (line) => said.push(line),
    print: () => {},
  });
  const file = JSON.parse(readFileSync(join(folder, "len32", "shrunk.json"), "utf8"));
  expect(file).toMatchObject({ family: "shrunk", profile: "len32" });
  expect(said.join("\n")).toContain(`shrunk len32/two#cuts=5,6 (19 bytes in 4 steps) to`);
});

function firstGlued(): string {
  for (const { id } of corpus.cases((other) => /^len32\/[^#]+#glue=all$/.test(other))) {
    return id.slice("len32/".length, id.indexOf("#"));
  }
  throw new Error("no row of all vectors");
}

test("the corpus loads with a refusal that was made small, and with the sibling that it needs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
  await runConformance({
    way: { kind: "in-process", iut: buggy("drops-before-error") },
    corpus: testCorpus(caseOf("len32/limit-over-second")),
    shrink: folder,
    log: () => {},
    print: () => {},
  });
  const { vectors } = JSON.parse(readFileSync(join(folder, "len32", "shrunk.json"), "utf8"));
  expect(vectors).toHaveLength(2);
  const root = corpusWith(folder, "len32");
  const { report } = await runInProcess(buggy("drops-before-error"), { corpus: root, filter: `${vectors[0].id}*` });
  expect(report.outcomes.some(({ verdict }) => verdict === "fail")).toBe(true);
  const honestly = await runInProcess(
    { hello: honestHello, handle: honest },
    { corpus: root, filter: "len32/shrunk-*" },
  );
  expect(honestly.exitCode).toBe(0);
});

test("a challenge, which is no vector, shrinks to one whose sibling is a vector", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tensorwire-"));
  const challenge = {
    ...caseOf("len32/hello#eof=3"),
    id: "challenge/len32/ended-1",
    vector: "challenge/len32/ended-1",
  };
  await runConformance({
    way: { kind: "in-process", iut: buggy("eof-in-prefix-clean") },
    corpus: testCorpus(challenge),
    shrink: folder,
    log: () => {},
    print: () => {},
  });
  const { vectors } = JSON.parse(readFileSync(join(folder, "len32", "shrunk.json"), "utf8"));
  const [vector] = vectors;
  const { sibling } = vector;
  const accepts = vectors.find(({ id }: FileVector) => id === sibling) ?? corpusVector(sibling);
  expect(accepts).toMatchObject({ at_eof: "end", limits: vector.limits });
});

const corpusVector = (id: string) =>
  readCorpusFiles(DEFAULT_CORPUS)
    .families.flatMap(({ family }) => family.vectors)
    .find((vector) => vector.id === id);
