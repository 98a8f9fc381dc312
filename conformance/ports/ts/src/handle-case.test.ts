import { describe, expect, test } from "bun:test";
import type { Answer, CaseRequest } from "@tensorwire/conformance/protocol";
import { handleCase } from "./handle-case.ts";

const ask = (given: object): Answer =>
  handleCase({
    op: "case",
    seq: 7,
    id: "x",
    profile: "len32",
    role: "decode",
    limits: {},
    steps: [],
    ...given,
  } as CaseRequest);
const result = (given: object) => {
  const answer = ask(given);
  expect(answer.op).toBe("result");
  return answer.op === "result" ? answer.steps : [];
};

describe("r[iut.decline.unknown]: what is unknown is declined", () => {
  test.each<[string, object, string]>([
    ["op", { op: "listen" }, "operation"],
    ["profile", { profile: "len31" }, "profile"],
    ["profile of an object's own name", { profile: "constructor" }, "profile"],
    ["role", { role: "echo" }, "role"],
    ["step", { steps: [{ advance: 5 }] }, "step"],
    ["step of the other role", { steps: [{ encode: { payload: "" } }] }, "step"],
    ["step with two keys, r[iut.step.one-key]", { steps: [{ feed: "", eof: true }] }, "step"],
    ["step without a key, r[iut.step.one-key]", { steps: [{}] }, "step"],
    ["limit", { limits: { max_patience: "1" } }, "limit"],
    ["limit above the declared one", { limits: { max_frame_length: "2147483648" } }, "limit"],
    [
      "limit of parts that no number holds",
      { profile: "multipart", limits: { max_parts: "9007199254740992" } },
      "limit",
    ],
    ["role of a receiver", { profile: "tp-session", role: "encode" }, "role"],
    [
      "run that is too long to build",
      { role: "encode", steps: [{ encode: { payload: { fill: { byte: 0, count: 500_000_000 } } } }] },
      "limit",
    ],
  ])("%s", (_, given, reason) => {
    expect(ask(given)).toMatchObject({ op: "declined", seq: 7, reason });
  });

  test.each([
    { limits: { max_frame_length: "2147483647" } },
    { profile: "multipart", limits: { max_parts: "9007199254740991" } },
  ])("but not the largest limit that there is: %p", (given) => {
    expect(ask(given).op).toBe("result");
  });

  test("r[iut.request.unknown-field]: but not a field of the request", () => {
    expect(ask({ pad: "xxx" })).toEqual({ op: "result", seq: 7, steps: [] });
  });
});

