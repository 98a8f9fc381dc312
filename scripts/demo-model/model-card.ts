import { NOISE } from "./trainer.ts";

export interface TrainingRecord {
  readonly backend: string;
  readonly texts: number;
  readonly characters: number;
  readonly tokens: number;
  readonly parameters: number;
  readonly context: number;
  readonly layers: number;
  readonly seconds: number;
  readonly steps: number;
  readonly batch: number;
  /** Mean over the last steps, in nats per token. */
  readonly loss: number;
  readonly samples: readonly string[];
}

/** The README.md of the model folder: how it was made, what it can do, what it says. */
export function modelCard(record: TrainingRecord): string {
  const { texts, characters, tokens, parameters, context, layers, seconds, steps, batch, loss } = record;
  const epochs = ((steps * batch * context) / tokens).toFixed(0);
  const quotes = record.samples.map((text) => text.replaceAll(/^/gm, "> ")).join("\n\n");
  return `# The demo model

A GPT-2 of ${(parameters / 1e6).toFixed(2)} million parameters (${layers} layers, context ${context} tokens, float16) in Hugging Face's layout, so that the
first pipeline run on a fresh machine runs real inference. It has read the project's own text some ${epochs} times; it
knows nothing else.

Made by

    bun scripts/train-demo-model.ts --seconds ${seconds}

- Data: ${texts} texts of this repository, ${characters} characters, ${tokens} tokens: the prose of README.md, CONTRIBUTING.md and
  \`spec/*.md\`. No other data. Licence: the repository's.
- Tokenizer: byte-level BPE trained on the same text.
- Training: ${steps} steps of ${batch} windows of ${context} tokens, half of them from the start of a paragraph, Adam, seeded;
  ${record.backend}.
- Training loss at the end: ${loss.toFixed(3)} nats per token. Nothing was held out: to sound like this text is all
  that it is for. In training, ${NOISE * 100} % of the tokens it read were replaced by others, so the loss includes what that hides.

How it continues (temperature 0.4, top 40):

${quotes}
`;
}
