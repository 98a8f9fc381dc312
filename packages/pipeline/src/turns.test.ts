import { expect, test } from "bun:test";
import { Turns } from "./turns.ts";

test("lanes that ask again after each turn have their turns one after the other", async () => {
  const turns = new Turns();
  const order: string[] = [];
  const lane = async (name: string) => {
    for (let i = 0; i < 3; i++) await turns.take(() => order.push(name));
  };
  await Promise.all(["a", "b", "c"].map(lane));
  expect(order.join("")).toBe("abcabcabc");
});

test("the event loop turns between two forwards, however many wait", async () => {
  const turns = new Turns();
  let loops = 0;
  const seen: number[] = [];
  const loop = () => {
    loops++;
    if (seen.length < 4) setImmediate(loop);
  };
  setImmediate(loop);
  await Promise.all([1, 2, 3, 4].map(() => turns.take(() => seen.push(loops))));
  expect(new Set(seen).size).toBe(4);
});

test("a turn that throws rejects its own promise, and the next one runs", async () => {
  const turns = new Turns();
  const failed = turns.take(() => {
    throw new Error("context is full");
  });
  const next = turns.take(() => "ran");
  await expect(failed).rejects.toThrow("context is full");
  expect(await next).toBe("ran");
});
