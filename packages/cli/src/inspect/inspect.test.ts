import { describe, expect, test } from "bun:test";
import { paint } from "@tensorwire/conformance/paint";
import { type InspectProfile, inspect } from "./inspect.ts";
import { renderText } from "./render.ts";

const TP_HEADER = "0700000000000000 0300000000000000 0700000000000000 0100000000000000";

function report(profile: InspectProfile, hex: string, maxFrameLength?: number) {
  const bytes = new Uint8Array(Buffer.from(hex.replaceAll(" ", ""), "hex"));
  return inspect(profile, bytes, maxFrameLength === undefined ? {} : { maxFrameLength });
}

/** `start-end field=value` of every field. */
function fieldsOf(profile: InspectProfile, hex: string): string[] {
  return report(profile, hex).fields.map(({ start, end, field, value }) => {
    return `${start}-${end} ${field}${value === undefined ? "" : `=${value}`}`;
  });
}

describe("inspect", () => {
  test("names the prefix and payload of each frame, and a cut", () => {
    expect(fieldsOf("len56-tagged", "01 00000000000002 6869 02 00")).toEqual([
      "0-1 tag=1",
      "1-8 length=2",
      "8-10 payload",
      "10-12 prefix, cut",
    ]);
    expect(report("len56-tagged", "01 00000000000002 6869 02 00").error?.code).toBe("eof.in-prefix");
    expect(fieldsOf("grpc-lpm", "00 00000001 aa")).toEqual(["0-1 flag=0", "1-5 length=1", "5-6 payload"]);
    expect(report("grpc-lpm", "00 00000001 aa").error).toBeNull();
  });

  test("shows a refused length in full, and says why", () => {
    expect(fieldsOf("len64", "ffffffffffffffff 00")).toEqual([
      "0-8 length=18446744073709551615",
      "8-9 payload, not whole or not read",
    ]);
    expect(report("len64", "0000000000000005", 4).error?.code).toBe("oversize.declared");
  });

  test("takes multipart records apart, with type hashes", () => {
    const frame = "000000000000001b 0000000000000001 62 8000000000000002 36c76e3b36067378 7879";
    expect(fieldsOf("multipart-typed", frame)).toEqual([
      "0-8 length=27",
      "8-16 body length=1",
      "16-17 body",
      "17-25 part 0 length=2",
      "25-33 part 0 typehash=3947244799002047352",
      "33-35 part 0",
    ]);
    expect(report("multipart", frame).error?.code).toBe("eof.in-body");
  });

  test("takes control headers apart, and stops at an unknown action", () => {
    const noop = `${TP_HEADER} 0000000000000000`;
    expect(fieldsOf("tp", noop + noop).filter((field) => field.includes("action"))).toEqual([
      "32-40 action=NOOP",
      "72-80 action=NOOP",
    ]);
    expect(report("tp", noop).messages).toHaveLength(1);
    const unknown = report("tp", `${TP_HEADER} 0900000000000000 00`);
    expect(unknown.fields.at(-1)).toEqual({ start: 32, end: 40, field: "action, unknown", value: 9n });
    expect(unknown.error).toMatchObject({ code: "header.field", offset: 40 });
  });

  test("the text has one line a field, the bytes, the value and the verdict", () => {
    const text = renderText(report("len32", "00000002 6869"), { all: false, paint: paint(false) });
    expect(text.split("\n")).toEqual([
      "len32, 6 bytes",
      "",
      `00000000  ${"00 00 00 02".padEnd(48)} ${"....".padEnd(16)}  length = 2`,
      `00000004  ${"68 69".padEnd(48)} ${"hi".padEnd(16)}  payload (2 bytes)`,
      "",
      "clean end",
    ]);
  });

  test("a long payload is shortened unless all of it is asked for", () => {
    const long = report("len32", `00000100${"ab".repeat(256)}`);
    expect(renderText(long, { all: false, paint: paint(false) })).toContain("… 192 bytes more");
    expect(renderText(long, { all: true, paint: paint(false) }).split("\n")).toHaveLength(2 + 1 + 16 + 2);
  });
});
