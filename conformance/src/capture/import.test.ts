import { describe, expect, setDefaultTimeout, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reference, handleCase as words } from "@tensorwire/iut-ts";
import { Ajv2020 } from "ajv/dist/2020.js";
import { readCorpusFiles } from "../corpus/files.ts";
import { loadCorpus } from "../corpus/load.ts";
import type { Case } from "../corpus/types.ts";
import { judge } from "../judge.ts";
import type { InProcessIut } from "../link/in-process.ts";
import type { Way } from "../link/ways.ts";
import { DEFAULT_CORPUS } from "../options.ts";
import { casesOf } from "../shrink/vector.ts";
import { CaptureFile } from "./capture-file.ts";
import type { Conversation } from "./conversation.ts";
import { type ImportOptions, importCapture } from "./import.ts";
import { FLAG } from "./segment.ts";
import { streamsOf } from "./streams.ts";
import { pcap, rawPacket } from "./testing.ts";

// Each import reads the corpus.
setDefaultTimeout(60_000);

const folder = mkdtempSync(join(tmpdir(), "tensorwire-import-"));
const profiles = new Map(readCorpusFiles(DEFAULT_CORPUS).profiles.map((profile) => [profile.profile, profile]));
const corpus = loadCorpus(DEFAULT_CORPUS);
const schema = readFileSync(join(DEFAULT_CORPUS, "schema", "vector-file.schema.json"), "utf8");
const valid = new Ajv2020({ allErrors: true }).compile(JSON.parse(schema));
const first: Way = { kind: "in-process", iut: reference };
let files = 0;

/** A capture of connections on which this happens. */
function capture(...connections: readonly ((one: Conversation) => void)[]): Uint8Array {
  const path = join(folder, `${files++}.pcapng`);
  const file = new CaptureFile(path, "For a test.");
  for (const act of connections) act(file.connection([]));
  file.close();
  return new Uint8Array(readFileSync(path));
}

const sends =
  (...reads: readonly string[]) =>
  (one: Conversation) => {
    for (const read of reads) one.bytes("dialler", Uint8Array.fromHex(read));
    one.end("dialler");
    one.end("listener");
  };

const imported = (file: Uint8Array, options: ImportOptions) =>
  importCapture("some/where/seen.pcapng", file, { first, words, ...options });

async function one(file: Uint8Array, options: ImportOptions) {
  const { imported: all } = await imported(file, options);
  return all[0]!;
}

/** What a case gives, by the reference: which was not asked for what the layout says. */
async function differs(about: Case) {
  const answer = await reference.handle({ op: "case", seq: 0, ...about });
  return answer.op === "result" ? judge(about.expected, answer.steps, "class") : answer;
}