describe("a case", () => {
  test("r[iut.encode.fill]: a run is judged by its count before it is built", () => {
    const steps = [
      { encode: { payload: { fill: { byte: 0, count: Number.MAX_SAFE_INTEGER } } } },
      { encode: { payload: "00" } },
    ];
    expect(result({ role: "encode", steps, limits: { max_frame_length: "1024" } })).toMatchObject([
      [{ event: "error", class: "oversize.declared", at: "0", fatal: false }],
      [{ event: "bytes", hex: "0000000100" }],
    ]);
  });

  test("r[iut.bytes.digest]: hex up to 4,096 bytes, a digest above", () => {
    const fill = (count: number) => [{ feed: `0000${count.toString(16)}` }, { feed_fill: { byte: 0, count } }];
    expect(result({ steps: fill(4096) })[1]).toEqual([{ event: "message", value: { payload: "00".repeat(4096) } }]);
    expect(result({ steps: fill(4097) })[1]).toMatchObject([
      { event: "message", value: { payload: { length: 4097 } } },
    ]);
  });

  test("r[iut.encode.refusal]: a refused encode gives one error and no bytes, and the next one works", () => {
    const steps = [{ encode: { flag: 1, payload: "00" } }, { encode: { flag: 0, payload: "00" } }];
    expect(result({ profile: "grpc-lpm", role: "encode", steps })).toMatchObject([
      [{ event: "error", class: "codec.unsupported", at: "0", fatal: false }],
      [{ event: "bytes", hex: "000000000100" }],
    ]);
  });

  test("r[iut.step.one-read]: an empty feed is no end", () => {
    const steps = [{ feed: "00000001" }, { feed: "" }, { feed: "aa" }, { eof: true }];
    expect(result({ steps })).toEqual([[], [], [{ event: "message", value: { payload: "aa" } }], [{ event: "end" }]]);
  });

  test("r[iut.event.at] r[iut.event.fatal] r[iut.step.sticky]: an error is fatal, has its offset, and is the last event", () => {
    const steps = [{ feed: "0000000000000005" }, { feed: "00000000" }, { eof: true }];
    expect(result({ steps, limits: { max_frame_length: "4" } })).toMatchObject([
      [
        { event: "message", value: { payload: "" } },
        { event: "error", class: "oversize.declared", at: "8", fatal: true },
      ],
      [],
      [],
    ]);
  });

  test("r[iut.event.earliest]: a flag is judged before the length behind it", () => {
    const steps = [{ feed: "02ffffffff" }];
    expect(result({ profile: "grpc-lpm", steps })).toMatchObject([[{ class: "flags.reserved", at: "1" }]]);
  });

  test("r[iut.step.reset]: a reset begins a new connection, with its offsets", () => {
    const steps = [
      { feed: "000000" },
      { reset: true },
      { feed: "0000" },
      { eof: true },
      { reset: true },
      { eof: true },
    ];
    expect(result({ steps })).toMatchObject([
      [],
      [],
      [],
      [{ event: "error", class: "eof.in-prefix", at: "2" }],
      [],
      [{ event: "end" }],
    ]);
  });

  test("r[iut.limits.absent]: without a limit the declared one holds, and parts have none", () => {
    const most = (length: string) => result({ steps: [{ feed: length }] });
    expect(most("7fffffff")).toEqual([[]]);
    expect(most("80000000")).toMatchObject([[{ class: "oversize.declared", at: "4" }]]);
    const records = `${"00".repeat(8)}`.repeat(2000);
    const steps = [{ feed: `${(16_000).toString(16).padStart(16, "0")}${records}` }];
    expect(result({ profile: "multipart", steps })).toMatchObject([[{ event: "message" }]]);
  });

  test("r[iut.multipart.frame] r[iut.event.whole-payload]: a payload comes in its frame, and is judged at its end", () => {
    const cut = "0000000000000009" + "0000000000000002" + "aa";
    const steps = [{ feed: cut.slice(0, -2) }, { feed: "aa" }];
    const error = { event: "error", class: "eof.in-body", at: "17", fatal: true };
    expect(result({ profile: "multipart", steps })).toMatchObject([[], [error]]);
    const encode = { body: "aa", parts: [] };
    expect(result({ profile: "multipart", role: "encode", steps: [{ encode }] })).toEqual([
      [{ event: "bytes", hex: "0000000000000009" + "0000000000000001" + "aa" }],
    ]);
  });

  test("r[iut.tp.header-only]: NOOP has neither manifest nor tensors", () => {
    const steps = [{ feed: "07".padEnd(80, "0") }];
    const header = { call_id: "7", chunk_index: "0", control_epoch: "0", cache_epoch: "0", action: "NOOP" };
    expect(result({ profile: "tp", steps })).toEqual([[{ event: "message", value: { header } }]]);
  });

  test("r[iut.pp.header-only]: so has a request of the PP contract", () => {
    const steps = [{ feed: "07".padEnd(80, "0") }];
    const header = { call_id: "7", chunk_index: "0", control_epoch: "0", cache_epoch: "0", action: "NOOP" };
    expect(result({ profile: "pp-envelope", steps })).toEqual([[{ event: "message", value: { header } }]]);
  });

  test("r[iut.session.decode]: a duplicate gives no event, and a reset begins a new session", () => {
    const noop = `07${"00".repeat(39)}`;
    const steps = [{ feed: noop }, { feed: noop }, { reset: true }, { feed: noop }];
    const message = { event: "message" };
    expect(result({ profile: "pp-session", steps })).toMatchObject([[message], [], [], [message]]);
  });

  test("what the adapter did not expect is errored, with its text", () => {
    expect(ask({ role: "encode", steps: [{ encode: { payload: 5 } }] })).toMatchObject({ op: "errored", seq: 7 });
  });
});
