import picocolors from "picocolors";

/** The few colours of what a person reads; all of them the identity where there is no terminal. */
export interface Paint {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly warn: (text: string) => string;
  readonly name: (text: string) => string;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

export function paint(colour: boolean): Paint {
  const colours = picocolors.createColors(colour);
  return {
    good: colours.green,
    bad: colours.red,
    warn: colours.yellow,
    name: colours.cyan,
    bold: colours.bold,
    dim: colours.dim,
  };
}

/** Colour only on a terminal, and not where `NO_COLOR` is set. Not the library's own guess: it takes `CI` for a terminal. */
export function paintFor(stream: { readonly isTTY?: boolean }): Paint {
  return paint(stream.isTTY === true && !process.env.NO_COLOR);
}
