import { expect, test } from "bun:test";
import { refusal, WireError } from "./errors.ts";

test("an error of the peer is fatal and at offset 0 unless it says otherwise", () => {
  const error = new WireError({ code: "version", message: "expected version 1" });
  expect([error.name, error.code, error.offset, error.fatal, error.fault]).toEqual([
    "WireError",
    "version",
    0,
    true,
    "peer",
  ]);
  expect(error.message).toBe("[version] expected version 1");
  expect("cause" in error).toBe(false);
});

test("an error keeps what caused it", () => {
  const cause = new RangeError("no room");
  expect(new WireError({ code: "version", message: "", cause }).cause).toBe(cause);
});

test("a refusal is the caller's, and not fatal", () => {
  const { fault, fatal, offset } = refusal("state", "expected a push");
  expect([fault, fatal, offset]).toEqual(["caller", false, 0]);
});
