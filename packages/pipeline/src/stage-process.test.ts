import { expect, test } from "bun:test";
import { finite, parseLine } from "./stage-process.ts";

test("a line of a stage is one of JSON with an event that a stage has", () => {
  for (const event of ["ready", "call", "lost", "done"]) {
    expect(parseLine(`{"event":"${event}","rank":1}`)).toMatchObject({ event, rank: 1 });
  }
});

test("what a library prints is none, though it may be JSON", () => {
  const lines = ["", "loading", "42", "null", "true", '"done"', "[]", "{}", '{"event":"progress"}', '{"event":null}'];
  for (const line of lines) expect(parseLine(line)).toBeNull();
});

test("a deadline of Infinity reaches the stage as one that never passes, and nothing else changes", () => {
  const told = { deadlineMs: Number.POSITIVE_INFINITY, startDeadlineMs: 5, job: "a", split: [1, 2] };
  const heard = JSON.parse(JSON.stringify(told, finite));
  expect(heard).toEqual({ ...told, deadlineMs: Number.MAX_VALUE });
});
