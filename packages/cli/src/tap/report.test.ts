import { describe, expect, test } from "bun:test";
import { paint } from "@tensorwire/conformance/paint";
import { Lines, lineOf } from "./report.ts";

describe("lines of the tap", () => {
  test("are kept as long as somebody takes them; of what nobody takes, messages are left out and counted", async () => {
    const written: string[] = [];
    let taken = Promise.withResolvers<void>();
    const lines = new Lines({ write: (text) => written.push(text), flush: () => taken.promise });
    const message = "m".repeat(1 << 10);
    for (let i = 0; i < 2000; i++) lines.write(message, false);
    lines.write("a violation", true);
    expect(written.length).toBe(1025 + 1);
    expect(written.at(-1)).toBe("a violation\n");
    expect(lines.unsaid).toBe(2000 - 1025);
    taken.resolve();
    await taken.promise;
    await new Promise((turn) => setImmediate(turn));
    taken = Promise.withResolvers();
    lines.write(message, false);
    expect(written.length).toBe(1027);
  });

  test("are left out and counted once whoever read them has gone, told by a write or by a flush", async () => {
    const broken = () => Promise.reject(new Error("EPIPE"));
    const thrown = () => {
      throw new Error("EPIPE");
    };
    for (const output of [
      { write: () => 1, flush: broken },
      { write: broken, flush: () => 1 },
      { write: thrown, flush: thrown },
    ]) {
      const tried: string[] = [];
      const write = (text: string) => {
        tried.push(text);
        return output.write();
      };
      const lines = new Lines({ write, flush: output.flush });
      lines.write("the last one", true);
      await new Promise((turn) => setImmediate(turn));
      lines.write("a message", false);
      lines.write("a violation", true);
      await lines.flush();
      expect([tried, lines.unsaid]).toEqual([["the last one\n"], 2]);
    }
  });

  test("say where, what and which rule", () => {
    const plain = paint(false);
    const at = { connection: 2, from: "listener", at: 40 } as const;
    expect(lineOf({ type: "message", ...at, bytes: 12, kind: "frame", about: { payload: 4 } }, plain)).toBe(
      "2 ←       40  frame, 12 bytes: payload 4",
    );
    const violation = {
      type: "violation",
      ...at,
      class: "sequence",
      rules: ["tp-session.call-id.increasing"],
      text: "why",
      ends: true,
    } as const;
    expect(lineOf(violation, plain)).toBe(
      "2 ←       40  sequence r[tp-session.call-id.increasing]\n       why\n       decoding of this direction has ended; its bytes are forwarded on",
    );
    const summary = {
      type: "summary",
      connections: 1,
      messages: 2,
      violations: 0,
      unreachable: 1,
      failed: 1,
      unsaid: 3,
    } as const;
    expect(lineOf(summary, plain)).toBe(
      "1 connection, 2 messages, 0 violations, 1 connection dropped, the peer could not be reached, 1 failure of the tap itself, so not all was seen, 3 lines not written, since nobody took them",
    );
  });
});
