import { describe, expect, test } from "bun:test";
import type { Json } from "../protocol.ts";
import { expand } from "./expand.ts";
import type { Case } from "./types.ts";
import { compileVector } from "./vector.ts";
import type { DecodeSweeps, FileVector, ProfileFile } from "./vector-file.ts";

/** A profile of one length byte, small enough to check by hand. */
const PROFILE: ProfileFile = {
  profile: "len8",
  about: "One byte of length.",
  fields: {
    length: { type: "u8", eof: "eof.in-prefix", about: "payload bytes" },
    payload: { type: "bytes", eof: "eof.in-body", about: "the message" },
  },
  derived: { chunking: ["len8.chunking"], "eof.in-body": ["len8.eof.body"], end: ["len8.eof.border"] },
};
const LIMITS = { max_frame_length: "4" };
const BASE = { rules: ["len8.layout"], level: "must", limits: LIMITS, why: "An example for the tests." } as const;

/** `02 6869`, `00`: the messages "hi" and "". */
function hi(sweeps: DecodeSweeps): FileVector {
  return {
    ...BASE,
    id: "len8/hi",
    role: "decode",
    bytes: [
      { field: "length", hex: "02" },
      { field: "payload", hex: "6869" },
      { field: "length", hex: "00" },
    ],
    events: [
      { at: 3, event: "message", value: { payload: "6869" } },
      { at: 4, event: "message", value: { payload: "" } },
    ],
    at_eof: "end",
    sweeps,
  };
}

/** `05 78`: a length above the limit, decided at 1, and a byte of its body. */
function over(sweeps: DecodeSweeps): FileVector {
  return {
    ...BASE,
    id: "len8/over",
    role: "decode",
    bytes: [
      { field: "length", hex: "05" },
      { field: "payload", hex: "78" },
    ],
    events: [{ at: 1, event: "error", class: "oversize.declared" }],
    sibling: "len8/hi",
    sweeps,
  };
}

function cases(...files: FileVector[]): Map<string, Case> {
  const vectors = files.map((file) => compileVector(file, PROFILE, () => new Uint8Array()));
  return new Map([...expand(vectors)].map((item) => [item.id, item]));
}

/** The case as rows of what is sent and what comes back, short enough to read. */
function rows(item: Case | undefined): string[] {
  if (!item) return ["no such case"];
  return item.steps.map((step, i) => {
    const sent = "feed" in step ? `feed ${step.feed}` : Object.keys(step)[0]!;
    const got = item.expected[i]!.map((event) => {
      if (event.event === "message") return `message ${(event.value as { payload: Json }).payload}`;
      return event.event === "error" ? `${event.class} at ${event.at}` : event.event;
    });
    return [sent, ...got].join(" | ");
  });
}

describe("the plain case", () => {
  test("is one read and the end of the stream", () => {
    expect(rows(cases(hi({})).get("len8/hi"))).toEqual(["feed 02686900 | message 6869 | message ", "eof | end"]);
  });

  test("carries the vector's rules, marks and sibling", () => {
    const item = cases(hi({}), over({})).get("len8/over");
    expect(item).toMatchObject({ rules: ["len8.layout"], sibling: "len8/hi", level: "must", limits: LIMITS });
    expect(item?.marks).toEqual([
      { field: "length", start: 0, end: 1 },
      { field: "payload", start: 1, end: 2 },
    ]);
  });

  test("sends a long fill as feed_fill, with the rest around it", () => {
    const long: FileVector = {
      ...BASE,
      id: "len8/long",
      role: "decode",
      bytes: [
        { field: "length", hex: "64" },
        { field: "payload", fill: { byte: 0xab, count: 100 } },
        { field: "length", hex: "00" },
      ],
      events: [
        { at: 101, event: "message", value: { payload: { fill: { byte: 0xab, count: 100 } } } },
        { at: 102, event: "message", value: { payload: "" } },
      ],
      at_eof: "end",
      sweeps: { chunks: [51] },
    };
    const found = cases(long);
    expect(found.get("len8/long")?.steps).toEqual([
      { feed: "64" },
      { feed_fill: { byte: 0xab, count: 100 } },
      { feed: "00" },
      { eof: true },
    ]);
    expect(found.get("len8/long#chunk=51")?.steps).toEqual([
      { feed: `64${"ab".repeat(50)}` },
      { feed: `${"ab".repeat(50)}00` },
      { eof: true },
    ]);
    expect(found.get("len8/long")?.expected[1]).toEqual([{ event: "message", value: { payload: "ab".repeat(100) } }]);
  });
});

