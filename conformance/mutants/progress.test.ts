import { expect, test } from "bun:test";
import { progress } from "./progress.ts";

test("without a terminal progress is a line of counts, at most every half minute", () => {
  let now = 0;
  let written = "";
  const stream = {
    isTTY: false as const,
    write: (text: string) => {
      written += text;
      return true;
    },
  };
  const { started, tried, stop } = progress(stream as unknown as NodeJS.WriteStream, () => now);
  started(5);
  tried({ fate: "killed" });
  now = 29_999;
  tried({ fate: "survived" });
  expect(written).toBe("");
  now = 30_000;
  tried({ fate: "killed" });
  expect(written).toBe("3/5 mutants, 1 not killed\n");
  tried({ fate: "killed" });
  now = 60_000;
  tried({ fate: "killed" });
  stop();
  expect(written).toBe("3/5 mutants, 1 not killed\n5/5 mutants, 1 not killed\n");
});