describe("a captured stream becomes a vector", () => {
  test("with its fields, its events, the rules that it shows and a sweep that has its reads", async () => {
    const { vector, exact, notes } = await one(
      capture(sends("000000", "0000000005" + "68656c6c6f", "0000000000000000")),
      { profile: "len64" },
    );
    expect(vector).toMatchObject({
      rules: ["len64.eof.boundary", "len64.boundary.chunking"],
      level: "must",
      role: "decode",
      limits: { max_frame_length: "1024" },
      bytes: [
        { field: "length", hex: "0000000000000005" },
        { field: "payload", hex: "68656c6c6f" },
        { field: "length", hex: "0000000000000000" },
      ],
      events: [
        { at: 13, event: "message", value: { payload: "68656c6c6f" } },
        { at: 21, event: "message", value: { payload: "" } },
      ],
      at_eof: "end",
      sweeps: { pairs: 14 },
    });
    expect(vector.why).toBe(
      "Captured: stream 0 of seen.pcapng, 198.18.0.1:49152 → 198.19.0.1:47100, 3 reads. The expectation is by the harness's own reader of " +
        "the layout, which imports no codec.",
    );
    expect([exact, notes]).toEqual([undefined, []]);
  });

  test("whose cases the reference passes, though it was not asked", async () => {
    const streams: readonly [string, readonly string[]][] = [
      ["len32", ["00000001", "ff", "000000", "02aabb00"]],
      ["len56-tagged", ["07000000000000020102"]],
      ["grpc-lpm", ["0000000001aa", "0200000000"]],
      ["multipart", ["0000000000000009", "0000000000000001aa", "0000000000000003010203"]],
      ["multipart-typed", ["0000000000000011" + "8000000000000001" + "00000000000000ff" + "aa"]],
      ["tp", ["01".padEnd(16, "0") + "0".repeat(48) + "02".padEnd(16, "0"), "0300000000"]],
    ];
    for (const [profile, reads] of streams) {
      const { vector } = await one(capture(sends(...reads)), { profile });
      for (const about of casesOf(vector, profiles.get(profile)!))
        expect([about.id, await differs(about)]).toEqual([about.id, null]);
    }
  });

  test("that is fit for the corpus: by its schema, and by names that are there", async () => {
    for (const reads of [["0000000568656c6c6f"], ["00000005"], ["0fffffff00"]]) {
      const { file } = await imported(capture(sends(...reads)), { profile: "len32" });
      valid(file);
      expect(valid.errors).toBeNull();
      for (const { rules, sibling, limits } of file.vectors) {
        expect(rules.filter((rule) => !corpus.rules.has(rule))).toEqual([]);
        if (sibling === undefined) continue;
        const [accepted] = corpus.cases((id) => id === sibling);
        expect([accepted?.limits, accepted?.expected.flat().at(-1)]).toEqual([limits, { event: "end" }]);
      }
    }
  });

  test("in both directions, or in the one that is asked for", async () => {
    const file = capture((both) => {
      both.bytes("dialler", Uint8Array.fromHex("00000001aa"));
      both.bytes("listener", Uint8Array.fromHex("00000001bb"));
      both.end("dialler");
      both.end("listener");
    });
    const payloads = async (from?: "dialler" | "listener") => {
      const { file: made } = await imported(file, { profile: "len32", ...(from && { from }) });
      return made.vectors.map((vector) => (vector.role === "decode" ? vector.bytes.at(-1)?.hex : ""));
    };
    expect(await payloads()).toEqual(["aa", "bb"]);
    expect(await payloads("dialler")).toEqual(["aa"]);
    expect(await payloads("listener")).toEqual(["bb"]);
  });

  test("has its very reads beside it, where no sweep has them", async () => {
    const hex = "00000001aa".repeat(40).match(/.{1,14}/g) as string[];
    const uneven = [hex.slice(0, 3).join(""), ...hex.slice(3, 20), hex.slice(20).join("")];
    const { vector, exact } = await one(capture(sends(...uneven)), { profile: "len32" });
    expect(vector.sweeps).toEqual({ cuts: true });
    expect(exact?.steps.map((step) => ("feed" in step ? step.feed : "eof"))).toEqual([...uneven, "eof"]);
    expect(await differs(exact!)).toBeNull();
  });

  test("is the same for the same bytes, whatever the file is called", async () => {
    const file = capture(sends("00000001aa"));
    const [a, b] = [
      await importCapture("a.pcap", file, { profile: "len32" }),
      await importCapture("b.pcap", file, { profile: "len32" }),
    ];
    expect(a.file.vectors[0]?.id).toBe(b.file.vectors[0]!.id);
    expect(a.file.vectors[0]?.id).toMatch(/^len32\/imported-[0-9a-f]{8}$/);
  });

  test("under the least limit of the corpus in which it fits, or the one that is told", async () => {
    const limit = async (bytes: string, maxFrameLength?: number) =>
      (await one(capture(sends(bytes)), { profile: "len32", ...(maxFrameLength !== undefined && { maxFrameLength }) }))
        .vector;
    expect((await limit("00000001aa")).limits).toEqual({ max_frame_length: "1024" });
    expect((await limit(`00000401${"aa".repeat(1025)}`)).limits).toEqual({ max_frame_length: "1048576" });
    const refused = await limit("00000005", 4);
    expect(refused).toMatchObject({ limits: { max_frame_length: "4" }, rules: ["len32.limit.oversize"] });
    expect(refused.events).toEqual([{ at: 4, event: "error", class: "oversize.declared" }]);
    expect(refused.at_eof).toBeUndefined();
  });

  test("of its first messages alone, where the stream is long", async () => {
    const long = capture(sends(`00100000${"00".repeat(1 << 20)}`, "00000001aa"));
    await expect(imported(long, { profile: "len32" })).rejects.toThrow("take the first of them with --messages");
    const short = capture(sends("00000001aa00000001bb", "00000001cc"));
    const { vector } = await one(short, { profile: "len32", messages: 2 });
    expect(vector).toMatchObject({ at_eof: "end", events: [{ at: 5 }, { at: 10 }] });
  });

  test("without the Hello in front of it, in whatever reads that came", async () => {
    const file = capture(sends("0000000000000003", "aabbcc00000001", "ee"));
    const { vector } = await one(file, { profile: "len32", handshake: true });
    expect(vector).toMatchObject({ events: [{ at: 5, value: { payload: "ee" } }], sweeps: { cuts: true } });
    await expect(imported(capture(sends("00000001ee")), { profile: "len32", handshake: true })).rejects.toThrow(
      "expected a whole Hello in front, 5 bytes came that are none",
    );
  });

  test("and says what was not an end", async () => {
    const reset = capture((cut) => {
      cut.bytes("dialler", Uint8Array.fromHex("00000001aa"));
      cut.reset("dialler");
    });
    expect((await one(reset, { profile: "len32" })).notes).toEqual([
      "the connection was reset; a vector ends, so this one does behind the last byte that came",
    ]);
    const open = capture((going) => going.bytes("dialler", Uint8Array.fromHex("00000001aa")));
    expect((await one(open, { profile: "len32" })).notes).toEqual([
      "the capture stops before the connection; the vector ends where it does",
    ]);
  });
});