describe("sweeps of reads", () => {
  test("cuts: an event stands after the first read that decides it", () => {
    const found = cases(hi({ cuts: true }));
    expect(found.size).toBe(4);
    expect(rows(found.get("len8/hi#cut=2"))).toEqual(["feed 0268", "feed 6900 | message 6869 | message ", "eof | end"]);
    expect(rows(found.get("len8/hi#cut=3"))).toEqual(["feed 026869 | message 6869", "feed 00 | message ", "eof | end"]);
    expect(found.get("len8/hi#cut=3")?.rules).toEqual(["len8.chunking"]);
  });

  test("pairs: every two places within the bound", () => {
    const found = [...cases(hi({ pairs: 99 })).keys()];
    expect(found).toEqual(["len8/hi", "len8/hi#cuts=1,2", "len8/hi#cuts=1,3", "len8/hi#cuts=2,3"]);
    expect([...cases(hi({ pairs: 3 })).keys()]).toEqual(["len8/hi", "len8/hi#cuts=1,2"]);
  });

  test("prefix: all compositions of the width but the undivided one", () => {
    const found = cases(hi({ prefix: [{ from: 0, width: 3 }] }));
    expect([...found.keys()].slice(1)).toEqual([
      "len8/hi#prefix@0=1+2",
      "len8/hi#prefix@0=2+1",
      "len8/hi#prefix@0=1+1+1",
    ]);
    expect(rows(found.get("len8/hi#prefix@0=1+2"))).toEqual([
      "feed 02",
      "feed 686900 | message 6869 | message ",
      "eof | end",
    ]);
  });

  test("chunks: every size below the whole, or those listed", () => {
    const found = cases(hi({ chunks: true }));
    expect([...found.keys()].slice(1)).toEqual(["len8/hi#chunk=1", "len8/hi#chunk=2", "len8/hi#chunk=3"]);
    expect(rows(found.get("len8/hi#chunk=1"))).toEqual([
      "feed 02",
      "feed 68",
      "feed 69 | message 6869",
      "feed 00 | message ",
      "eof | end",
    ]);
    expect([...cases(hi({ chunks: [2] })).keys()]).toEqual(["len8/hi", "len8/hi#chunk=2"]);
  });

  test("empty: a read of nothing at every place, ends included", () => {
    const found = cases(hi({ empty: true }));
    expect(found.size).toBe(6);
    expect(rows(found.get("len8/hi#empty=1"))).toEqual([
      "feed 02",
      "feed ",
      "feed 686900 | message 6869 | message ",
      "eof | end",
    ]);
    expect(rows(found.get("len8/hi#empty=4")).slice(1)).toEqual(["feed ", "eof | end"]);
  });
});

describe("sweeps of ends", () => {
  test("eof: the marks decide how an end is named", () => {
    const found = cases(hi({ eof: true }));
    expect(rows(found.get("len8/hi#eof=0"))).toEqual(["eof | end"]);
    expect(rows(found.get("len8/hi#eof=1"))).toEqual(["feed 02", "eof | eof.in-body at 1"]);
    expect(rows(found.get("len8/hi#eof=2"))).toEqual(["feed 0268", "eof | eof.in-body at 2"]);
    expect(rows(found.get("len8/hi#eof=3"))).toEqual(["feed 026869 | message 6869", "eof | end"]);
    expect(found.get("len8/hi#eof=1")?.rules).toEqual(["len8.eof.body"]);
    expect(found.get("len8/hi#eof=3")?.rules).toEqual(["len8.eof.border"]);
  });

  test("eof: silent after an error", () => {
    expect(rows(cases(hi({}), over({ eof: true })).get("len8/over#eof=1"))).toEqual([
      "feed 05 | oversize.declared at 1",
      "eof",
    ]);
  });

  test("reset: offsets and marks start anew", () => {
    const found = cases(hi({ reset: true }));
    expect(found.size).toBe(7);
    const item = found.get("len8/hi#reset=2");
    expect(rows(item)).toEqual(["feed 0268", "reset", "feed 02686900 | message 6869 | message ", "eof | end"]);
    expect(item?.marks.map(({ start, end }) => [start, end])).toEqual([
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 5],
      [5, 6],
    ]);
    expect(rows(found.get("len8/hi#reset=eof")).slice(1, 3)).toEqual(["eof | end", "reset"]);
  });
});

