import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer as HuggingFaceTokenizer } from "@huggingface/tokenizers";

/** Text to token ids and back, by the `tokenizer.json` of a model folder. */
export class Tokenizer {
  readonly #tokenizer: HuggingFaceTokenizer;

  private constructor(tokenizer: HuggingFaceTokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** Throws Error when the folder has no `tokenizer.json`, or one that the library cannot run. */
  static async load(dir: string): Promise<Tokenizer> {
    const path = join(dir, "tokenizer.json");
    const settings = join(dir, "tokenizer_config.json");
    try {
      const config = existsSync(settings) ? JSON.parse(await readFile(settings, "utf8")) : {};
      return new Tokenizer(new HuggingFaceTokenizer(JSON.parse(await readFile(path, "utf8")), config));
    } catch (cause) {
      throw new Error(`${path} cannot be used: ${(cause as Error).message}`, { cause });
    }
  }

  encode(text: string): Int32Array {
    return Int32Array.from(text === "" ? [] : this.#tokenizer.encode(text, { add_special_tokens: false }).ids);
  }

  decode(ids: readonly number[]): string {
    // The library's clean-up would drop spaces that the model wrote.
    return ids.length === 0 ? "" : this.#tokenizer.decode([...ids], { clean_up_tokenization_spaces: false });
  }

  /** For text that is shown while it is made. */
  stream(): TextStream {
    return new TextStream(this);
  }
}

/** A character of UTF-8 has at most four bytes, so a token sequence that is still broken after more never becomes whole. */
const LONGEST_WAIT = 4;

/** Turns ids into text as they come. A token may hold a part of a character; the part waits for the rest. */
export class TextStream {
  readonly #tokenizer: Tokenizer;
  #waiting: number[] = [];

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer;
  }

  /** The text that this id completes, often one word or less, and "" in the middle of a character. */
  push(id: number): string {
    this.#waiting.push(id);
    const text = this.#tokenizer.decode(this.#waiting);
    if (text.endsWith("\ufffd") && this.#waiting.length < LONGEST_WAIT) return "";
    this.#waiting = [];
    return text;
  }

  /** What is left of a character that never became whole. */
  end(): string {
    const text = this.#tokenizer.decode(this.#waiting);
    this.#waiting = [];
    return text;
  }
}
