import { expect, test } from "bun:test";
import type { WireStep } from "../corpus/wire-file.ts";
import { StepsPlayer } from "./play-steps.ts";
import type { WireEvent } from "./protocol.ts";
import type { Stage } from "./stage.ts";

/** An implementation that tells of a message at every second byte, and a peer that notes what it writes. */
function staged() {
  const acts: string[] = [];
  let written = 0;
  let told = 0;
  const message: WireEvent = { event: "message", value: { payload: "" } };
  const stage = {
    options: { deadline: 1000 },
    peer: () => ({
      write: async (bytes: Uint8Array) => {
        acts.push(`write ${bytes.toHex()}`);
        written += bytes.length;
      },
    }),
    sync: async () => {
      acts.push("sync");
      const events = Array.from({ length: Math.floor(written / 2) - told }, () => message);
      told += events.length;
      return { events };
    },
  } as unknown as Stage;
  const player = new StepsPlayer(stage, { granularity: "class", kernelTakes: 0 });
  return { acts, play: (step: WireStep) => player.play(step), message };
}

test("a write in bites has a barrier between them and none behind the last, and what is told belongs to the next", async () => {
  const { acts, play, message } = staged();
  await play({ conn: "a", write: { parts: ["0102", { fill: { byte: 7, count: 3 } }] }, bite: 2 });
  expect(acts).toEqual(["write 0102", "sync", "write 0707", "sync", "write 07"]);
  await play({ conn: "a", sync: "read", events: [message, message] });
  await expect(play({ conn: "a", sync: "read", events: [message] })).rejects.toThrow(
    "tells of nothing instead of message",
  );
});

test("a write without bites is one", async () => {
  const { acts, play } = staged();
  await play({ conn: "a", write: "010203" });
  expect(acts).toEqual(["write 010203"]);
});