describe("sweeps of rows", () => {
  test("glue: the second's offsets count from the start of the connection", () => {
    const found = cases(hi({ glue: true }), over({ glue: true }));
    expect([...found.keys()]).toEqual(["len8/hi", "len8/hi#glue=over", "len8/over"]);
    expect(rows(found.get("len8/hi#glue=over"))).toEqual([
      "feed 026869000578 | message 6869 | message  | oversize.declared at 5",
      "eof",
    ]);
  });

  test("glue: not over other limits", () => {
    const other = { ...over({ glue: true }), limits: {} } as FileVector;
    expect([...cases(hi({ glue: true }), other).keys()]).toEqual(["len8/hi", "len8/over"]);
  });

  test("repeat: so many times in one read", () => {
    const item = cases(hi({ repeat: [300] })).get("len8/hi#repeat=300");
    expect(item?.steps).toHaveLength(2);
    expect(item?.expected[0]).toHaveLength(600);
  });

  test("after: nothing more on this connection, everything on the next", () => {
    const found = cases(hi({}), over({ after: true }));
    expect(rows(found.get("len8/over#after=hi"))).toEqual([
      "feed 0578 | oversize.declared at 1",
      "feed 02686900",
      "eof",
    ]);
    expect(rows(found.get("len8/over#after=hi,one-read"))[0]).toBe("feed 057802686900 | oversize.declared at 1");
    expect(rows(found.get("len8/over#after=hi,reset")).slice(1)).toEqual([
      "reset",
      "feed 02686900 | message 6869 | message ",
      "eof | end",
    ]);
  });
});

describe("what the specification leaves open", () => {
  const open: FileVector = {
    ...(over({ cuts: true, eof: true }) as FileVector & { role: "decode" }),
    alternatives: [
      { reason: "A decoder may wait.", events: [], at_eof: "eof.in-body" },
      { reason: "A decoder may drop it.", events: [{ at: 2, event: "dropped" }], at_eof: "end" },
    ],
  };

  test("stands beside the expectation of every case, sweeps included", () => {
    const found = cases(hi({}), open);
    const of = (id: string) => found.get(id)?.alternatives?.map(({ expected }) => expected.map((list) => list.length));
    expect(of("len8/over")).toEqual([
      [0, 1],
      [0, 1],
    ]);
    expect(found.get("len8/over#cut=1")?.alternatives?.[0]).toEqual({
      reason: "A decoder may wait.",
      expected: [[], [], [{ event: "error", class: "eof.in-body", at: "2", fatal: true }]],
    });
    expect(found.get("len8/over#eof=1")?.alternatives?.[1]?.expected[1]).toMatchObject([{ class: "eof.in-body" }]);
    expect(found.get("len8/over")?.alternatives?.[1]?.expected[1]).toEqual([{ event: "end" }]);
  });

  test("is refused with a sweep that joins streams", () => {
    expect(() => cases(hi({}), { ...open, sweeps: { after: true } } as FileVector)).toThrow("has no sweep of");
  });
});

test("a dropped message ends on a border, and gives nothing", () => {
  const dropped: FileVector = {
    ...(hi({ eof: true, cuts: true }) as FileVector & { role: "decode" }),
    events: [
      { at: 3, event: "message", value: { payload: "6869" } },
      { at: 4, event: "dropped" },
    ],
  };
  const found = cases(dropped);
  expect(rows(found.get("len8/hi"))).toEqual(["feed 02686900 | message 6869", "eof | end"]);
  expect(rows(found.get("len8/hi#cut=3"))).toEqual(["feed 026869 | message 6869", "feed 00", "eof | end"]);
});

describe("expansion", () => {
  test("is stable, and a filtered case is the same as out of the whole", () => {
    const files = [hi({ cuts: true, eof: true }), over({ after: true })];
    const vectors = files.map((file) => compileVector(file, PROFILE, () => new Uint8Array()));
    const all = [...expand(vectors)];
    expect([...expand(vectors)]).toEqual(all);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect([...expand(vectors, (id) => id === "len8/hi#eof=2")]).toEqual(
      all.filter(({ id }) => id === "len8/hi#eof=2"),
    );
  });
});
