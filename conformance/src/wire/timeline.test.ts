import { expect, test } from "bun:test";
import { inRuns, Timeline } from "./timeline.ts";

test("bytes that follow each other one way are one line, with the byte that they came to", () => {
  const timeline = new Timeline();
  timeline.add("a", "harness dials 127.0.0.1:1");
  timeline.moved("a", "harness wrote", 1, 1);
  timeline.moved("a", "harness wrote", 4, 5);
  timeline.moved("b", "harness wrote", 2, 2);
  timeline.moved("a", "iut wrote", 1, 1);
  expect(timeline.lines()).toEqual([
    "a  harness dials 127.0.0.1:1",
    "a  harness wrote 5 bytes in 2 pieces, to byte 5",
    "b  harness wrote 2 bytes, to byte 2",
    "a  iut wrote 1 byte, to byte 1",
  ]);
});

test("of a long scenario the end is kept, and how much came before", () => {
  const timeline = new Timeline();
  for (let i = 0; i < 100; i++) timeline.add("a", `line ${i}`);
  expect(timeline.lines()[0]).toBe("… 20 lines before");
  expect(timeline.lines().at(-1)).toBe("a  line 99");
});

test("names in runs", () => {
  expect(inRuns(["message", "message", "message", "end"])).toBe("3 × message, end");
  expect(inRuns([])).toBe("");
});
