import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { loadCorpus } from "../corpus/index.ts";
import type { Case } from "../corpus/types.ts";
import { DEFAULT_CORPUS } from "../options.ts";
import { type Event, PROBES } from "../protocol.ts";
import { checkMessage } from "../schema.ts";

// Over the whole corpus, on a machine that may be busy.
setDefaultTimeout(60_000);

const corpus = loadCorpus(DEFAULT_CORPUS);
const select = (filter: (id: string) => boolean): Case[] => [...(corpus.probes?.(filter) ?? [])];
const cases = select((id) => id.startsWith("len32/"));
const byId = new Map(cases.map((about) => [about.id, about]));

/** Each step with what it must give. */
function rows(id: string): unknown[] {
  const about = byId.get(id);
  return about?.steps.map((step, i) => [step, ...(about.expected[i] ?? [])]) ?? [];
}

const hello: Event = { event: "message", value: { payload: "68656c6c6f" } };
const end: Event = { event: "end" };
const bytes = (hex: string): Event => ({ event: "bytes", hex });
const expired = (at: number): Event => ({ event: "expired", at: String(at) });

describe("the cases of a probe, from vectors that say nothing of it", () => {
  test("poison: the chunks and the messages once more", () => {
    expect(rows("len32/hello#poison")).toEqual([
      [{ poison: true }],
      [{ feed: "0000000568656c6c6f" }, hello],
      [{ eof: true }, end],
      [{ recall: true }, bytes("0000000568656c6c6f"), hello],
    ]);
  });

  test("poison: nothing is fed after an error", () => {
    const { steps, expected } = byId.get("len32/limit-over-second#poison=chunk=1") as Case;
    const refused = expected.findIndex((events) => events.some(({ event }) => event === "error"));
    expect(refused).toBe(steps.findLastIndex((step) => "feed" in step));
  });

  test("quota: what the sink takes, until it has it all and once more", () => {
    expect(rows("len32/encode-hello#quota=4")).toEqual([
      [{ quota: 4 }],
      [{ encode: { payload: "68656c6c6f" } }, bytes("00000005")],
      [{ drain: true }, bytes("68656c6c")],
      [{ drain: true }, bytes("6f")],
      [{ drain: true }],
    ]);
  });

  test("cancel: once after a byte", () => {
    expect(rows("len32/hello#cancel=3")).toEqual([
      [{ cancel: true }],
      [{ feed: "000000" }],
      [{ cancel: true }],
      [{ feed: "0568656c6c6f" }, hello],
      [{ eof: true }, end],
    ]);
  });

  test("clock: the deadline passes at its moment, and nothing follows", () => {
    expect(rows("len32/hello#clock=3")).toEqual([
      [{ deadline: 1000 }],
      [{ feed: "000000" }],
      [{ advance: 999 }],
      [{ advance: 1 }, expired(3)],
      [{ feed: "0568656c6c6f" }],
      [{ eof: true }],
    ]);
  });

  test("clock: the time before the last byte adds up to one millisecond less than the deadline", () => {
    const { steps, expected } = byId.get("len32/hello#clock=in-time") as Case;
    const waits = steps.map((step) => ("advance" in step ? step.advance : 0));
    expect(waits.reduce((sum, ms) => sum + ms, 0)).toBe(999);
    expect(expected.flat()).toEqual([hello, end]);
  });

  test("clock: a write is given up at its deadline", () => {
    expect(rows("len32/encode-hello#clock=write,6")).toEqual([
      [{ deadline: 1000 }],
      [{ quota: 6 }],
      [{ encode: { payload: "68656c6c6f" } }, bytes("000000056865")],
      [{ advance: 999 }],
      [{ advance: 1 }, expired(6)],
      [{ drain: true }],
    ]);
  });

  test("memory: a promise, and what may be held after it", () => {
    const id = [...byId.keys()].find((each) => each.endsWith("#memory=4294967295")) as string;
    expect(byId.get(id)?.limits).toEqual({ max_frame_length: "4294967295" });
    expect(rows(id)).toEqual([
      [{ memory: true }, { event: "memory", held: "1048576" }],
      [{ feed: "ffffffff" }],
      [{ memory: true }, { event: "memory", held: "1048592" }],
      [{ feed_fill: { byte: 171, count: 5000 } }],
      [{ memory: true }, { event: "memory", held: "1068592" }],
      [{ eof: true }, { event: "error", class: "eof.in-body", at: "5004", fatal: true }],
    ]);
  });
});

