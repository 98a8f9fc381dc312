import { describe, expect, test } from "bun:test";
import { loadCorpus } from "./corpus/index.ts";
import { DEFAULT_CORPUS } from "./options.ts";
import { casesOf } from "./runner.ts";
import { type AnswerContext, checkMessage, readAnswer, readHello, ShapeError } from "./schema.ts";

const hello = {
  op: "hello",
  protocol: 1,
  token: "",
  iut: { name: "x", version: "1", language: "c" },
  profiles: { len64: { roles: ["decode", "encode"], max_frame_length: "1073741824" } },
  capabilities: ["wire"],
  error_granularity: "class",
};
const context: AnswerContext = { seq: 17, profile: "len64", steps: 1, granularity: "class" };
const result = (event: unknown, given: Partial<AnswerContext> = {}) =>
  readAnswer({ op: "result", seq: 17, steps: [event === undefined ? [] : [event]] }, { ...context, ...given });
const refusal = (run: () => unknown): ShapeError => {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(ShapeError);
    return error as ShapeError;
  }
  throw new Error("expected a ShapeError, none came");
};

describe("hello", () => {
  test("is taken as the contract has it", () => {
    expect(readHello(hello).profiles.len64?.roles).toEqual(["decode", "encode"]);
  });

  test.each<[string, object, string]>([
    ["an unknown field", { ...hello, commit: "abc" }, 'hello: unknown field "commit"'],
    ["another protocol", { ...hello, protocol: 2 }, "hello at /protocol: must be 1; it is 2"],
    [
      "a number for a limit",
      { ...hello, profiles: { len64: { roles: ["decode"], max_frame_length: 5 } } },
      "must be string; it is 5",
    ],
    ["no roles", { ...hello, profiles: { len64: {} } }, "must have required property 'roles'"],
    ["another granularity", { ...hello, error_granularity: "fine" }, "/error_granularity"],
    ["no token", { ...hello, token: undefined }, "must have required property 'token'"],
  ])("with %s is refused", (_, message, text) => {
    expect(refusal(() => readHello(message)).message).toContain(text);
  });
});

