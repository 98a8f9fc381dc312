import { beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { DEMO_MODEL_DIR } from "./model.ts";
import { Tokenizer } from "./tokenizer.ts";

const anyText = fc.string({
  unit: fc.constantFrom("a", "the ", " frame", "\n", "  ", "ä", "漢", "🧵", "`len64`", "\u0000", "�", " ."),
});

let tokenizer: Tokenizer;

beforeAll(async () => {
  tokenizer = await Tokenizer.load(DEMO_MODEL_DIR);
});

describe("Tokenizer", () => {
  test("any text survives, also what the vocabulary never saw", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(tokenizer.decode([...tokenizer.encode(text)])).toBe(text);
      }),
    );
  });

  test("words of the project's text are few tokens", () => {
    const text = "The decoder reads the length of the frame before its bytes.";
    expect(tokenizer.encode(text).length).toBeLessThan(text.length / 2);
  });

  test("a folder without a tokenizer, and one with a broken one, are named", async () => {
    const dir = mkdtempSync(join(tmpdir(), "tensorwire-"));
    await expect(Tokenizer.load(dir)).rejects.toThrow(`${join(dir, "tokenizer.json")} cannot be used: ENOENT`);
    writeFileSync(join(dir, "tokenizer.json"), "{");
    await expect(Tokenizer.load(dir)).rejects.toThrow("cannot be used: ");
  });
});

describe("TextStream", () => {
  test("gives the text as it comes, and never a part of a character", () => {
    fc.assert(
      fc.property(
        anyText.filter((text) => !text.includes("�")),
        (text) => {
          const stream = tokenizer.stream();
          const pieces = [...tokenizer.encode(text)].map((id) => stream.push(id));
          expect(pieces.join("") + stream.end()).toBe(text);
          for (const piece of pieces) expect(piece).not.toContain("�");
        },
      ),
    );
  });

  test("holds no more than a character, and lets go of one that never becomes whole", () => {
    const stream = tokenizer.stream();
    const [lead] = tokenizer.encode("🧵");
    const pieces = [lead!, lead!, lead!, lead!].map((id) => stream.push(id));
    expect(pieces.slice(0, 3)).toEqual(["", "", ""]);
    expect(pieces[3]).toContain("�");
    stream.push(lead!);
    expect(stream.end()).toBe("�");
    expect(stream.end()).toBe("");
  });
});
