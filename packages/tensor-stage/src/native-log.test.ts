import { expect, test } from "bun:test";
import { writeSync } from "node:fs";
import { withNativeLog } from "./native-log.ts";

test("what is written to stderr's descriptor comes back as text, and only until the call ends", () => {
  const first = withNativeLog(() => writeSync(2, "no CUDA device\n"));
  expect(first).toEqual({ result: 15, log: "no CUDA device\n" });
  expect(withNativeLog(() => "nothing").log).toBe("");
});

test("stderr is whole again after a throw", () => {
  const outer = withNativeLog(() => {
    expect(() => withNativeLog(() => Error.prototype.toString.call(null))).toThrow(TypeError);
    writeSync(2, "still here");
  });
  expect(outer.log).toBe("still here");
});