describe("what only protobuf or a session's memory can say", () => {
  const noop = (call: number, epoch: number) =>
    [call, 0, epoch, 0, 0].map((word) => word.toString(16).padStart(2, "0").padEnd(16, "0")).join("");
  const session = capture(sends(noop(1, 1) + noop(1, 1), noop(2, 5)));
  const second = (change: (text: string) => string): Way => {
    const iut: InProcessIut = {
      hello: { ...reference.hello, iut: { ...reference.hello.iut, name: "another" } },
      handle: async (request) => JSON.parse(change(JSON.stringify(await reference.handle(request)))),
    };
    return { kind: "in-process", iut };
  };

  test("is taken where two implementations agree, and the vector says so", async () => {
    const { vector } = await one(session, { profile: "tp-session", second: second((text) => text) });
    expect(vector.events).toMatchObject([
      { at: 40, event: "message" },
      { at: 80, event: "dropped" },
      { at: 120, event: "error", class: "sequence" },
    ]);
    expect(vector.why).toEndWith("The expectation is by tensorwire-reference 0.1.0 and another 0.1.0, which agree.");
    expect(vector.rules).toContain("tp-session.control-epoch.step");
    for (const about of casesOf(vector, profiles.get("tp-session")!))
      expect([about.id, await differs(about)]).toEqual([about.id, null]);
  });

  test("is not taken from the reference alone, nor where they do not agree", async () => {
    await expect(imported(session, { profile: "tp-session" })).rejects.toThrow(
      "Name an implementation that shares no code with the reference",
    );
    const other = second((text) => text.replace('"call_id":"1"', '"call_id":"9"'));
    await expect(imported(session, { profile: "tp-session", second: other })).rejects.toThrow(
      "tensorwire-reference 0.1.0 and another 0.1.0 do not say the same of message 0",
    );
  });
});

describe("what cannot be imported is refused", () => {
  const two = capture(sends("00000001aa"), sends("00000001bb"));
  test("with the streams to choose from", async () => {
    await expect(imported(two, { profile: "len32" })).rejects.toThrow(
      "the capture has 2 streams; choose one with --stream:\n  stream 0  198.18.0.1:49152 → 198.19.0.1:47100  5 bytes, 0 back\n  stream 1",
    );
    await expect(imported(two, { profile: "len32", stream: 7 })).rejects.toThrow("the capture has no stream 7");
    expect((await one(two, { profile: "len32", stream: 1 })).vector.bytes.at(-1)?.hex).toBe("bb");
    expect(streamsOf(two).length).toBe(2);
  });

  test("with what was expected: a profile, a byte, a segment", async () => {
    await expect(imported(two, { profile: "http", stream: 0 })).rejects.toThrow("expected a profile of len32, len64");
    await expect(imported(two, { profile: "len32", stream: 0, from: "listener" })).rejects.toThrow(
      "stream 0: no byte came from the listener",
    );
    await expect(imported(capture(), { profile: "len32" })).rejects.toThrow("the capture has no TCP segment");
    await expect(imported(pcap([rawPacket(1)], { link: 147 }), { profile: "len32" })).rejects.toThrow(
      "the capture has no TCP segment; 1 packet passed over, the first: packet 1 at byte 24: expected a link type",
    );
  });

  test("alone: a packet that cannot be read leaves the other streams of the capture", async () => {
    const syn = rawPacket(0, "", { flags: FLAG.syn });
    const bytes = rawPacket(1, Uint8Array.fromHex("00000001aa"));
    const other = (packet: Uint8Array, place: number, value: number) =>
      new Uint8Array(packet.with(21, 7).with(place, value));
    // The first and a later fragment of another connection, and one that was captured in part.
    const [first, later, part] = [other(bytes, 6, 0x20), other(bytes, 7, 1), other(bytes, 21, 8).subarray(0, 42)];
    const file = pcap([first, syn, later, part, bytes, later]);
    const notes: string[] = [];
    const streams = streamsOf(file, (note) => notes.push(note));
    const passed =
      "2 packets passed over, the first: packet 3 at byte 149: it is a fragment of an IP packet, and those are not put together";
    expect([streams.length, notes]).toEqual([3, [passed]]);
    const { vector, notes: told } = await one(file, { profile: "len32", stream: 1 });
    expect(vector.events).toEqual([{ at: 5, event: "message", value: { payload: "aa" } }]);
    expect(told).toContain(passed);
    await expect(imported(file, { profile: "len32", stream: 0 })).rejects.toThrow(
      "stream 0, 198.18.0.1:49927 → 198.19.0.1:7000: packet 1 at byte 24: it is a fragment of an IP packet",
    );
    await expect(imported(file, { profile: "len32", stream: 2 })).rejects.toThrow("capture whole packets");
  });
});
