import { describe, expect, test } from "bun:test";
import type { Answer, CaseRequest } from "@tensorwire/conformance/protocol";
import { answer } from "../answer.ts";

const ask = (given: object): Promise<Answer> | Answer =>
  answer({
    ...{ op: "case", seq: 7, id: "x", profile: "len32", role: "decode", limits: {}, steps: [] },
    ...given,
  } as CaseRequest);

async function result(...steps: object[]): Promise<unknown[]> {
  const role = steps.some((step) => "encode" in step) ? "encode" : "decode";
  const told = await ask({ role, steps });
  expect(told.op).toBe("result");
  return told.op === "result" ? [...told.steps] : [];
}

const message = (payload: string) => ({ event: "message", value: { payload } });
const bytes = (hex: string) => ({ event: "bytes", hex });

describe("a probe of the reference", () => {
  test("poison: a message is told from its own memory, on both connections of a case", async () => {
    const steps = [
      { poison: true },
      { feed: "000000017800" },
      { reset: true },
      { feed: "0000000179" },
      { recall: true },
    ];
    expect((await result(...steps)).at(-1)).toEqual([bytes("0000000178000000000179"), message("78"), message("79")]);
  });

  test("quota: a second message waits behind the first, and a refused one leaves no trace", async () => {
    const encode = (payload: string) => ({ encode: { payload } });
    const refused = { encode: { payload: { fill: { byte: 0, count: 2 ** 33 } } } };
    const steps = [{ quota: 4 }, encode("78"), refused, encode(""), { drain: true }, { drain: true }, { drain: true }];
    expect(await result(...steps)).toMatchObject([
      [],
      [bytes("00000001")],
      [{ event: "error", class: "oversize.declared", at: "0", fatal: false }],
      [],
      [bytes("78000000")],
      [bytes("00")],
      [],
    ]);
  });

  test("cancel: nothing is lost, and what is cancelled after the end says nothing", async () => {
    const cancel = { cancel: true };
    const steps = [cancel, { feed: "0000" }, cancel, { feed: "000178" }, cancel, { eof: true }, cancel];
    expect(await result(...steps)).toEqual([[], [], [], [message("78")], [], [{ event: "end" }], []]);
  });

  test("clock: a deadline is told once, and a reset begins a new one", async () => {
    const late = { event: "expired", at: "1" };
    const steps = [{ deadline: 5 }, { feed: "00" }, { advance: 9 }, { advance: 9 }, { reset: true }, { advance: 4 }];
    const more = [{ feed: "0000000178" }, { advance: 4 }, { advance: 1 }];
    expect(await result(...steps, ...more)).toEqual([
      ...[[], [], [late], [], [], []],
      ...[[message("78")], [], [{ event: "expired", at: "5" }]],
    ]);
  });

  test("clock: a write that waits behind another is given up with it, and nothing more leaves", async () => {
    const encode = { encode: { payload: "78" } };
    const steps = [{ deadline: 5 }, { quota: 2 }, encode, encode, { advance: 5 }, { drain: true }];
    expect(await result(...steps)).toEqual([
      ...[[], [], [bytes("0000")], []],
      ...[[{ event: "expired", at: "2" }], []],
    ]);
  });

  test("memory: a promise of 2 GiB costs the first buffer", async () => {
    const steps = [{ memory: true }, { feed: "7fffffff" }, { trickle: { byte: 1, count: 10 } }, { memory: true }];
    expect(await result(...steps)).toEqual([
      [{ event: "memory", held: "0", copied: "0" }],
      [],
      [],
      [{ event: "memory", held: "4096", copied: "10" }],
    ]);
  });

  test("beside: each connection has its own bytes, offsets and end", async () => {
    const on = (connection: number) => ({ on: connection });
    const cut = { event: "error", class: "eof.in-prefix", at: "1", fatal: true };
    const steps = [on(0), { feed: "0000" }, on(1), { feed: "000000" }, { reset: true }, { feed: "00" }];
    const more = [on(0), { feed: "000178" }, on(1), { eof: true }, on(0), { eof: true }];
    expect(await result(...steps, ...more)).toMatchObject([
      ...[[], [], [], [], [], []],
      ...[[], [message("78")], [], [cut], [], [{ event: "end" }]],
    ]);
  });

  test.each<[string, object, string]>([
    ["a step of another probe", { steps: [{ poison: true }, { advance: 1 }] }, "step"],
    ["a step of level 1 with a step of a probe", { steps: [{ feed: "" }, { cancel: true }] }, "step"],
    ["the other role", { role: "encode", steps: [{ poison: true }] }, "role"],
    ["an unknown profile", { profile: "len31", steps: [{ quota: 1 }] }, "profile"],
    ["an encode where it decodes", { steps: [{ cancel: true }, { encode: {} }] }, "step"],
  ])("r[iut.decline.unknown]: %s is declined", async (_, given, reason) => {
    expect(await ask(given)).toMatchObject({ op: "declined", seq: 7, reason });
  });
});
