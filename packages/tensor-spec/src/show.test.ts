import { expect, test } from "bun:test";
import { printable, show } from "./show.ts";

const HOSTILE = "a\n\u001b[2J\u0085\u202e\u2028\u{e0001}b";

test("link.hello.refusal.told: control, direction and separator characters are escaped, every one", () => {
  expect(show(HOSTILE)).toBe(String.raw`"a\n\u001b[2J\u{85}\u{202e}\u{2028}\u{e0001}b"`);
  expect(printable(HOSTILE)).toBe(String.raw`a\u{a}\u{1b}[2J\u{85}\u{202e}\u{2028}\u{e0001}b`);
});

test("what can be printed stays, quoted by show alone", () => {
  expect([show('naïve "x" 🙂'), show(""), show(-0.5)]).toEqual(['"naïve \\"x\\" 🙂"', '""', "-0.5"]);
  expect(printable('naïve "x" 🙂')).toBe('naïve "x" 🙂');
});

test("a text of 200 units is whole, of one more it is cut", () => {
  const [whole, more] = ["x".repeat(200), "x".repeat(201)];
  expect([show(whole), show(more)]).toEqual([`"${whole}"`, `"${whole}…"`]);
  expect([printable(whole), printable(more)]).toEqual([whole, `${whole}…`]);
  expect([printable("xyz", 3), printable("xyz", 2)]).toEqual(["xyz", "xy…"]);
  expect(show(10 ** 20)).toBe("100000000000000000000");
});