describe("an answer", () => {
  test.each<[string, object]>([
    ["message", { event: "message", value: { payload: "00ff" } }],
    ["digest", { event: "message", value: { payload: { length: 5000, sha256: "a".repeat(64) } } }],
    ["bytes", { event: "bytes", hex: "" }],
    ["end", { event: "end" }],
    ["error", { event: "error", class: "eof.in-body", at: "12", fatal: true, text: "cut off" }],
  ])("may hold a %s event", (_, event) => {
    expect(result(event).op).toBe("result");
  });

  test.each<[string, object, string]>([
    [
      "a number for an offset",
      { event: "error", class: "state", at: 5, fatal: true },
      "/steps/0/0/at: must be string; it is 5",
    ],
    ["upper-case hex", { event: "message", value: { payload: "FF" } }, "must match pattern"],
    ["half a byte", { event: "bytes", hex: "0" }, "must match pattern"],
    ["hex above 4,096 bytes", { event: "bytes", hex: "00".repeat(4097) }, "more than 8192"],
    ["a digest of 4,096 bytes", { event: "bytes", length: 4096, sha256: "a".repeat(64) }, "must be >= 4097"],
    ["a class of its own", { event: "error", class: "EOF", at: "5", fatal: true }, "/class"],
    ["an unknown field", { event: "end", at: "5" }, 'unknown field "at"'],
    ["an unknown event", { event: "started" }, "/event"],
    ["no payload", { event: "message", value: {} }, "must have required property 'payload'"],
  ])("with %s is refused", (_, event, text) => {
    expect(refusal(() => result(event)).message).toContain(text);
  });

  test("may be nested a thousand deep, and no deeper: it could not be written again", () => {
    const nested = (depth: number): unknown => JSON.parse(`${'{"a":'.repeat(depth)}0${"}".repeat(depth)}`);
    const answer = (depth: number) => () => result({ event: "message", value: nested(depth) }, { profile: "xcp" });
    expect(answer(1000)()).toBeObject();
    for (const depth of [1001, 50_000]) {
      expect(refusal(answer(depth)).message).toBe("result: a xcp message in step 0 is nested more than 1000 deep");
    }
    const { message } = refusal(() => result(nested(1001)));
    expect(message).toEndWith("it is nested more than 1000 deep");
    const op = nested(50_000);
    expect(refusal(() => readAnswer({ op, seq: 17 }, context)).inStep).toBe(true);
  });

  test("r[iut.answer.shape]: a tag below 0 is of the wrong shape, a wrong tag is not", () => {
    const tagged = (tag: unknown) =>
      result({ event: "message", value: { tag, payload: "" } }, { profile: "len56-tagged" });
    expect(refusal(() => tagged(-1)).message).toContain("must be >= 0");
    expect(refusal(() => tagged("1")).message).toContain("must be integer");
    expect(tagged(200).op).toBe("result");
  });

  test("r[iut.numbers.decimal]: 64-bit header fields are decimal strings", () => {
    const header = {
      call_id: "-9223372036854775808",
      chunk_index: "3",
      control_epoch: "7",
      cache_epoch: "1",
      action: "NOOP",
    };
    const tp = (change: object) =>
      result({ event: "message", value: { header: { ...header, ...change } } }, { profile: "tp" });
    expect(tp({}).op).toBe("result");
    expect(refusal(() => tp({ call_id: 7 })).message).toContain("must be string; it is 7");
    expect(refusal(() => tp({ call_id: "007" })).message).toContain("must match pattern");
  });

  test("r[iut.result.lists]: has one list of events for each step", () => {
    expect(refusal(() => result(undefined, { steps: 2 })).message).toBe(
      "result: one list of events for each of the 2 steps; it has 1",
    );
  });

  test("r[iut.answer.seq]: echoes the seq, and is in step only then", () => {
    const answer = (seq: unknown, more = {}) => readAnswer({ op: "declined", seq, reason: "step", ...more }, context);
    expect(answer(17).op).toBe("declined");
    expect(refusal(() => answer(18)).inStep).toBe(false);
    expect(refusal(() => answer(17, { why: "x" })).inStep).toBe(true);
  });

  test("r[iut.granularity.word]: has the word that hello promised", () => {
    const word = (name: string | undefined, granularity: "class" | "stage" | "none") =>
      result({ event: "error", ...(name === undefined ? {} : { class: name }), at: "1", fatal: true }, { granularity });
    expect(word("eof.in-body", "class").op).toBe("result");
    expect(word("eof", "stage").op).toBe("result");
    expect(word("state", "class").op).toBe("result");
    expect(word("state", "stage").op).toBe("result");
    expect(word(undefined, "none").op).toBe("result");
    expect(refusal(() => word("eof", "class")).message).toContain("a stage, no class");
    expect(refusal(() => word("eof.in-body", "stage")).message).toContain("a class, no stage");
    expect(refusal(() => word("eof.in-body", "none")).message).toContain('declared the granularity "none"');
    expect(refusal(() => word(undefined, "class")).message).toContain("has no class");
  });

  test("is nothing but result, declined or errored", () => {
    for (const message of [null, [], 5, "result", {}, { op: "case", seq: 17 }]) {
      expect(refusal(() => readAnswer(message, context)).message).toContain("the op of an answer");
    }
  });
});

test("what the harness sends fits its schemas: every case, of level 1 and of the probes", () => {
  let count = 0;
  for (const { id, profile, role, limits, steps, half = steps } of casesOf(loadCorpus(DEFAULT_CORPUS), () => true)) {
    checkMessage("case", { op: "case", seq: count++, id, profile, role, limits, steps });
    if (half !== steps) checkMessage("case", { op: "case", seq: count, id, profile, role, limits, steps: half });
  }
  expect(count).toBeGreaterThan(80_000);
  checkMessage("welcome", { op: "welcome", protocol: 1, corpus: `sha256:${"0".repeat(64)}`, run: "r", seed: "s" });
  checkMessage("bye", { op: "bye" });
}, 60_000);
