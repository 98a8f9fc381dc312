import { describe, expect, test } from "bun:test";
import { loadCorpus } from "../corpus/load.ts";
import type { Case } from "../corpus/types.ts";
import { DEFAULT_CORPUS, DEFAULT_SPEC } from "../options.ts";
import type { Event } from "../protocol.ts";
import { refusalsOf } from "./refusals.ts";
import { IMPORT_PROFILES, takeApart } from "./take-apart.ts";

const corpus = loadCorpus(DEFAULT_CORPUS);
/** Plain decode vectors whose limits are a length alone, without the large ones. */
const cases = [...corpus.cases((id) => !id.includes("#"))].filter(
  ({ role, limits, alternatives, profile }) =>
    role === "decode" &&
    alternatives === undefined &&
    Object.keys(limits).every((name) => name === "max_frame_length") &&
    IMPORT_PROFILES.includes(profile),
);

function bytesOf({ steps }: Case): Uint8Array | undefined {
  const parts: Uint8Array[] = [];
  for (const step of steps) {
    if ("feed" in step) parts.push(Uint8Array.fromHex(step.feed));
    else if ("feed_fill" in step && step.feed_fill.count < 1 << 16) {
      parts.push(new Uint8Array(step.feed_fill.count).fill(step.feed_fill.byte));
    } else if (!("eof" in step)) return undefined;
  }
  return Buffer.concat(parts);
}

/** What the messages give, in order, and the end where nothing was refused. */
function eventsOf(profile: string, bytes: Uint8Array, limit: bigint): Event[] | undefined {
  const apart = takeApart(profile, bytes, limit);
  if (apart === undefined || !apart.byHand) return undefined;
  const events: Event[] = [];
  let start = 0;
  for (const { length, gives, missing } of apart.messages) {
    if (gives?.event.event === "error") {
      return [...events, { ...gives.event, at: String(start + gives.at) }];
    }
    if (gives !== undefined) events.push(gives.event);
    start += length;
    if (missing !== undefined) return [...events, { event: "error", class: missing, at: String(start), fatal: true }];
  }
  return [...events, { event: "end" }];
}

describe("the harness's own reader", () => {
  test("says of every vector of the corpus that it can read what the vector says", () => {
    let read = 0;
    const profiles = new Set<string>();
    for (const about of cases) {
      const bytes = bytesOf(about);
      const limit = BigInt(about.limits.max_frame_length ?? 1 << 30);
      const events = bytes && eventsOf(about.profile, bytes, limit);
      if (events === undefined) continue;
      expect({ id: about.id, events }).toEqual({ id: about.id, events: about.expected.flat() });
      read++;
      profiles.add(about.profile);
    }
    expect(read).toBeGreaterThan(250);
    expect([...profiles].sort()).toEqual(
      [
        "grpc-lpm",
        "len32",
        "len56-tagged",
        "len64",
        "multipart",
        "multipart-typed",
        "pp-envelope",
        "pp-result",
        "tp",
      ].sort(),
    );
  });

  test("names the fields of every vector as the vector does", () => {
    let read = 0;
    for (const about of cases) {
      const bytes = bytesOf(about);
      // What stands behind a refusal, and what a layout does not know, bears no name here.
      if (bytes === undefined || about.expected.flat().some(({ event }) => event === "error")) continue;
      const apart = takeApart(about.profile, bytes, 1n << 62n);
      const fields: Parameters<typeof merged>[0][number][] = [];
      for (const { field, bytes } of (apart?.messages ?? []).flatMap(({ pieces }) => pieces)) {
        const start = fields.at(-1)?.end ?? 0;
        fields.push({ field, start, end: start + bytes.length });
      }
      const marks = about.marks.filter(({ start, end }) => end > start);
      expect({ id: about.id, fields: merged(fields) }).toEqual({ id: about.id, fields: merged(marks) });
      read++;
    }
    expect(read).toBeGreaterThan(300);
  });
});

/** A vector may have a field in several segments. */
function merged(fields: readonly { readonly field: string; readonly start: number; readonly end: number }[]) {
  const found: { field: string; start: number; end: number }[] = [];
  for (const { field, start, end } of fields) {
    const last = found.at(-1);
    if (last?.field === field && last.end === start) last.end = end;
    else found.push({ field, start, end });
  }
  return found;
}

describe("the table of rules by refusal", () => {
  const refusals = refusalsOf({ corpus: DEFAULT_CORPUS, spec: DEFAULT_SPEC });

  test("has the rule of each fault of a field, from the layouts", () => {
    expect(refusals.rulesOf("len64", "oversize.declared")).toEqual(["len64.limit.oversize"]);
    expect(refusals.rulesOf("grpc-lpm", "flags.reserved")).toEqual(["grpc.flag.reserved"]);
    expect(refusals.rulesOf("tp-session", "eof.in-header")).toEqual(["tp.header.cut"]);
  });

  test("has rules for every class that a vector of the profile is refused with, and they are rules of the corpus", () => {
    for (const { profile, expected } of cases) {
      const error = expected.flat().find((event) => event.event === "error");
      if (error?.event !== "error") continue;
      const rules = refusals.rulesOf(profile, error.class ?? "");
      expect([profile, error.class, rules.length > 0]).toEqual([profile, error.class, true]);
      expect(rules.filter((rule) => !corpus.rules.has(rule))).toEqual([]);
    }
  });

  test("has none where nothing is refused so", () => {
    expect(refusals.rulesOf("len64", "checksum")).toEqual([]);
    expect(refusals.rulesOf("nothing", "sequence")).toEqual([]);
  });

  test("tells refusals of one class apart by the words of a decoder", () => {
    const answer = ({ id, steps }: { readonly id: string; readonly steps: readonly object[] }) => ({
      op: "result" as const,
      seq: 0,
      steps: steps.map(() => [{ event: "error" as const, class: "sequence", at: "1", fatal: true, text: wordsOf(id) }]),
    });
    const wordsOf = (id: string) =>
      /control-epoch-(?:skipped|same|back|2-32|wraps)/.test(id) ? "control_epoch: 17 came" : "another: 3 came";
    const told = refusalsOf({ corpus: DEFAULT_CORPUS, spec: DEFAULT_SPEC, answer });
    expect(told.rulesOf("tp-session", "sequence", "control_epoch: 5 came")).toEqual(["tp-session.control-epoch.step"]);
    expect(told.rulesOf("tp-session", "sequence", "another: 5 came")).not.toContain("tp-session.control-epoch.step");
  });
});
