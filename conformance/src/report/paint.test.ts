import { afterEach, expect, test } from "bun:test";
import { paintFor } from "./paint.ts";

const { CI, NO_COLOR } = process.env;

afterEach(() => {
  for (const [name, value] of Object.entries({ CI, NO_COLOR })) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});

test("colour on a terminal", () => {
  delete process.env.NO_COLOR;
  expect(paintFor({ isTTY: true }).bad("x")).toBe("\x1b[31mx\x1b[39m");
});

test("no colour where there is no terminal, in CI neither", () => {
  process.env.CI = "true";
  for (const stream of [{}, { isTTY: false }]) expect(paintFor(stream).bad("x")).toBe("x");
});

test("no colour where NO_COLOR is set", () => {
  process.env.NO_COLOR = "1";
  expect(paintFor({ isTTY: true }).bad("x")).toBe("x");
});