describe("beside: two connections that are open at once", () => {
  test("are in the middle of a prefix at the same time", () => {
    expect(rows("len32/hello#beside=one-byte,prefix=3+1")).toEqual([
      [{ on: 0 }],
      [{ feed: "000000" }],
      [{ on: 1 }],
      [{ feed: "00" }],
      [{ on: 0 }],
      [{ feed: "0568656c6c6f" }, hello],
      [{ eof: true }, end],
      [{ on: 1 }],
      [{ feed: "000001a7" }, { event: "message", value: { payload: "a7" } }],
      [{ eof: true }, end],
    ]);
  });

  test("are read a byte in turn, until each is over", () => {
    const { steps } = byId.get("len32/hello#beside=one-byte") as Case;
    const turns = steps.flatMap((step) => ("on" in step ? [step.on] : []));
    expect(turns).toEqual([0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0]);
  });

  test("one fails while the other is in the middle of a message, which goes on", () => {
    const refused: Event = { event: "error", class: "oversize.declared", at: "4", fatal: true };
    const { steps, expected } = byId.get("len32/length-2-16#beside=hello,fails") as Case;
    expect(steps.flatMap((step, i) => ("on" in step ? [[step.on, expected[i]]] : []))).toEqual([
      [0, []],
      [1, []],
      [0, []],
    ]);
    expect(expected.flat().filter(({ event }) => event === "error")).toEqual([refused]);
    expect(expected.flat().slice(-2)).toEqual([hello, end]);
  });

  test("have their marks one behind the other", () => {
    const { marks } = byId.get("len32/hello#beside=one-byte,reset") as Case;
    expect(marks.map(({ field, start, end }) => `${field} ${start}-${end}`)).toEqual([
      ...["length 0-4", "payload 4-9"],
      ...["length 9-10", "length 10-14", "payload 14-15"],
    ]);
  });

  test("stand in every profile of receivers and of messages, and the cases stay few", () => {
    const all = select((id) => id.includes("#beside="));
    expect(new Set(all.map(({ profile }) => profile)).size).toBe(11);
    expect(all.length).toBeLessThan(2000);
    for (const { steps } of all) expect(steps.length).toBeLessThan(1500);
  });
});

describe("all cases of all probes", () => {
  test("r[iut.probe.first]: begin with a step of their probe, and require it", () => {
    const firsts = new Map(PROBES.map((probe) => [probe, new Set<string>()]));
    for (const { requires = [], steps, id } of cases) {
      expect(id).toContain(`#${requires[0]}`);
      firsts.get(requires[0] as (typeof PROBES)[number])?.add(Object.keys(steps[0] ?? {})[0] ?? "");
    }
    expect(Object.fromEntries([...firsts].map(([probe, kinds]) => [probe, [...kinds]]))).toEqual({
      poison: ["poison"],
      quota: ["quota"],
      cancel: ["cancel"],
      clock: ["deadline"],
      memory: ["memory"],
      beside: ["on"],
    });
  });

  test("fit the schema of a request, have one list for each step, and an id of their own", () => {
    for (const { id, profile, role, limits, steps, expected } of cases) {
      checkMessage("case", { op: "case", seq: 0, id, profile, role, limits, steps });
      expect(expected).toHaveLength(steps.length);
    }
    expect(byId.size).toBe(cases.length);
  });

  test("r[iut.probe.quota.same]: the sink is given the bytes of the vector, no more than it takes at a time", () => {
    const alone = cases.filter(
      ({ id, steps }) => /#quota=\d+$/.test(id) && (steps[0] as { quota: number }).quota <= 4096,
    );
    for (const { id, steps, expected } of alone) {
      const quota = (steps[0] as { quota: number }).quota;
      const sizes = expected.flat().map((event) => (event as { hex?: string }).hex?.length ?? 0);
      expect([id, Math.max(...sizes) <= 2 * quota]).toEqual([id, true]);
    }
    expect(alone.length).toBeGreaterThan(50);
  });

  test("every profile has some of the probes that its roles allow", () => {
    const seen = new Map<string, Set<string>>();
    for (const { profile, requires = [] } of select(() => true)) {
      seen.set(profile, (seen.get(profile) ?? new Set()).add(requires[0] ?? ""));
    }
    const full = [...PROBES].sort();
    for (const profile of ["len32", "len64", "len56-tagged", "grpc-lpm", "multipart", "multipart-typed"]) {
      expect([profile, [...(seen.get(profile) ?? [])].sort()]).toEqual([profile, full]);
    }
    for (const profile of ["tp", "pp-envelope", "pp-result"]) {
      expect([profile, [...(seen.get(profile) ?? [])].sort()]).toEqual([profile, full]);
    }
  });
});
