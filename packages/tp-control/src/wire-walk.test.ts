import { describe, expect, test } from "bun:test";
import protobuf from "protobufjs";
import { hex } from "./testing.ts";
import { walkWire, wireTableOf } from "./wire-walk.ts";

const { root } = protobuf.parse(`syntax = "proto3"; message Node { Node next = 1; string name = 2; }`, {
  keepCase: true,
});
const table = wireTableOf(root.resolveAll().lookupType("Node"));
const walk = (bytes: Uint8Array) => () => walkWire(table, bytes);

describe("nesting", () => {
  const LIMIT = protobuf.util.recursionLimit;
  /** A message in a message, `levels` deep, the innermost empty. */
  const messages = (levels: number) => {
    let bytes = Buffer.alloc(0);
    for (let i = 0; i < levels; i++) {
      const length = new protobuf.Writer().uint32(bytes.length).finish();
      bytes = Buffer.concat([hex("0a"), length, bytes]);
    }
    return bytes;
  };
  /** A group in a group, all unknown. */
  const groups = (levels: number) => Buffer.concat([Buffer.alloc(levels, 0x1b), Buffer.alloc(levels, 0x1c)]);

  test("tp.kwargs.depth: messages as deep as protobufjs goes pass, one more does not", () => {
    expect(walk(messages(LIMIT))).not.toThrow();
    expect(walk(messages(LIMIT + 1))).toThrow("nested too deeply");
  });

  test("groups of an unknown field count too", () => {
    // The outermost one stands in the message itself.
    expect(walk(groups(LIMIT + 1))).not.toThrow();
    expect(walk(groups(LIMIT + 2))).toThrow("nested too deeply");
  });
});

test("tp.manifest.message: a length that leads out of its sub-message is refused, though the bytes go on", () => {
  expect(walk(hex("0a03 120161 120162"))).not.toThrow();
  expect(walk(hex("0a03 120261 120162"))).toThrow("2 bytes declared at 4, 1 left");
  expect(walk(hex("1a05 0102"))).toThrow("5 bytes declared at 2, 2 left");
});

test("tp.manifest.message: wire types 6 and 7, field 0 and a group that another closes are refused", () => {
  expect(walk(hex("1e"))).toThrow("wire type 6");
  expect(walk(hex("1f"))).toThrow("wire type 7");
  expect(walk(hex("0001"))).toThrow("field number 0");
  expect(walk(hex("1b 24"))).toThrow("group 3: expected its own end, that of 4 came");
});
