import { describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CaptureFile } from "./capture-file.ts";
import { reassemble } from "./reassemble.ts";
import { commented, segmentsOf, tshark, tsharkSays } from "./testing.ts";

const folder = mkdtempSync(join(tmpdir(), "tensorwire-capture-"));
let files = 0;

/** What is written by `act`, as a file. */
function written(act: (file: CaptureFile) => void, now = () => 1_700_000_000_000.25): string {
  const path = join(folder, `${files++}.pcapng`);
  const file = new CaptureFile(path, "For a test.", { now });
  act(file);
  file.close();
  return path;
}

const read = (path: string) => new Uint8Array(readFileSync(path));
const hello = new TextEncoder().encode("hello");

/** Everything that can happen on a connection. */
const whole = (file: CaptureFile) => {
  const one = file.connection(['{"scenario":"one"}']);
  one.bytes("dialler", hello, ["first", "second, ü"]);
  one.read("listener", 5);
  one.say("listener", ["told"]);
  one.say("listener", ["told again"]);
  one.bytes("listener", new Uint8Array(200_001).fill(7), ["long"]);
  one.readAll("dialler");
  one.say("dialler", ["taken"]);
  one.end("dialler");
  one.end("dialler");
  one.readAll("listener");
  one.end("listener", ["over"]);
  const two = file.connection([]);
  two.bytes("listener", hello.subarray(0, 1));
  two.reset("dialler");
  two.reset("listener");
};

describe("a conversation in a capture", () => {
  test("is read again as it was, one stream for each connection", () => {
    const streams = reassemble(segmentsOf(read(written(whole)))).map((one) => one.stream());
    expect(streams.map(({ dialler, listener }) => [dialler.ending, listener.ending])).toEqual([
      ["end", "end"],
      ["reset", "reset"],
    ]);
    const [one, two] = streams;
    expect(one?.dialler.reads).toEqual([hello]);
    expect(Buffer.concat(one?.listener.reads ?? [])).toEqual(Buffer.alloc(200_001, 7));
    expect(two?.listener.reads).toEqual([hello.subarray(0, 1)]);
  });

  test("has comments where they were said, and none of them twice", () => {
    const said = commented(read(written(whole))).filter(({ comments }) => comments.length > 0);
    expect(said.map(({ segment, comments }) => [segment.payload.length, comments])).toEqual([
      [0, ['{"scenario":"one"}']],
      [5, ["first", "second, ü"]],
      [0, ["told"]],
      [0, ["told again"]],
      [0xff00, ["long"]],
      [0, ["taken"]],
      [0, ["over"]],
    ]);
  });

  test("has other ports for each connection, and another address when they are used up", () => {
    const path = written((file) => {
      for (let i = 0; i < 16_385; i++) file.connection([]);
    });
    const ends = new Set(segmentsOf(read(path)).map(({ from }) => from));
    expect(ends.size).toBe(16_385 + 1);
    expect(ends.has("198.18.0.1:49152")).toBeTrue();
    expect(ends.has("198.18.0.2:49152")).toBeTrue();
  });

  test("has times that never go back, whatever the clock does", () => {
    const clock = [5, 7, 6, 6, 8];
    const path = written(whole, () => clock.shift() ?? 0);
    const file = read(path);
    const view = new DataView(file.buffer);
    const times: number[] = [];
    for (let at = 0; at < file.length; at += view.getUint32(at + 4, true)) {
      if (view.getUint32(at, true) === 6) times.push(view.getUint32(at + 16, true));
    }
    expect(times.slice(0, 5)).toEqual([5000, 7000, 7000, 7000, 8000]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
  });

  test("cuts a comment that no reader would take", () => {
    const path = written((file) => void file.connection(["é".repeat(70_000)]));
    const [first] = commented(read(path));
    expect(first?.comments[0]).toEndWith("… (cut)");
    expect(Buffer.byteLength(first?.comments[0] ?? "")).toBeLessThan(32 * 1024);
  });
});

const required = process.env.TENSORWIRE_REQUIRE_TSHARK === "1";
if (tshark === null) console.log("no tshark here: captures are not opened in it");

test("a tshark is here when one is required", () => {
  expect(tshark !== null || !required).toBe(true);
});

describe.if(tshark !== null)("tshark, of a capture that was written here,", () => {
  const checks = ["-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE"];

  test("finds every checksum right, and nothing lost, doubled or out of order", async () => {
    const path = written(whole);
    const fields = ["ip.checksum.status", "tcp.checksum.status", "tcp.analysis.flags", "_ws.malformed"];
    const said = await tsharkSays(path, ...checks, "-T", "fields", ...fields.flatMap((field) => ["-e", field]));
    const lines = said.split("\n").slice(0, -1);
    expect(lines.length).toBe(commented(read(path)).length);
    // Chats, that a connection begins and that a window has changed, are no complaints.
    const complaints = lines.filter((line) => !/^1\t1\t(1)?\t?$/.test(line));
    expect(complaints).toEqual([]);
    const flags = await tsharkSays(path, "-Y", "tcp.analysis.flags && !tcp.analysis.window_update");
    expect(flags).toBe("");
  }, 60_000);

  test("shows the comments", async () => {
    const said = await tsharkSays(written(whole), "-Y", "frame.comment", "-T", "fields", "-e", "frame.comment");
    expect(said.trimEnd().split("\n")[1]).toBe("first,second, ü");
  }, 60_000);
});
